"""Tokens for a Git host: one of our own, one of a GitHub App's installation, one of Entra for Azure DevOps.

Each is a callable that gives the token for the next request and raises SourceError, which never shows one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from threading import Lock

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError

from function_app.adapters.credentials import EntraBearer
from function_app.adapters.web import NoAnswer, Web
from function_app.model.errors import SourceError

Token = Callable[[], str]

AZURE_DEVOPS_SCOPE = "499b84ac-1321-427f-aa17-267ca6975798/.default"
"""Azure DevOps as a resource of Entra (learn.microsoft.com, Use service principals and managed identities in Azure DevOps)."""

_JWT_SECONDS = 540
"""GitHub takes no JWT that lives longer than ten minutes (docs.github.com, Generating a JSON Web Token for a GitHub App)."""
_CLOCKS_APART_SECONDS = 60
_RENEW_EARLY_SECONDS = 300


def fixed_token(token: str) -> Token:
    """The same at each request."""
    return lambda: token


def azure_devops_token(credential: TokenCredential) -> Token:
    """Entra's token for Azure DevOps, in which the identity must be a user with the right to read the repository."""
    bearer = EntraBearer(credential, AZURE_DEVOPS_SCOPE)

    def token() -> str:
        try:
            return bearer()
        except AzureError as error:
            raise SourceError(
                f"Entra gives no token for Azure DevOps ({type(error).__name__}). Is the managed identity assigned, and "
                "does EGRESS_AZURE_CLIENT_ID name it?"
            ) from None

    return token


class GitHubAppToken:
    """An installation's token, which GitHub gives for an hour; asked for anew five minutes before that is over."""

    def __init__(
        self, app: str, installation: str, key: str, api: str, web: Web, now: Callable[[], float] = time.time
    ) -> None:
        self._app = app
        self._url = f"{api}/app/installations/{installation}/access_tokens"
        self._key = key
        self._web = web
        self._now = now
        self._lock = Lock()
        self._token = ""
        self._until = 0.0

    def __call__(self) -> str:
        """The token for the next request; raises SourceError."""
        with self._lock:
            if self._until - self._now() <= _RENEW_EARLY_SECONDS:
                self._ask()
            return self._token

    def _ask(self) -> None:
        headers = {
            "Authorization": f"Bearer {self._jwt()}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        try:
            answer = self._web.post(self._url, {}, headers)
        except NoAnswer as problem:
            raise SourceError(f"GitHub does not answer when asked for the App's token ({problem}).") from None
        if not answer.fine or not isinstance(answer.body, dict) or not answer.body.get("token"):
            raise SourceError(
                f"GitHub gives the App no token: {answer.status} {answer.words}. Check EGRESS_GITHUB_APP_ID, "
                "EGRESS_GITHUB_APP_INSTALLATION and EGRESS_GITHUB_APP_KEY, and that the App is installed on the repository."
            )
        self._token = str(answer.body["token"])
        self._until = _moment(str(answer.body.get("expires_at", "")), self._now() + _JWT_SECONDS)

    def _jwt(self) -> str:
        import jwt  # noqa: PLC0415 - costs 30 ms, and most installations need none

        now = int(self._now())
        claims = {"iat": now - _CLOCKS_APART_SECONDS, "exp": now + _JWT_SECONDS, "iss": self._app}
        try:
            return jwt.encode(claims, self._key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise SourceError("EGRESS_GITHUB_APP_KEY is no RSA private key in PEM.") from None


def _moment(text: str, otherwise: float) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return otherwise
