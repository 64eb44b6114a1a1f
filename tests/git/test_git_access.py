"""Who we are to a repository's host, on real servers: what they are shown, and that nobody else sees it."""

from __future__ import annotations

import base64
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import jwt
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from git_histories import Upstream, a_platform, a_repository
from git_servers import Sshd, an_sshd, git_behind
from web_services import WebService, json_answers, web_service

from function_app.adapters.git_access import DeployKey, GitAccess, HttpAccess
from function_app.adapters.git_repository import GitRepository
from function_app.adapters.git_tokens import AZURE_DEVOPS_SCOPE, GitHubAppToken, azure_devops_token, fixed_token
from function_app.adapters.web import Web
from function_app.model.errors import SourceError

TOKEN = "canary-token-0123456789"
BASIC = f"Basic {base64.b64encode(f'x-access-token:{TOKEN}'.encode()).decode()}"


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    """A repository with a hub and a cluster."""
    made = a_repository(tmp_path / "upstream")
    made.commit(a_platform())
    return made


def a_copy(url: str, tmp_path: Path, access: GitAccess, ca_file: Path | None = None) -> GitRepository:
    """Our copy of what a server has."""
    return GitRepository(url, tmp_path / "cache", access=access, ca_file=ca_file, timeout_seconds=20)


@pytest.fixture
def private(tmp_path: Path, upstream: Upstream) -> Iterator[WebService]:
    """The repository behind HTTPS, for who shows the token as GitHub wants it."""
    with web_service(tmp_path / "web", git_behind(BASIC, upstream.folder.parent)) as service:
        yield service


def test_a_token_opens_a_private_repository_and_is_seen_by_nobody_else(
    tmp_path: Path, upstream: Upstream, private: WebService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clone and a fetch; the token is in no process's arguments, no file of the copy, no trace, whatever the environment asks."""
    trace = tmp_path / "trace"
    for name in ("GIT_TRACE", "GIT_TRACE_CURL", "GIT_CURL_VERBOSE", "GIT_TRACE2_EVENT"):
        monkeypatch.setenv(name, str(trace))
    monkeypatch.setenv("GIT_TRACE_REDACT", "0")
    url = f"{private.url}/upstream/.git"
    with closing(a_copy(url, tmp_path, HttpAccess(url, fixed_token(TOKEN), "x-access-token"), private.ca_file)) as copy:
        copy.fetch()
        newest = upstream.commit({"tenants/x.yaml": "x"})
        copy.fetch()
        assert newest == copy.resolve("main")
    trace.touch()
    kept = [trace.read_bytes()] + [file.read_bytes() for file in (tmp_path / "cache").rglob("*") if file.is_file()]

    assert {BASIC} == {headers["authorization"] for _, _, headers, _ in private.requests}
    assert any("git-remote-https" in line or "remote-https" in line for line in private.processes)
    encoded = BASIC.removeprefix("Basic ")
    for secret in (TOKEN, encoded):
        assert not any(secret in line for line in private.processes)
        assert not any(secret.encode() in content for content in kept)


def test_a_wrong_token_is_refused_in_words_that_do_not_show_it(
    tmp_path: Path, private: WebService, capfd: pytest.CaptureFixture[str]
) -> None:
    """The host says 401: git asks nobody for a password."""
    url = f"{private.url}/upstream/.git"
    wrong = HttpAccess(url, fixed_token("canary-wrong-9876543210"), "x-access-token")
    with (
        closing(a_copy(url, tmp_path, wrong, private.ca_file)) as copy,
        pytest.raises(SourceError, match="cannot be fetched") as caught,
    ):
        copy.fetch()

    assert "canary" not in str(caught.value)
    assert "canary" not in "".join(capfd.readouterr())


def test_a_redirect_does_not_take_the_token_along(tmp_path: Path, upstream: Upstream) -> None:
    """A host that sends us elsewhere is not followed, and elsewhere hears nothing."""
    with web_service(tmp_path / "thief", git_behind(BASIC, upstream.folder.parent)) as thief:

        def elsewhere(request: Any, _: bytes) -> None:
            request.send(302, b"", ("Location", f"{thief.url}{request.path}"))

        with web_service(tmp_path / "web", elsewhere) as host:
            url = f"{host.url}/upstream/.git"
            bundle = tmp_path / "both.pem"
            bundle.write_bytes(host.ca_file.read_bytes() + thief.ca_file.read_bytes())
            access = HttpAccess(url, fixed_token(TOKEN), "x-access-token")
            with closing(a_copy(url, tmp_path, access, bundle)) as copy, pytest.raises(SourceError):
                copy.fetch()
        assert host.requests
        assert [] == thief.requests


def test_a_token_is_not_sent_in_the_clear() -> None:
    """By https or not at all."""
    with pytest.raises(SourceError, match="https alone"):
        HttpAccess("ssh://git@example.com/x", fixed_token(TOKEN))


def github(answers: list[tuple[int, object]]) -> Callable[[str, str, Any], tuple[int, object]]:
    """GitHub's route for installation tokens (docs.github.com, REST API endpoints for GitHub Apps)."""

    def reply(method: str, path: str, _: Any) -> tuple[int, object]:
        assert ("POST", "/app/installations/7654321/access_tokens") == (method, path)
        return answers.pop(0)

    return reply


def an_rsa_key() -> tuple[str, Any]:
    """PEM as GitHub hands it out, and the public half."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return pem.decode(), key.public_key()


def test_a_github_app_trades_its_key_for_a_token_of_an_hour(tmp_path: Path) -> None:
    """A JWT that GitHub's rules accept; the token is kept until shortly before its end, then asked for anew."""
    pem, public = an_rsa_key()
    answers: list[tuple[int, object]] = [
        (201, {"token": "ghs_first", "expires_at": "2026-11-23T13:00:00Z", "permissions": {"contents": "read"}}),
        (201, {"token": "ghs_second", "expires_at": "2026-11-23T14:00:00Z"}),
    ]
    now = [1795435200.0]  # 2026-11-23T12:00:00Z
    with web_service(tmp_path, json_answers(github(answers))) as service:
        token = GitHubAppToken("Iv1.app", "7654321", pem, service.url, Web(service.ca_file), lambda: now[0])
        shown = [token()]
        now[0] += 3200
        shown.append(token())
        now[0] += 200
        shown.append(token())

    assert ["ghs_first", "ghs_first", "ghs_second"] == shown
    header = service.requests[0][2]["authorization"]
    claims = jwt.decode(
        header.removeprefix("Bearer "),
        public,
        algorithms=["RS256"],
        options={"verify_exp": False, "verify_iat": False},
    )

    assert "Iv1.app" == claims["iss"]
    assert claims["iat"] <= 1795435200
    assert claims["exp"] - claims["iat"] <= 600


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"message": "A JSON web token could not be decoded"}),
        (404, {"message": "Not Found"}),
        (201, {}),
        (500, None),
    ],
)
def test_a_github_app_that_gets_no_token_says_what_to_check(tmp_path: Path, status: int, body: object) -> None:
    """Three settings, and whether the App is installed; never the key."""
    pem, _ = an_rsa_key()
    with web_service(tmp_path, json_answers(github([(status, body)]))) as service:
        token = GitHubAppToken("1", "7654321", pem, service.url, Web(service.ca_file))
        with pytest.raises(SourceError, match="EGRESS_GITHUB_APP_KEY") as caught:
            token()
    assert "PRIVATE" not in str(caught.value)


