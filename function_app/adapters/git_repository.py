"""A Git repository, mirrored into a bare copy and read at commits from the object database.

Nothing is ever checked out, so no link is followed and no filter, hook or attribute acts. Belongs here: fetching, the
local copy's life, refs, history, trees and blobs. Does not belong here: what files mean.
"""

from __future__ import annotations

import hashlib
import shutil
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from function_app.adapters.file_lock import locked
from function_app.adapters.git_access import Anonymous, GitAccess
from function_app.adapters.git_arguments import (
    checked_commit,
    checked_folder,
    checked_ref,
    checked_url,
    is_object_id,
    shown_url,
)
from function_app.adapters.git_messages import RECORD_FORMAT, approver_in, pull_request_in, records_in
from function_app.adapters.git_program import GitFailed, GitProgram
from function_app.adapters.git_signatures import Signers
from function_app.model.errors import SourceError
from function_app.model.names import Commit
from function_app.ports import BlobEntry, CommitEntry

MAX_ENTRIES = 50_000
"""Longer listings are cut off here: a tree of a few kilobytes can spell out billions of files."""
MAX_FOLDERS = 5_000
MAX_DEPTH = 8
"""Folders looked into for one listing, and how deep; further ones are listed themselves, with a tree's mode."""
_REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_WORKING_REFSPECS = (*_REFSPECS, "+refs/remotes/*:refs/remotes/*")
"""Of a repository on disk also what it knows of others: a pipeline's checkout of a pull request has hardly a branch of its own."""
_LOCAL_SECONDS = 60.0
_SIZES_KEPT = 200_000
_TREE_MODE = 0o040000
_SUBMODULE_MODE = 0o160000
_SOURCE_FILE = "egress-gitops-source"
_DAMAGED_FILE = "egress-gitops-damaged"
_IN_FORCE = "refs/egress-gitops/in-force"
"""No branch and no tag, so that no fetch takes it away: a commit that a force-push has dropped can be read on."""


