"""How clusters are reached: kubeconfig contexts, AKS, addresses; and what is refused."""

from __future__ import annotations

import ssl
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import yaml
from answering import Authority, Outcome, Reply, answering
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from function_app.adapters.answers import RequestLimits
from function_app.adapters.azure_arm import ResourceManager
from function_app.adapters.credentials import AKS_SCOPE, EntraBearer, FileCredential, token_in
from function_app.adapters.kubernetes_access import (
    AccessOptions,
    ApiServerAccess,
    address_access,
    aks_access,
    cluster_access,
    kubeconfig_access,
)
from function_app.adapters.kubernetes_cluster import KubernetesCluster
from function_app.model.definitions import Cluster
from function_app.model.errors import TargetRejected
from function_app.model.names import cluster_target
from function_app.model.resources import Kind

SPOKE = cluster_target("spoke1")
AKS_ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/spoke1"
QUICK = RequestLimits(connect_seconds=0.5, read_seconds=0.5)
NODES = Reply(200, {"kind": "NodeList", "items": []})


def kubeconfig(
    folder: Path, user: dict[str, Any], cluster: dict[str, Any] | None = None, context: str = "spoke1"
) -> Path:
    """A kubeconfig with one context (client-go clientcmd/api/v1)."""
    path = folder / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"} | (cluster or {})}],
                "users": [{"name": "u", "user": user}],
                "contexts": [{"name": context, "context": {"cluster": "c", "user": "u"}}],
            }
        )
    )
    return path


def reach(access: ApiServerAccess) -> None:
    """Call the server behind an access."""
    KubernetesCluster(SPOKE, lambda: access, QUICK).list(Kind.NODE)


def encoded(path: Path) -> str:
    """A file as kubeconfigs carry it."""
    return b64encode(path.read_bytes()).decode()


def test_a_token_and_an_authority_reach_the_server(tmp_path: Path) -> None:
    """Inline authority, inline token."""
    authority = Authority(tmp_path)
    with answering(NODES, authority.issue()) as server:
        cluster = {"server": server.url + "/", "certificate-authority-data": encoded(authority.file)}
        reach(kubeconfig_access(kubeconfig(tmp_path, {"token": "t-1"}, cluster), "spoke1"))
    assert server.seen[0].headers["Authorization"] == "Bearer t-1"
    assert server.seen[0].path == "/api/v1/nodes"


def test_an_authority_without_key_identifier_is_trusted(tmp_path: Path) -> None:
    """Python 3.13's strict verification refuses what many clusters have (kubernetes-client/python#2394)."""
    authority = Authority(tmp_path, key_identifier=False)
    with answering(NODES, authority.issue()) as server:
        cluster = {"server": server.url, "certificate-authority": authority.file.name}
        reach(kubeconfig_access(kubeconfig(tmp_path, {"token": "t"}, cluster), "spoke1"))
        assert len(server.seen) == 1


def test_a_token_file_is_read_at_each_request(tmp_path: Path) -> None:
    """Tokens rotate; the path is relative to the kubeconfig."""
    (tmp_path / "token").write_text("one\n")
    with answering(NODES) as server:
        access = kubeconfig_access(kubeconfig(tmp_path, {"tokenFile": "token"}, {"server": server.url}), "spoke1")
        reach(access)
        (tmp_path / "token").write_text("two\n")
        reach(access)
    assert [seen.headers["Authorization"] for seen in server.seen] == ["Bearer one", "Bearer two"]


def test_a_client_certificate_is_presented(tmp_path: Path) -> None:
    """Certificate and key inline; without them this server refuses the handshake."""
    authority = Authority(tmp_path)
    client = encoded(authority.issue("client"))
    with answering(NODES, authority.issue(), client_authority=authority.file) as server:
        cluster = {"server": server.url, "certificate-authority-data": encoded(authority.file)}
        user = {"client-certificate-data": client, "client-key-data": client}
        reach(kubeconfig_access(kubeconfig(tmp_path, user, cluster), "spoke1"))
        with pytest.raises(TargetRejected, match="client certificate"):
            reach(kubeconfig_access(kubeconfig(tmp_path, {"token": "t"}, cluster), "spoke1"))
    assert "Authorization" not in server.seen[0].headers