def test_a_key_that_is_none_is_named() -> None:
    """Before anybody is asked."""
    token = GitHubAppToken("1", "7654321", "-----BEGIN RSA PRIVATE KEY-----\ncanary\n", "https://127.0.0.1:9", Web())
    with pytest.raises(SourceError, match="no RSA private key") as caught:
        token()
    assert "canary" not in str(caught.value)


class _Entra:
    """A managed identity, or none."""

    def __init__(self, assigned: bool) -> None:
        self._assigned = assigned
        self.asked: list[str] = []

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """A token for Azure DevOps."""
        self.asked += scopes
        if not self._assigned:
            raise ClientAuthenticationError("canary")
        return AccessToken(TOKEN, 4_000_000_000)


def test_azure_devops_is_shown_entras_token(tmp_path: Path, upstream: Upstream) -> None:
    """As Bearer, without a user's name, for the resource that is Azure DevOps."""
    entra = _Entra(assigned=True)
    with web_service(tmp_path / "web", git_behind(f"Bearer {TOKEN}", upstream.folder.parent)) as service:
        url = f"https://organisation@127.0.0.1:{service.port}/upstream/.git"
        access = HttpAccess(url, azure_devops_token(entra))
        with closing(a_copy(url, tmp_path, access, service.ca_file)) as copy:
            copy.fetch()
            assert upstream.head() == copy.resolve("main")
    assert [AZURE_DEVOPS_SCOPE] == entra.asked


def test_without_an_identity_it_is_said() -> None:
    """What Entra says may hold anything; the type of its refusal is enough."""
    with pytest.raises(SourceError, match="managed identity") as caught:
        azure_devops_token(_Entra(assigned=False))()
    assert "canary" not in str(caught.value)


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """OpenSSH."""
    with an_sshd(tmp_path_factory.mktemp("ssh") / "d") as server:
        yield server


def test_a_deploy_key_opens_a_repository_by_ssh(
    tmp_path: Path, upstream: Upstream, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key lies in no file afterwards."""
    access = DeployKey(sshd.client_key, sshd.host_keys)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with closing(a_copy(sshd.url(upstream.folder), tmp_path, access)) as copy:
        copy.fetch()
        assert upstream.head() == copy.resolve("main")
    assert [] == list(tmp_path.glob("egress-ssh-*"))


def test_a_host_with_another_key_is_refused(tmp_path: Path, upstream: Upstream, sshd: Sshd) -> None:
    """Whoever answers in the host's place learns nothing, and nothing is learned from it."""
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    public = other.with_suffix(".pub").read_text().split()
    access = DeployKey(sshd.client_key, f"[127.0.0.1]:{sshd.port} {public[0]} {public[1]}")
    with (
        closing(a_copy(sshd.url(upstream.folder), tmp_path, access)) as copy,
        pytest.raises(SourceError, match="Host key verification failed"),
    ):
        copy.fetch()


def test_a_key_that_is_not_let_in_is_said(tmp_path: Path, upstream: Upstream, sshd: Sshd) -> None:
    """No password is asked for, no other key of this machine is tried."""
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    access = DeployKey(other.read_text(), sshd.host_keys)
    with (
        closing(a_copy(sshd.url(upstream.folder), tmp_path, access)) as copy,
        pytest.raises(SourceError, match="Permission denied"),
    ):
        copy.fetch()