class GitRepository:
    """`Repository` over a bare copy in `cache`, which belongs to this class alone.

    `url` is https, ssh, the scp form, file:// or an absolute path, also of a working repository, of which only commits
    are read. Several threads and processes may use one cache. Raises SourceError for forms that git must not get.
    `access` says who we are to the host, `signers` whose signatures count, `ca_file` whom to believe instead of the system's.
    """

    def __init__(
        self,
        url: str,
        cache: Path,
        *,
        definitions_folder: str = "gitops",
        timeout_seconds: float = 60,
        access: GitAccess | None = None,
        signers: Signers | None = None,
        ca_file: Path | None = None,
    ) -> None:
        self._url = checked_url(url)
        self._access = access or Anonymous()
        self._signers = signers
        self._trusting = {"GIT_SSL_CAINFO": str(ca_file)} if ca_file else {}
        self._good: set[Commit] = set()
        self._folder = checked_folder(definitions_folder)
        self._cache = cache.absolute()
        self._timeout_seconds = timeout_seconds
        self._lock = threading.RLock()
        self._git = GitProgram(self._cache)
        self._sizes: dict[str, int] = {}
        self._listed: tuple[str, tuple[BlobEntry, ...]] | None = None

    def fetch(self) -> None:
        """Mirror branches and tags; raises SourceError, the last copy then stays usable.

        A copy that is damaged, or of another repository, is thrown away once a new one is complete.
        """
        with self._lock:
            try:
                with locked(self._cache.with_name(f"{self._cache.name}.lock"), self._timeout_seconds):
                    self._fetch(time.monotonic() + self._timeout_seconds)
            except TimeoutError:
                raise self._failure("another process keeps fetching it.") from None
            except OSError as error:
                raise self._failure(f"its local copy cannot be written: {error.strerror}.") from None

    def resolve(self, ref: str) -> Commit:
        """The commit behind a branch (looked up first), a tag, `origin/main`, or 40 hex digits; raises SourceError."""
        if is_object_id(ref) or checked_ref(ref).startswith(("refs/heads/", "refs/tags/", "refs/remotes/")):
            candidates = [ref]
        else:
            candidates = [f"refs/heads/{ref}", f"refs/tags/{ref}", f"refs/remotes/{ref}"]
        with self._lock:
            for candidate in candidates:
                if (commit := self._commit_behind(candidate)) is not None:
                    return commit
        what = "commit" if is_object_id(ref) else "branch or tag"
        raise SourceError(
            f"{shown_url(self._url)} has no {what} `{ref}`. Push it first, or name one that exists; only what a branch "
            "or tag reaches is fetched."
        )

    def first_parents(self, commit: Commit, since: Commit | None) -> Sequence[CommitEntry]:
        """The first-parent line as the port says; raises SourceError."""
        checked_commit(commit)
        with self._lock:
            if since is not None and self._commit_behind(checked_commit(since)) is not None:
                line = self._line(commit, f"^{since}")
                if (line[0].first_parent if line else commit) == since:
                    return line
            return self._line(commit)

    def merge_base(self, one: Commit, other: Commit) -> Commit | None:
        """The newest commit that both come from; raises SourceError for what is no commit's name."""
        names = checked_commit(one), checked_commit(other)
        with self._lock:
            try:
                found = self._git.run("merge-base", *names, timeout_seconds=_LOCAL_SECONDS)
            except GitFailed:
                return None
        return Commit(found.decode("ascii").strip())

    def entries(self, commit: Commit) -> Sequence[BlobEntry]:
        """All files below the definitions folder, at most 50,000, sorted by path; raises SourceError.

        When the folder is itself a link, a submodule or a file, that is one entry with the path `.`.
        """
        checked_commit(commit)
        with self._lock:
            try:
                return self._entries(commit)
            except GitFailed as error:
                raise self._damaged(error) from None

    def read(self, blob: str) -> bytes:
        """One blob's content; raises SourceError."""
        if not is_object_id(blob):
            raise SourceError("A blob is named by 40 hex digits.")
        with self._lock:
            try:
                kind, content = self._git.object(blob)
            except GitFailed as error:
                raise self._damaged(error) from None
        if kind != "blob":
            raise SourceError(f"{blob} is a {kind}, not a file's content.")
        return content

    def has(self, commit: Commit) -> bool:
        """Whether the local copy holds a commit."""
        with self._lock:
            return self._commit_behind(checked_commit(commit)) is not None

    def committed_at(self, commit: Commit) -> datetime | None:
        """When a commit was made, None for one that the local copy does not hold."""
        with self._lock:
            try:
                line = self._git.run(
                    "show", "--no-patch", "--format=%cI", checked_commit(commit), timeout_seconds=_LOCAL_SECONDS
                )
            except GitFailed:
                return None
        return datetime.fromisoformat(line.decode("ascii").strip())

    def is_ancestor(self, ancestor: Commit, of: Commit) -> bool:
        """Whether one commit, which the copy holds, is part of another's history; a commit is part of its own."""
        with self._lock:
            try:
                shared = self._git.run(
                    "merge-base", checked_commit(ancestor), checked_commit(of), timeout_seconds=_LOCAL_SECONDS
                )
            except GitFailed:
                return False
        return shared.decode("ascii").strip() == ancestor

    def unsigned(self, commit: Commit) -> str:
        """Why a commit's signature does not count, empty when it does or none is asked for."""
        if self._signers is None or commit in self._good:
            return ""
        with self._lock, self._signers.opened() as opened:
            try:
                self._git.run("verify-commit", checked_commit(commit), timeout_seconds=_LOCAL_SECONDS, opened=opened)
            except GitFailed:
                kind, content = self._git.object(commit)
                header, _, _ = content.partition(b"\n\n")
                signed = kind == "commit" and b"\ngpgsig" in header
                return "its signature is of nobody who may sign" if signed else "it is not signed"
        self._good.add(commit)
        return ""

    def bring(self, commit: Commit) -> bool:
        """Fetch a commit that no branch leads to, by its id; False when the host does not have it or hand it out."""
        with self._lock:
            try:
                with locked(self._cache.with_name(f"{self._cache.name}.lock"), self._timeout_seconds):
                    deadline = time.monotonic() + self._timeout_seconds
                    self._mirror(self._git, deadline, (f"+{checked_commit(commit)}:{_IN_FORCE}",), prune=False)
            except (GitFailed, TimeoutError, OSError):
                return False
        return True

    def keep(self, commit: Commit) -> None:
        """Make sure that a commit can be read from this copy also when no branch leads to it any more; raises SourceError."""
        name = checked_commit(commit)
        with self._lock:
            if self._kept(name):
                return
            try:
                self._git.run("update-ref", _IN_FORCE, name, timeout_seconds=_LOCAL_SECONDS)
            except GitFailed as error:
                raise self._damaged(error) from None

    def close(self) -> None:
        """End the processes that are kept running; the repository can be used again afterwards."""
        with self._lock:
            self._git.close()

    def _fetch(self, deadline: float) -> None:
        if self._usable():
            try:
                self._mirror(self._git, deadline)
            except GitFailed as error:
                if error.timed_out:
                    raise self._failure(str(error)) from None
            else:
                return
        try:
            self._clone(deadline)
        except GitFailed as error:
            raise self._failure(str(error)) from None

    def _usable(self) -> bool:
        """Whether the cache is a copy of this repository that nobody found damaged."""
        try:
            source = (self._cache / _SOURCE_FILE).read_text(encoding="ascii")
        except (OSError, ValueError):
            return False
        return source == self._source() and not (self._cache / _DAMAGED_FILE).exists()

    def _source(self) -> str:
        return hashlib.sha256(self._url.encode()).hexdigest()

    def _mirror(
        self, program: GitProgram, deadline: float, refspecs: Sequence[str] = (), *, prune: bool = True
    ) -> None:
        """Fetch what refspecs say, or else all branches and tags."""
        with self._access.opened() as opened:
            program.run(
                "fetch",
                "--quiet",
                *(("--prune",) if prune else ()),
                "--atomic",
                "--no-write-fetch-head",
                "--no-recurse-submodules",
                "--",
                self._url,
                *(refspecs or (_WORKING_REFSPECS if self._url.startswith("/") else _REFSPECS)),
                timeout_seconds=max(deadline - time.monotonic(), 0.1),
                opened=replace(opened, environment={**self._trusting, **opened.environment}),
            )

    def _clone(self, deadline: float) -> None:
        """Make a new copy beside the old one and put it in its place."""
        fresh = self._cache.with_name(f"{self._cache.name}.new")
        former = self._cache.with_name(f"{self._cache.name}.old")
        for leftover in (fresh, former):
            _remove(leftover)
        fresh.mkdir(parents=True)
        try:
            program = GitProgram(fresh)
            program.run("init", "--quiet", "--bare", "--template=", timeout_seconds=_LOCAL_SECONDS)
            self._mirror(program, deadline)
            (fresh / _SOURCE_FILE).write_text(self._source(), encoding="ascii")
            self._git.close()
            if self._cache.exists() or self._cache.is_symlink():
                self._cache.rename(former)
            fresh.rename(self._cache)
            self._listed = None
            self._sizes.clear()
        finally:
            _remove(fresh)
            _remove(former)

    def _kept(self, commit: str) -> bool:
        """Whether the ref says so already, as in every pass without a commit; one that git has packed is written once more."""
        try:
            return (self._cache / _IN_FORCE).read_text(encoding="ascii").strip() == commit
        except (OSError, ValueError):
            return False

    def _commit_behind(self, name: str) -> Commit | None:
        try:
            found = self._git.run(
                "rev-parse",
                "--verify",
                "--quiet",
                "--end-of-options",
                f"{name}^{{commit}}",
                timeout_seconds=_LOCAL_SECONDS,
            )
        except GitFailed:
            return None
        return Commit(found.decode("ascii").strip())

    def _line(self, commit: Commit, *without: str) -> tuple[CommitEntry, ...]:
        try:
            listing = self._git.run(
                "rev-list",
                "--first-parent",
                "--reverse",
                f"--format={RECORD_FORMAT}",
                commit,
                *without,
                "--",
                timeout_seconds=_LOCAL_SECONDS,
            )
        except GitFailed as error:
            raise self._damaged(error) from None
        return tuple(_commit_entry(*fields) for fields in records_in(listing.decode("utf-8", "replace")))

    def _entries(self, commit: Commit) -> tuple[BlobEntry, ...]:
        mode, name = _TREE_MODE, self._tree_of(commit)
        for part in self._folder:
            child = next((entry for entry in self._tree(name) if entry[0] == part), None)
            if child is None:
                return ()
            _, mode, name = child
            if mode != _TREE_MODE:
                return (self._entry(".", mode, name),)
        if self._listed is None or self._listed[0] != name:
            if len(self._sizes) > _SIZES_KEPT:
                self._sizes.clear()
            listed = sorted(self._walk(name), key=lambda entry: entry.path)
            self._listed = (name, tuple(listed))
        return self._listed[1]

    def _walk(self, tree: str) -> Iterator[BlobEntry]:
        """All files below a tree, nearest first, within bounds."""
        waiting = [("", tree)]
        count = 0
        for folder, name in waiting:
            for child, mode, object_id in self._tree(name):
                path = f"{folder}{child}"
                if mode == _TREE_MODE and len(waiting) < MAX_FOLDERS and path.count("/") < MAX_DEPTH:
                    waiting.append((f"{path}/", object_id))
                    continue
                if count == MAX_ENTRIES:
                    return
                count += 1
                yield self._entry(path, mode, object_id)

    def _entry(self, path: str, mode: int, object_id: str) -> BlobEntry:
        if mode in (_SUBMODULE_MODE, _TREE_MODE):
            return BlobEntry(path, mode, object_id, 0)
        if object_id not in self._sizes:
            self._sizes[object_id] = self._git.size(object_id)
        return BlobEntry(path, mode, object_id, self._sizes[object_id])

    def _tree_of(self, commit: Commit) -> str:
        kind, content = self._git.object(commit)
        first, _, _ = content.partition(b"\n")
        if kind != "commit" or not first.startswith(b"tree "):
            raise GitFailed(f"{commit} is not a commit.")
        return first.removeprefix(b"tree ").decode("ascii")

    def _tree(self, tree: str) -> Iterator[tuple[str, int, str]]:
        """Name, mode and object id of each entry; a name that is not UTF-8 has U+FFFD in it."""
        kind, content = self._git.object(tree)
        if kind != "tree":
            raise GitFailed(f"{tree} is not a tree.")
        offset = 0
        while offset < len(content):
            space = content.index(b" ", offset)
            end = content.index(b"\0", space)
            mode = int(content[offset:space], 8)
            name = content[space + 1 : end].decode("utf-8", "replace")
            offset = end + 21
            yield name, _TREE_MODE if stat.S_ISDIR(mode) else mode, content[end + 1 : offset].hex()

    def _damaged(self, error: GitFailed) -> SourceError:
        """An object that must be there is not: the next fetch makes a new copy."""
        with suppress(OSError):
            (self._cache / _DAMAGED_FILE).touch()
        return SourceError(
            f"The local copy of {shown_url(self._url)} is missing or damaged: {error} The next fetch makes a new one."
        )

    def _failure(self, why: str) -> SourceError:
        told = why.replace(self._url, shown_url(self._url))
        return SourceError(f"The repository {shown_url(self._url)} cannot be fetched: {told}")


def _commit_entry(
    commit: str, parents: str, author: str, at: str, subject: str, body: str, *trailers: str
) -> CommitEntry:
    printable = "".join(character for character in author if character.isprintable())
    first_parent = Commit(parents.split(" ", maxsplit=1)[0]) if parents else None
    moment, pull_request = datetime.fromisoformat(at), pull_request_in(subject, body)
    return CommitEntry(Commit(commit), printable, moment, first_parent, approver_in(trailers), pull_request)


def _remove(path: Path) -> None:
    """Remove what may be a folder, a file, a link or nothing."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
