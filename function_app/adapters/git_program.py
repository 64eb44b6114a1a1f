"""Running `git` on one bare repository: closed-off environment, time limit, errors of ours.

Belongs here: every setting that keeps git from running programs, asking questions or reading anybody's configuration.
Does not belong here: what is fetched or read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from function_app.adapters.git_access import Opened
from function_app.adapters.git_arguments import SCHEMES
from function_app.adapters.safe_text import scrubbed
from function_app.model.errors import SourceError

if TYPE_CHECKING:
    from git import Git

_INSTALL = "Install it with: sudo apt-get install git"
_SHALLOW = "shallow roots are not allowed"
_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.sshCommand": "ssh -oBatchMode=yes",
    "protocol.ext.allow": "never",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "gc.autoDetach": "false",
    "maintenance.autoDetach": "false",
}


_TELLING = ("fatal:", "error:", "ERROR:", "ssh:", "!", "Host key")
"""How lines begin in which git, or ssh for it, says what went wrong."""


class GitFailed(SourceError):
    """One git command failed; `timed_out` tells that it was stopped by us."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class GitProgram:
    """`git` working on the bare repository in `directory`. Not safe for several threads at once."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._git = _program(directory)

    def run(self, *arguments: str, timeout_seconds: float, opened: Opened | None = None) -> bytes:
        """What `git ARGUMENTS` prints, `opened` telling it who we are to others; raises GitFailed."""
        # GitPython cannot ask git for bytes and a time limit through its dynamic methods, `execute` can.
        from git import GitCommandNotFound, GitError  # noqa: PLC0415 - the import fails where git is missing

        started = time.monotonic()
        try:
            _, output, complaints = self._git.execute(
                ["git", *arguments],
                kill_after_timeout=timeout_seconds,
                with_extended_output=True,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                env=_opened(opened) if opened is not None else None,
            )
        except GitCommandNotFound:
            raise SourceError(f"The program `git` is missing. {_INSTALL}") from None
        except GitError as error:
            if time.monotonic() - started >= timeout_seconds:
                raise GitFailed(f"git {arguments[0]} took more than {timeout_seconds:g} s.", timed_out=True) from None
            raise GitFailed(_complaint(str(getattr(error, "stderr", "")))) from None
        except OSError as error:
            raise GitFailed(f"git cannot be run on the local copy: {error.strerror}.") from None
        # git-fetch(1) leaves such refs out with a warning and calls that a success.
        if _SHALLOW in complaints:
            raise GitFailed("it is a shallow clone, and its whole history is needed: git fetch --unshallow.")
        return output if isinstance(output, bytes) else b""

    def object(self, object_id: str) -> tuple[str, bytes]:
        """Type and content of an object, by way of one `git cat-file --batch` that is kept running.

        Raises GitFailed when the object is missing or damaged.
        """
        from git import GitError  # noqa: PLC0415 - the import fails where git is missing

        try:
            _, kind, size, content = self._git.get_object_data(object_id)
        except (ValueError, OSError, GitError):
            self.close()
            raise GitFailed(f"the object {object_id} cannot be read.") from None
        if len(content) != size:
            self.close()
            raise GitFailed(f"the object {object_id} is cut short.")
        # GitPython 3.1 to 3.2 declare a str here and return bytes.
        return os.fsdecode(kind), content

    def size(self, object_id: str) -> int:
        """Bytes of an object; raises GitFailed."""
        from git import GitError  # noqa: PLC0415 - the import fails where git is missing

        try:
            _, _, size = self._git.get_object_header(object_id)
        except (ValueError, OSError, GitError):
            self.close()
            raise GitFailed(f"the object {object_id} cannot be read.") from None
        return size

    def close(self) -> None:
        """End the processes that are kept running."""
        self._git.clear_cache()


def _program(directory: Path) -> Git:
    try:
        from git import Git  # noqa: PLC0415 - the import fails where git is missing
    except ImportError:
        raise SourceError(f"The program `git` is missing. {_INSTALL}") from None
    program = Git(str(directory))
    program.update_environment(**_environment(directory))
    return program


def _environment(directory: Path) -> Mapping[str, str]:
    """Nobody's configuration, no questions, no other protocols, and none of what a calling git hook has set."""
    return {
        "GIT_DIR": str(directory),
        "GIT_COMMON_DIR": str(directory),
        "GIT_OBJECT_DIRECTORY": str(directory / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
        "GIT_NAMESPACE": "",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_PARAMETERS": "",
        **_configuration(_SETTINGS),
        "GIT_ALLOW_PROTOCOL": ":".join(SCHEMES),
        # A trace of our environment would show headers.
        "GIT_TRACE": "",
        "GIT_TRACE_CURL": "",
        "GIT_TRACE_PACKET": "",
        "GIT_TRACE_SETUP": "",
        "GIT_CURL_VERBOSE": "",
        "GIT_TRACE2": "",
        "GIT_TRACE2_EVENT": "",
    }


def _opened(opened: Opened) -> Mapping[str, str]:
    return {**_configuration({**_SETTINGS, **opened.configuration}), **opened.environment}


def _configuration(settings: Mapping[str, str]) -> Mapping[str, str]:
    """Git's configuration as variables (git-config(1), GIT_CONFIG_COUNT): no argument, which a process list would show."""
    values = {
        f"GIT_CONFIG_{part}_{position}": text
        for position, setting in enumerate(settings.items())
        for part, text in zip(("KEY", "VALUE"), setting, strict=True)
    }
    return {"GIT_CONFIG_COUNT": str(len(settings)), **values}


def _complaint(stderr: str) -> str:
    """What git said, without the notices around it."""
    lines = [line.strip(" '\"") for line in stderr.removeprefix("\n  stderr: ").splitlines()]
    telling = [line for line in lines if line.startswith(_TELLING) or "Permission denied" in line]
    return scrubbed("; ".join(telling[:3] or lines[-1:]) or "git failed without a word") + "."