@pytest.mark.parametrize(
    ("user", "cluster", "words"),
    [
        ({"exec": {"command": "canary"}}, {}, "exec is refused: it would start a program"),
        ({"auth-provider": {"name": "azure"}}, {}, "auth-provider is refused"),
        ({"username": "admin", "password": "canary"}, {}, "password is refused"),
        ({"token": "canary", "as": "root"}, {}, "as is refused: impersonation"),
        ({"token": "canary"}, {"insecure-skip-tls-verify": True}, "insecure-skip-tls-verify is refused"),
        ({"token": "canary"}, {"proxy-url": "http://canary"}, "proxy-url is refused"),
        ({"token": "canary", "surprise": 1}, {}, "surprise is not understood"),
        ({"token": 17}, {}, "token must be text"),
        ({}, {}, "gives no credential"),
        ({"client-certificate-data": "canary!"}, {}, "client-certificate-data is not base64"),
        ({"client-certificate-data": "Y2FuYXJ5", "client-key-data": "Y2FuYXJ5"}, {}, "not a PEM pair"),
        ({"client-certificate": "gone.pem", "client-key": "gone.pem"}, {}, "gone.pem cannot be read"),
        ({"token": "canary"}, {"certificate-authority-data": "Y2FuYXJ5"}, "certificate authority is not PEM"),
        ({"token": "canary"}, {"server": "http://10.0.0.1"}, "plain http"),
        ({"token": "canary"}, {"server": "https://u:canary@host"}, "must look like"),
        ({"token": "canary"}, {"server": "ftp://host"}, "must look like"),
        ({"token": "canary"}, {"server": ""}, "server is missing"),
    ],
)
def test_what_a_kubeconfig_may_not_ask_for(
    tmp_path: Path, user: dict[str, Any], cluster: dict[str, Any], words: str
) -> None:
    """Each is refused with words that name the file and never the value."""
    path = kubeconfig(tmp_path, user, cluster)
    with pytest.raises(TargetRejected) as caught:
        kubeconfig_access(path, "spoke1")
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "canary" not in str(caught.value)


def test_skipping_verification_may_be_denied_explicitly(tmp_path: Path) -> None:
    """`insecure-skip-tls-verify: false` weakens nothing."""
    path = kubeconfig(tmp_path, {"token": "t"}, {"insecure-skip-tls-verify": False})
    assert kubeconfig_access(path, "spoke1").server == "https://127.0.0.1:1"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not YAML"),
        ("- a", "is no kubeconfig"),
        ("kind: Pod", "is no kubeconfig"),
        ("contexts: 1", "contexts must be a list"),
        ("contexts: [1]", "contexts[0] must be"),
        ("contexts: []", "has no context spoke1"),
        ("contexts: [{name: spoke1, context: {cluster: c, user: u}}]", "clusters has no entry c"),
        ("contexts: [{name: spoke1}]", "cluster is missing"),
        ("!!python/object/apply:os.system ['true']", "is not YAML"),
    ],
)
def test_malformed_kubeconfigs_say_what_is_wrong(tmp_path: Path, content: str, words: str) -> None:
    """Located words instead of a stack trace."""
    path = tmp_path / "kubeconfig"
    path.write_text(content)
    with pytest.raises(TargetRejected) as caught:
        kubeconfig_access(path, "spoke1")
    assert words in str(caught.value)


def test_a_missing_context_names_those_that_exist(tmp_path: Path) -> None:
    """Contexts are named as clusters."""
    path = kubeconfig(tmp_path, {"token": "t"}, context="admin@spoke1")
    with pytest.raises(TargetRejected, match="It has: admin@spoke1"):
        kubeconfig_access(path, "spoke1")


def test_an_unreadable_kubeconfig_is_rejected(tmp_path: Path) -> None:
    """The path and the setting are named."""
    with pytest.raises(TargetRejected, match=r"missing: cannot be read .* check EGRESS_KUBECONFIG"):
        kubeconfig_access(tmp_path / "missing", "spoke1")


@pytest.mark.parametrize("content", ["", "two words", "tok\nen", "tök"])
def test_a_token_file_holds_one_token(tmp_path: Path, content: str) -> None:
    """Anything else would break the header, and an exception about it would quote the token."""
    (tmp_path / "token").write_text(content)
    with pytest.raises(TargetRejected, match="one token"):
        token_in(tmp_path / "token")


def test_an_address_needs_a_credential() -> None:
    """Definitions carry no credentials; the settings do."""
    with pytest.raises(TargetRejected, match="EGRESS_KUBE_TOKEN_FILE"):
        address_access(SPOKE, "https://host", ca_data=None, ca_file=None, token_file=None)


def test_an_address_trusts_its_own_authority_or_that_of_the_settings(tmp_path: Path) -> None:
    """`caData` of the definition, else EGRESS_CA_FILE."""
    authority = Authority(tmp_path)
    (tmp_path / "token").write_text("t")
    with answering(NODES, authority.issue()) as server:
        reach(
            address_access(
                SPOKE, server.url, ca_data=encoded(authority.file), ca_file=None, token_file=tmp_path / "token"
            )
        )
        reach(address_access(SPOKE, server.url, ca_data=None, ca_file=authority.file, token_file=tmp_path / "token"))
        with pytest.raises(TargetRejected, match="not trusted"):
            reach(address_access(SPOKE, server.url, ca_data=None, ca_file=None, token_file=tmp_path / "token"))
    assert len(server.seen) == 2


def entra_kubeconfig(server: str, authority: Path) -> Outcome:
    """ListClusterUserCredential of an Entra cluster: the user starts kubelogin (learn.microsoft.com, AKS kubelogin)."""
    text = yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "c", "cluster": {"server": server, "certificate-authority-data": encoded(authority)}}
            ],
            "users": [{"name": "u", "user": {"exec": {"command": "kubelogin"}}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        }
    )
    return Reply(200, {"kubeconfigs": [{"name": "clusterUser", "value": b64encode(text.encode()).decode()}]})


