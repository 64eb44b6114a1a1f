"""What may be handed to `git` as a URL, a ref, a commit or a folder; everything else is refused before git runs.

Belongs here: the guards, and how a URL is shown to people. Does not belong here: running git.

The forms refused are those that let a text become an option or a program: GitPython CVE-2022-24439 (`ext::`) and
CVE-2026-42215 (options in place of values); gitremote-helpers(7) says that any `NAME::` runs `git-remote-NAME`.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from function_app.adapters.safe_text import scrubbed
from function_app.model.errors import SourceError
from function_app.model.names import Commit

SCHEMES = ("https", "ssh", "file")
_REMOTE_HELPER = re.compile(r"[A-Za-z0-9+.-]*::")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCP_FORM = re.compile(r"(?:(?P<user>[^@/:\s]+)@)?(?P<host>[A-Za-z0-9._-]+):(?P<path>[^\s]+)")
_OBJECT_ID = re.compile(r"[0-9a-f]{40}")
_NOT_IN_REFS = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_FORMS = "Write https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH, file:///PATH or an absolute path."


def checked_url(url: str) -> str:
    """The URL when git may have it; raises SourceError."""
    if not url or not url.isprintable():
        raise SourceError(f"The repository's URL is empty or has control characters. {_FORMS}")
    if url.startswith("-"):
        raise SourceError(f"A repository's URL that begins with `-` would be taken for an option of git. {_FORMS}")
    if _REMOTE_HELPER.match(url):
        raise SourceError(f"A repository's URL of the form `NAME::` makes git run a program. {_FORMS}")
    if scheme := _SCHEME.match(url):
        _check_authority(scheme.group(1), url)
    elif not url.startswith("/"):
        _check_scp_form(url)
    return url


def shown_url(url: str) -> str:
    """The URL without user, password, query and fragment, for messages."""
    if not _SCHEME.match(url):
        return scrubbed(url.rpartition("@")[2] if _SCP_FORM.fullmatch(url) else url)
    return scrubbed(re.sub(r"://[^/]*@", "://", re.split(r"[?#]", url, maxsplit=1)[0]))


def checked_ref(ref: str) -> str:
    """The ref when it is well-formed by the rules of git-check-ref-format(1); raises SourceError."""
    parts = ref.split("/")
    malformed = (
        ref in ("", "@")
        or ref.startswith("-")
        or not ref.isprintable()
        or _NOT_IN_REFS.search(ref) is not None
        or ref.endswith(".")
        or any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
    )
    if malformed:
        raise SourceError(
            f"The ref {_echo(ref)} is not well-formed. Write a branch or tag such as `main`, or a commit's 40 hex digits."
        )
    return ref


def is_object_id(text: str) -> bool:
    """Whether the text is a full object id."""
    return _OBJECT_ID.fullmatch(text) is not None


def checked_commit(commit: Commit) -> Commit:
    """The commit when it is a full object id; raises SourceError."""
    if not is_object_id(commit):
        raise SourceError(f"{_echo(commit)} is not a commit's 40 hex digits. Resolve the ref first.")
    return commit


def checked_folder(folder: str) -> tuple[str, ...]:
    """The definitions folder's parts, none for the repository's root; raises SourceError."""
    path = PurePosixPath(folder)
    if folder.startswith(("-", "/")) or ".." in path.parts or not (folder.isprintable() or not folder):
        raise SourceError(
            f"The definitions folder {_echo(folder)} is not a path inside the repository. Write one such as `gitops`."
        )
    return path.parts


def _check_authority(scheme: str, url: str) -> None:
    if scheme not in SCHEMES:
        raise SourceError(f"Repositories are not read by {_echo(scheme)}. {_FORMS}")
    try:
        parts = urlsplit(url)
        user, password, host = parts.username or "", parts.password, parts.hostname or ""
    except ValueError:
        raise SourceError(f"The repository's URL cannot be read. {_FORMS}") from None
    if password is not None:
        raise SourceError(
            f"The URL of {shown_url(url)} carries a password. Take it out of the URL: EGRESS_GIT_ACCESS says how to show who "
            "we are (docs/git.md)."
        )
    if user.startswith("-") or host.startswith("-") or parts.path.startswith("/-"):
        raise SourceError(f"A part of the repository's URL begins with `-`: it could be taken for an option. {_FORMS}")
    if not host and scheme != "file":
        raise SourceError(f"The repository's URL names no host. {_FORMS}")


def _check_scp_form(url: str) -> None:
    form = _SCP_FORM.fullmatch(url)
    if form is None:
        raise SourceError(f"The repository's URL has none of the known forms. {_FORMS}")
    if any((part or "").startswith("-") for part in form.groupdict().values()):
        raise SourceError(f"A part of the repository's URL begins with `-`: it could be taken for an option. {_FORMS}")


def _echo(text: str) -> str:
    return f"`{scrubbed(text[:80])}`"
