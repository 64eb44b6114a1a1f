"""One commit's files, each parsed once for as long as it stays in the tree; what is no plain file is refused unread.

Does not belong here: which of the files take effect.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from function_app.model.definitions import Tenant
from function_app.model.errors import Problem, Severity
from function_app.ports import BlobEntry
from function_app.reading.documents import MAX_BYTES, read_document
from function_app.reading.layout import MAX_FILES, count_problem, is_ignored, link_problem
from function_app.reading.meanings import Meanings, is_clean
from function_app.reading.parse import ParsedFile, parse_file
from function_app.reading.places import Places, PlacesLater, shown_file

WHOLE_FOLDER = "."
"""The path of an entry that stands in the definitions folder's own place."""
_GIT_LINK = 0o160000
_OPAQUE = frozenset({"not-a-plain-file", "file-too-large", "lfs-pointer", "not-utf-8"})
"""Codes of problems after which nobody can tell what the file's author meant."""


class BlobReader(Protocol):
    """The one thing that parsing needs of a repository."""

    def read(self, blob: str) -> bytes:
        """One blob's content."""


class ParsedFiles:
    """Parses files of one definitions folder, each version once; none whose meaning is known."""

    def __init__(self, repository: BlobReader, root: str, known: Meanings | None = None) -> None:
        self._repository = repository
        self._root = root
        self._known = known or Meanings()
        self._parsed: dict[tuple[str, str], ParsedFile] = {}
        self._words: dict[tuple[str, str], frozenset[str]] = {}

    def entry(self, path: str, entry: BlobEntry) -> ParsedFile:
        """An entry of a commit's tree; links, submodules and oversized files get a problem and are not read."""
        if entry.mode == _GIT_LINK:
            return _refused(path, self._root, link_problem(path, self._root, "submodule"))
        if path == WHOLE_FOLDER and stat.S_ISREG(entry.mode):
            return _refused(path, self._root, link_problem(path, self._root, "file in the definitions folder's place"))
        if not stat.S_ISREG(entry.mode):
            return _refused(path, self._root, link_problem(path, self._root, "symbolic link"))
        if entry.size > MAX_BYTES:
            return _refused(path, self._root, _size_problem(path, self._root, entry.size))
        return self.blob(path, entry.blob)

    def blob(self, path: str, blob: str) -> ParsedFile:
        """A plain file of bounded size."""
        key = (path, blob)
        if key not in self._parsed:
            file = shown_file(self._root, path)
            places = PlacesLater(file, partial(_places, self._repository, file, blob))
            self._parsed[key] = self._known.of(key, places) or self._read(path, blob, places)
        return self._parsed[key]

    def _read(self, path: str, blob: str, places: Places) -> ParsedFile:
        parsed = parse_file(path, self._repository.read(blob), root=self._root)
        return replace(parsed, places=places) if is_clean(parsed) else parsed

    def meant_names(self, path: str, entry: BlobEntry) -> frozenset[str] | None:
        """Which tenants a file that cannot be used may be meant to define; None when nobody can tell."""
        parsed = self.entry(path, entry)
        if parsed.draft is not None:
            return frozenset({parsed.draft.metadata.name}) if isinstance(parsed.draft, Tenant) else frozenset()
        if any(problem.code in _OPAQUE for problem in parsed.problems):
            return None if path.startswith("tenants/") or path in {"tenants", WHOLE_FOLDER} else frozenset()
        key = (path, entry.blob)
        if key not in self._words:
            words = re.findall(rb"[\w-]+", self._repository.read(entry.blob))
            self._words[key] = frozenset(word.decode("ascii", "replace") for word in words)
        if not self._words[key] and path.startswith("tenants/"):
            return None
        return self._words[key]

    def keep(self, used: Iterable[tuple[str, str]]) -> None:
        """Remember these versions (path, blob) for the next reading, and forget all others."""
        self._known.keep({key: self._parsed[key] for key in used if key in self._parsed})


def considered(entries: Iterable[BlobEntry]) -> dict[str, BlobEntry]:
    """The entries that count, by path: all but plain files that are no definitions by intent."""
    return {entry.path: entry for entry in entries if not _is_beside(entry)}


def listing_problem(entries: Sequence[BlobEntry], root: str) -> Problem | None:
    """What speaks against reading a commit's files at all: too many, or folders that could not be listed."""
    if len(entries) > MAX_FILES:
        return count_problem(len(entries), root)
    unlisted = next((entry.path for entry in entries if stat.S_ISDIR(entry.mode)), None)
    if unlisted is None:
        return None
    return Places(shown_file(root, unlisted)).problem(
        (),
        "folders-too-deep",
        "folders are nested too deep or too many to be listed from here on.",
        "Keep only hubs/, clusters/, tenants/ and rulesets/ here.",
    )


def is_broken(parsed: ParsedFile) -> bool:
    """Whether the file is invalid alone."""
    return parsed.definition is None or any(problem.severity is Severity.ERROR for problem in parsed.problems)


def _places(repository: BlobReader, file: str, blob: str) -> Places:
    return read_document(file, repository.read(blob)).places


def _is_beside(entry: BlobEntry) -> bool:
    return stat.S_ISREG(entry.mode) and entry.path != WHOLE_FOLDER and is_ignored(entry.path)


def _refused(path: str, root: str, problem: Problem) -> ParsedFile:
    return ParsedFile(path, "", None, (problem,), Places(shown_file(root, path)))


def _size_problem(path: str, root: str, size: int) -> Problem:
    return Places(shown_file(root, path)).problem(
        (),
        "file-too-large",
        f"the file has {size} bytes; at most {MAX_BYTES} are read.",
        "Write one definition a file, and share rules in a rule set.",
    )