def test_aks_gives_the_address_and_entra_the_token(tmp_path: Path) -> None:
    """The kubeconfig's own user is not looked at."""
    authority = Authority(tmp_path)
    (tmp_path / "token").write_text("entra")
    credential = FileCredential(tmp_path / "token")
    with (
        answering(NODES, authority.issue()) as server,
        answering(lambda _seen: entra_kubeconfig(server.url, authority.file)) as azure,
    ):
        arm = ResourceManager(credential, endpoint=azure.url, limits=QUICK)
        reach(aks_access(SPOKE, AKS_ID, arm, credential))
    assert (azure.seen[0].method, azure.seen[0].path) == ("POST", f"{AKS_ID}/listClusterUserCredential")
    assert server.seen[0].headers["Authorization"] == "Bearer entra"


@pytest.mark.parametrize("body", [{}, {"kubeconfigs": []}, {"kubeconfigs": [{"value": "!"}]}, {"kubeconfigs": None}])
def test_an_aks_answer_without_kubeconfig_is_rejected(tmp_path: Path, body: dict[str, Any]) -> None:
    """Local accounts and user credentials can be switched off."""
    (tmp_path / "token").write_text("t")
    credential = FileCredential(tmp_path / "token")
    with answering(Reply(200, body)) as azure, pytest.raises(TargetRejected, match="no kubeconfig"):
        aks_access(SPOKE, AKS_ID, ResourceManager(credential, endpoint=azure.url), credential)


def a_cluster(api_server: dict[str, str]) -> Cluster:
    """A cluster definition."""
    return Cluster.model_validate(
        {
            "apiVersion": "egress-gitops.io/v1alpha1",
            "kind": "Cluster",
            "metadata": {"name": "spoke1"},
            "spec": {
                "hub": "hub",
                "apiServer": api_server,
                "network": {
                    "vnet": ("10.1.0.0/16",),
                    "nodes": "10.1.0.0/24",
                    "pods": "10.244.0.0/16",
                    "services": "10.0.0.0/16",
                },
                "bgp": {"reachableBy": "10.1.0.1"},
                "egressCIDR": "10.99.0.0/16",
            },
        }
    )


def test_a_kubeconfig_goes_before_what_the_definition_says(tmp_path: Path) -> None:
    """One rule for all clusters: with a kubeconfig, the context of the cluster's name."""
    (tmp_path / "token").write_text("t")
    credential = FileCredential(tmp_path / "token")
    arm = ResourceManager(credential)
    path = kubeconfig(tmp_path, {"token": "t"}, {"server": "https://from-kubeconfig"})
    for definition in (a_cluster({"aksResourceId": AKS_ID}), a_cluster({"server": "https://from-definition"})):
        assert (
            cluster_access(definition, AccessOptions(kubeconfig=path), arm, credential)().server
            == "https://from-kubeconfig"
        )
    by_address = cluster_access(
        a_cluster({"server": "https://x"}), AccessOptions(token_file=tmp_path / "token"), arm, credential
    )
    assert by_address().server == "https://x"


class Entra:
    """A credential that counts; it gives tokens that expire at `expires`, or fails."""

    def __init__(self) -> None:
        self.expires = 1000
        self.asked: list[str] = []
        self.fails: Exception | None = None

    def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """The next token."""
        self.asked += scopes
        if self.fails:
            raise self.fails
        return AccessToken(f"token-{len(self.asked)}", self.expires)


def test_an_entra_token_is_kept_until_shortly_before_it_expires() -> None:
    """Asked per request, fetched seldom."""
    entra, moment = Entra(), [0.0]
    bearer = EntraBearer(entra, now=lambda: moment[0])
    assert [bearer(), bearer()] == ["token-1", "token-1"]
    moment[0] = 701.0
    assert bearer() == "token-2"
    assert entra.asked == [AKS_SCOPE, AKS_SCOPE]


def test_a_token_that_still_holds_outlives_an_outage_of_entra() -> None:
    """Only when it has expired the failure comes through."""
    entra, moment = Entra(), [0.0]
    bearer = EntraBearer(entra, now=lambda: moment[0])
    bearer()
    entra.fails, moment[0] = ServiceRequestError("down"), 900.0
    assert bearer() == "token-1"
    moment[0] = 1001.0
    with pytest.raises(ServiceRequestError):
        bearer()


def test_an_identity_without_token_is_rejected_with_the_settings_to_look_at() -> None:
    """A cluster whose token cannot be had: the words name the settings and not what Entra said."""
    entra = Entra()
    entra.fails = ClientAuthenticationError("AADSTS700016 canary")
    access = ApiServerAccess("https://127.0.0.1:1", ssl.create_default_context(), EntraBearer(entra))
    with pytest.raises(TargetRejected, match="EGRESS_AZURE_CLIENT_ID") as caught:
        reach(access)
    assert "canary" not in str(caught.value)
