"""How git shows who we are to a repository's host, for the length of one command.

Nothing of it stands in a URL or an argument, where process lists and error messages would show it: a header reaches git by its
configuration in the environment, a key by a file that only we can read and that is gone when the command has ended.
"""

from __future__ import annotations

import shlex
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol
from urllib.parse import urlsplit

from function_app.adapters.git_tokens import Token
from function_app.model.errors import SourceError


@dataclass(frozen=True, slots=True)
class Opened:
    """What one command is given: git's configuration and variables of its environment."""

    configuration: Mapping[str, str] = field(default_factory=dict, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


class GitAccess(Protocol):
    """Who we are to the host."""

    def opened(self) -> AbstractContextManager[Opened]:
        """A context in which git may talk to the host; raises SourceError."""


class Anonymous:
    """Nobody in particular: public repositories and local ones."""

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        """Nothing is shown."""
        yield Opened()


class HttpAccess:
    """A token in an Authorization header, sent to the host of `url` alone and never along with a redirect.

    With a `user` it is Basic, as GitHub and GitLab want it; without one Bearer, as Azure DevOps wants Entra's tokens.
    """

    def __init__(self, url: str, token: Token, user: str = "") -> None:
        parts = urlsplit(url)
        if parts.scheme != "https":
            raise SourceError("A token is sent by https alone: EGRESS_REPOSITORY must begin with https://.")
        self._host = f"https://{parts.netloc.rpartition('@')[2]}/"
        self._token = token
        self._user = user

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        """The header of the moment."""
        token = self._token()
        shown = f"Basic {b64encode(f'{self._user}:{token}'.encode()).decode()}" if self._user else f"Bearer {token}"
        yield Opened(
            configuration={
                f"http.{self._host}.extraHeader": f"Authorization: {shown}",
                "http.followRedirects": "false",
                "credential.helper": "",
            }
        )


class DeployKey:
    """An ssh key, shown to a host whose own key is among `host_keys` (lines of a known_hosts file) and to no other."""

    def __init__(self, key: str, host_keys: str) -> None:
        self._key = key
        self._host_keys = host_keys

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        """The files and the ssh command that uses them and nothing else of this machine."""
        with TemporaryDirectory(prefix="egress-ssh-") as folder:
            key, hosts = Path(folder) / "key", Path(folder) / "known_hosts"
            key.touch(mode=0o600)
            key.write_text(self._key.rstrip("\n") + "\n")
            hosts.write_text(self._host_keys.rstrip("\n") + "\n")
            yield Opened(environment={"GIT_SSH_COMMAND": _ssh(key, hosts), "GIT_SSH_VARIANT": "ssh"})


def _ssh(key: Path, hosts: Path) -> str:
    """No configuration, agent, password or question; a host that is not known, or known by another key, is refused."""
    options = {
        "BatchMode": "yes",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "PreferredAuthentications": "publickey",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(hosts),
        "GlobalKnownHostsFile": "/dev/null",
        "UpdateHostKeys": "no",
        "ConnectTimeout": "10",
    }
    return shlex.join(
        ["ssh", "-F", "/dev/null", "-i", str(key), *(f"-o{name}={value}" for name, value in options.items())]
    )
