"""What files meant when they were last read, for the next reading, also of a later process: a cache, never a record.

A version of a file is named by its path and blob, which never mean anything else under the same rules. Only files without any
problem are kept as text; from it comes their definition, once more held against its model, and nothing else. What is damaged,
foreign or made by other rules is not looked at, and the file is parsed again. Does not belong here: which versions are in force.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress

import msgspec
from pydantic import ValidationError

from function_app.model.definitions import KINDS
from function_app.reading.checkpoint import rules_digest
from function_app.reading.layout import kind_of
from function_app.reading.parse import ParsedFile
from function_app.reading.places import Places

type Version = tuple[str, str]
"""Path, relative to the definitions folder, and blob."""


class Meanings:
    """Of one definitions folder: what the last reading kept, bounded by the size of that tree. `text` is an earlier process's."""

    def __init__(self, text: str | None = None) -> None:
        self._files: Mapping[Version, ParsedFile] = {}
        self._texts = _texts_in(text) if text else {}
        self._kept = frozenset(self._texts)

    def copy(self) -> Meanings:
        """Another that knows the same, for a tree beside the one that is kept."""
        other = Meanings()
        other._files, other._texts = self._files, self._texts
        return other

    def of(self, version: Version, places: Places) -> ParsedFile | None:
        """What this version means, None when that is not known; `places` are where its values stand."""
        known = self._files.get(version)
        if known is not None or version not in self._texts:
            return known
        path = version[0]
        kind = kind_of(path)
        if kind is None:
            return None
        try:
            definition = KINDS[kind].model_validate_json(bytes(self._texts[version]), by_alias=True, by_name=False)
        except ValidationError:
            return None
        return ParsedFile(path, kind, definition, (), places, definition)

    def keep(self, files: Mapping[Version, ParsedFile]) -> None:
        """Know these from now on, and forget all others."""
        self._files, self._texts = files, {}

    def text(self) -> str | None:
        """What a later process may begin with; None while that is what was told last."""
        clean = {version: file for version, file in self._files.items() if is_clean(file)}
        if self._kept == clean.keys():
            return None
        self._kept = frozenset(clean)
        files = [(*version, _raw(file)) for version, file in sorted(clean.items())]
        content = msgspec.json.encode(_Kept(rules_digest(), files)).decode()
        return f"{_digest(content)}\n{content}"


def is_clean(file: ParsedFile) -> bool:
    """Whether there is nothing to be said about a file alone, so that its places are hardly ever asked for."""
    return file.definition is not None and not file.problems


class _Kept(msgspec.Struct):
    """The text: path, blob and definition of each file; `rules` are those by which they were read."""

    rules: str
    files: list[tuple[str, str, msgspec.Raw]]


def _raw(file: ParsedFile) -> msgspec.Raw:
    if file.definition is None:
        raise TypeError(f"{file.path} without a definition")
    # What was left out of the file stays left out, for some rules ask.
    return msgspec.Raw(file.definition.model_dump_json(by_alias=True, exclude_unset=True))


def _texts_in(text: str) -> Mapping[Version, msgspec.Raw]:
    digest, _, content = text.partition("\n")
    if digest != _digest(content):
        return {}
    with suppress(msgspec.DecodeError):
        kept = msgspec.json.decode(content, type=_Kept)
        if kept.rules == rules_digest():
            return {(path, blob): raw for path, blob, raw in kept.files}
    return {}


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()
