"""What all faces have in common: TLS, keep-alive, virtual time, tokens, paths that do not exist."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPSConnection
from pathlib import Path
from socket import SHUT_WR, socket
from urllib.parse import urlsplit

import pytest
import yaml
from raw_client import ARM, VERSION, Ask, Wire, walkthrough


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A fresh walkthrough over HTTPS."""
    with walkthrough() as running:
        yield running


@pytest.fixture
def ask(wire: Wire) -> Ask:
    """A raw client of it."""
    return wire.ask


def test_the_date_header_is_virtual_time(ask: Ask) -> None:
    """Clients that take the time from answers live in the world's time."""
    assert ask("GET", "/_control/time").headers["Date"] == "Mon, 23 Nov 2026 08:00:00 GMT"
    ask("POST", "/_control/advance", {"seconds": 90})
    assert ask("GET", "/kubernetes/spoke1-aks/version").headers["Date"] == "Mon, 23 Nov 2026 08:01:30 GMT"


def test_a_client_without_the_authority_refuses_the_server(wire: Wire) -> None:
    """The certificate is trusted through the CA file only."""
    connection = HTTPSConnection(urlsplit(wire.server.url).netloc, timeout=5, context=ssl.create_default_context())
    with pytest.raises(ssl.SSLCertVerificationError):
        connection.request("GET", "/_control/time")
    connection.close()


def test_tls_1_1_is_not_spoken(wire: Wire) -> None:
    """The least version is TLS 1.2."""
    context = ssl.create_default_context(cafile=str(wire.server.ca_file))
    connection = HTTPSConnection(urlsplit(wire.server.url).netloc, timeout=5, context=context)
    connection.connect()
    assert connection.sock.version() in ("TLSv1.2", "TLSv1.3")
    connection.close()


def test_a_connection_is_kept(wire: Wire) -> None:
    """Two requests go over one connection."""
    context = ssl.create_default_context(cafile=str(wire.server.ca_file))
    connection = HTTPSConnection(urlsplit(wire.server.url).netloc, timeout=5, context=context)
    connection.request("GET", "/_control/time")
    connection.getresponse().read()
    socket = connection.sock
    connection.request("GET", "/_control/time")
    assert connection.getresponse().read() != b""
    assert connection.sock is socket
    connection.close()


def test_unknown_paths_answer_with_what_exists(ask: Ask) -> None:
    """Nobody has to guess."""
    assert b"/_control/" in ask("GET", "/nothing").body
    assert "POST /_control/advance" in ask("GET", "/_control/nothing").json["exists"]
    unknown = ask("GET", "/kubernetes/spoke9/api")
    assert (unknown.status, "spoke1-aks, spoke2-aks" in unknown.json["message"]) == (404, True)


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/kubernetes/spoke1-aks/api/v1/namespaces", "Unauthorized"),
        (f"{ARM}/firewallPolicies/tenants?{VERSION}", "InvalidAuthenticationToken"),
    ],
)
@pytest.mark.parametrize("token", ["", "wrong"])
def test_without_a_known_token_nothing_is_answered(ask: Ask, path: str, word: str, token: str) -> None:
    """Both APIs answer 401 in their own words."""
    answer = ask("GET", path, token=token)
    assert (answer.status, word in answer.body.decode()) == (401, True)


def test_a_reader_reads_and_does_not_write(ask: Ask) -> None:
    """The second token shows what a client with too few rights sees."""
    cluster = "/kubernetes/spoke2-aks"
    assert ask("GET", f"{cluster}/api/v1/namespaces", token="sim-reader-token").status == 200
    refused = ask("DELETE", f"{cluster}/api/v1/namespaces/shop", token="sim-reader-token")
    assert (refused.status, refused.json["reason"]) == (403, "Forbidden")
    assert 'cannot delete resource "namespaces"' in refused.json["message"]
    group = f"{ARM}/firewallPolicies/tenants/ruleCollectionGroups/t-000?{VERSION}"
    assert ask("GET", f"{ARM}/firewallPolicies/tenants?{VERSION}", token="sim-reader-token").status == 200
    denied = ask("PUT", group, {"properties": {"priority": 1000}}, token="sim-reader-token")
    assert (denied.status, denied.json["error"]["code"]) == (403, "AuthorizationFailed")
    assert ask("PUT", group, {"properties": {"priority": 1000, "ruleCollections": []}}).status == 201


def test_settings_name_files_that_exist(wire: Wire) -> None:
    """What is printed to copy can be used as it is."""
    settings = wire.server.settings()
    assert sorted(settings) == [
        "EGRESS_ARM_ENDPOINT",
        "EGRESS_ARM_TOKEN_FILE",
        "EGRESS_CA_FILE",
        "EGRESS_KUBECONFIG",
        "EGRESS_TIME_SOURCE",
    ]
    kubeconfig = yaml.safe_load(Path(settings["EGRESS_KUBECONFIG"]).read_text(encoding="utf-8"))
    assert [context["name"] for context in kubeconfig["contexts"]] == sorted(wire.world.clusters)
    assert Path(settings["EGRESS_ARM_TOKEN_FILE"]).read_text(encoding="utf-8") == "sim-token"
    assert settings["EGRESS_TIME_SOURCE"] == f"{settings['EGRESS_ARM_ENDPOINT']}/_control/time"


def test_a_temporary_folder_goes_with_the_server() -> None:
    """Nothing secret stays behind."""
    with walkthrough() as running:
        folder = running.server.folder
        assert (folder / "token").exists()
    assert not folder.exists()


def test_a_body_without_a_length_or_too_long_is_refused(wire: Wire) -> None:
    """Memory stays flat."""
    context = ssl.create_default_context(cafile=str(wire.server.ca_file))
    connection = HTTPSConnection(urlsplit(wire.server.url).netloc, timeout=5, context=context)
    connection.putrequest("POST", "/_control/advance")
    connection.putheader("Content-Length", str(64 * 1024 * 1024))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_half_a_request_has_no_effect(wire: Wire) -> None:
    """Who sends it dies in the middle, and what there is of a body is not taken for all of it."""
    context = ssl.create_default_context(cafile=str(wire.server.ca_file))
    connection = HTTPSConnection(urlsplit(wire.server.url).netloc, timeout=5, context=context)
    connection.putrequest("POST", "/_control/advance")
    connection.putheader("Content-Length", "16")
    connection.endheaders(b'{"seconds": 90}')
    socket.shutdown(connection.sock, SHUT_WR)  # beneath TLS, which is not said goodbye to
    with suppress(ssl.SSLError):
        assert b"" == connection.sock.recv(100)

    assert wire.ask("GET", "/_control/time").headers["Date"] == "Mon, 23 Nov 2026 08:00:00 GMT"
    connection.close()


def test_an_aggregated_server_that_is_down_is_answered_for_in_plain_text(wire: Wire) -> None:
    """503 and no Status object; what kube-apiserver serves itself goes on."""
    wire.world.clusters["spoke1-aks"].api.calico_apiserver_down = True
    for query in ("", "?watch=true"):
        answer = wire.ask("GET", f"/kubernetes/spoke1-aks/apis/projectcalico.org/v3/ippools{query}")
        assert (answer.status, answer.headers.get_content_type()) == (503, "text/plain")
        assert answer.body.startswith(b"error trying to reach service")
    assert wire.ask("GET", "/kubernetes/spoke1-aks/api/v1/namespaces").status == 200
