"""Where values stand in a file, and problems that point there.

Belongs here: document paths, their places, the wording of echoes. Does not belong here: any rule about content.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from function_app.model.errors import Problem, Severity
from function_app.model.names import Place

Path = tuple[str | int, ...]
"""A value's way from the document's root: keys as written in the file, list indices from 0."""

ECHO_LENGTH = 60
_SIMPLE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def shown_file(root: str, path: str) -> str:
    """A definition's path as people see it: below the definitions folder's own name."""
    return f"{root.rstrip('/')}/{path}" if root else path


def shown_path(path: Path) -> str:
    """`("spec", "allow", 2)` as `spec.allow[2]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _SIMPLE_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{quoted(step)}]"
    return text


def quoted(text: str) -> str:
    """An input as it may be repeated in a message: one line, at most 60 characters."""
    printable = "".join(character if character.isprintable() else "?" for character in text)
    if len(printable) > ECHO_LENGTH:
        printable = printable[: ECHO_LENGTH - 3] + "..."
    return f"`{printable}`"


def listed(words: Iterable[str]) -> str:
    """Words as an enumeration, each in backquotes."""
    return ", ".join(f"`{word}`" for word in words)


@dataclass(frozen=True, slots=True)
class Places:
    """The places of one file's values and keys, by document path."""

    file: str
    values: Mapping[Path, Place] = field(default_factory=dict)
    keys: Mapping[Path, Place] = field(default_factory=dict)

    def holds(self, path: Path) -> bool:
        """Whether a value is written down."""
        return path in self.values

    def value(self, path: Path) -> Place:
        """Where the value stands, or what surrounds it when it is not written down."""
        while path:
            if path in self.values:
                return self.values[path]
            path = path[:-1]
        return self.values.get((), Place(self.file))

    def key(self, path: Path) -> Place:
        """Where the key of a value stands; the value's own place for list items."""
        return self.keys.get(path) or self.value(path)

    def problem(
        self,
        path: Path,
        code: str,
        message: str,
        hint: str,
        *,
        severity: Severity = Severity.ERROR,
        at_key: bool = False,
        others: Iterable[str] = (),
    ) -> Problem:
        """A problem with the value at `path`; `others` are further files, as shown, that take part in it."""
        place = self.key(path) if at_key else self.value(path)
        files = tuple(dict.fromkeys((self.file, *others)))
        return Problem(place, shown_path(path), severity, code, message, hint, files)


class PlacesLater(Places):
    """Places that are read when one is asked for. Of files without a problem hardly any is; kept, they outweigh all definitions."""

    __slots__ = ("_read",)
    _read: Callable[[], Places]

    def __init__(self, file: str, read: Callable[[], Places]) -> None:
        super().__init__(file)
        object.__setattr__(self, "_read", cache(read))

    def holds(self, path: Path) -> bool:
        """Whether a value is written down."""
        return self._read().holds(path)

    def value(self, path: Path) -> Place:
        """Where the value stands."""
        return self._read().value(path)

    def key(self, path: Path) -> Place:
        """Where the value's key stands."""
        return self._read().key(path)
