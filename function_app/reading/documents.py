"""Bounded, strict YAML with places: bytes become plain values, and every key and value knows line and column.

Terraform's `yamldecode` and YAML 1.1 and 1.2 readers take some unquoted texts for different things (`no`, `010`, `12:30`,
`1e3`, days). Whatever they do not agree on is an error here, as are anchors, merge keys, tags, duplicate keys and second
documents. Only parsing events are used: nothing is ever constructed from a tag, and depth and count are bounded while
reading. Does not belong here: any knowledge of definitions.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

import yaml

from function_app.model.errors import Problem, Severity
from function_app.model.names import Place
from function_app.reading.clear_text import FAST, INVISIBLE, MAX_DEPTH, MAX_NODES, ClearText, Unusual, Value
from function_app.reading.places import Path, Places, PlacesLater, quoted, shown_path
from function_app.reading.plain_scalars import INTEGER, ambiguity, instead_of

MAX_BYTES = 256 * 1024
MAX_PROBLEMS = 100

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_SYNTAX_HINTS: tuple[tuple[str, str], ...] = (
    ("\\t", "Indent with spaces, never with tabs."),
    ("mapping values are not allowed", "Put a text that contains `: ` in quotes, or check the indentation."),
    ("could not find expected ':'", "Write `key: value`, with a space after the colon."),
    ("expected <block end>", "Check the indentation: keys of one mapping and items of one list start in one column."),
    ("stream end", "Close the quote or bracket that was opened before."),
    ("end of stream", "Close the quote or bracket that was opened before."),
    ("expected ',' or", "Close the bracket, or separate its items with commas."),
    ("cannot start any token", 'Put the text in quotes: "...".'),
    ("unknown escape character", "Write a backslash twice, or use single quotes."),
)


@dataclass(frozen=True, slots=True)
class Document:
    """One file's values; `root` is None when nothing could be made of it. `problems` are all errors.

    Where a value is refused but its text is clear, the text stands in `root`, so that reading goes on.
    """

    root: dict[str, Value] | None
    places: Places
    problems: tuple[Problem, ...]


class _Refused(Exception):
    """The file cannot be read any further."""

    def __init__(self, place: Place, path: Path, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.problem = Problem(place, shown_path(path), Severity.ERROR, code, message, hint, (place.file,))


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is still open; `pending` is the key that waits for its value."""

    path: Path
    node: list[Value] | dict[str, Value]
    pending: str | None = None


def read_document(file: str, content: bytes) -> Document:
    """Read one file; never raises, whatever the bytes are. `file` is how the file is shown in places."""
    with suppress(_Refused, Unusual, yaml.YAMLError, ValueError, OverflowError):
        root = ClearText().read(_text(file, content))
        return Document(root, PlacesLater(file, lambda: _read(file, content, FAST).places), ())
    return _read(file, content, yaml.SafeLoader)


def _read(file: str, content: bytes, loader: type[yaml.SafeLoader | yaml.CSafeLoader]) -> Document:
    composer = _Composer(file, loader)
    try:
        composer.compose(_text(file, content))
    except _Refused as refused:
        composer.problems.append(refused.problem)
        return Document(None, composer.places(), tuple(composer.problems))
    return Document(composer.mapping(), composer.places(), tuple(composer.problems))


def _text(file: str, content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise _Refused(
            Place(file),
            (),
            "file-too-large",
            f"the file has {len(content)} bytes; at most {MAX_BYTES} are read.",
            "Write one definition a file, and share rules in a rule set.",
        )
    if content.startswith(_LFS_POINTER):
        raise _Refused(
            Place(file),
            (),
            "lfs-pointer",
            "this is a Git LFS pointer, not the definition itself.",
            "Take the file out of LFS (`git lfs untrack`) and commit its text.",
        )
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        raise _Refused(
            _place_after(file, before),
            (),
            "not-utf-8",
            "the file is not UTF-8 text from here on.",
            "Save it as UTF-8.",
        ) from error
    if found := INVISIBLE.search(text):
        raise _Refused(
            _place_after(file, text[: found.start()]),
            (),
            "control-character",
            f"here stands the invisible character U+{ord(found.group()):04X}.",
            "Delete it; save the file as UTF-8 without a byte order mark.",
        )
    return text


def _place_after(file: str, before: str) -> Place:
    line_start = max(before.rfind("\n"), -1) + 1
    return Place(file, before.count("\n") + 1, len(before) - line_start + 1)


@dataclass(slots=True)
class _Composer:
    """Builds values from parsing events without recursion."""

    file: str
    loader: type[yaml.SafeLoader | yaml.CSafeLoader] = yaml.SafeLoader
    problems: list[Problem] = field(default_factory=list)
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    frames: list[_Frame] = field(default_factory=list)
    root: Value = None
    documents: int = 0
    nodes: int = 0

    def compose(self, text: str) -> None:
        """Take in the whole text; raises _Refused where reading must stop."""
        try:
            for event in yaml.parse(text, Loader=self.loader):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = Place(self.file, mark.line + 1, mark.column + 1) if mark else Place(self.file)
            what = error.problem or error.context or "it cannot be read"
            raise _Refused(
                place, (), "yaml-syntax", f"this is not valid YAML: {what[:120]}.", _syntax_hint(what)
            ) from error
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # Escapes such as "\UFFFFFFFF" and absurd version numbers leave the parser as plain ValueErrors.
            raise _Refused(
                Place(self.file),
                (),
                "yaml-syntax",
                "this is not valid YAML: a character or number in it cannot exist.",
                "Look for backslash escapes and `%` directives, and write the text itself.",
            ) from error

    def mapping(self) -> dict[str, Value] | None:
        """The document's root; adds a problem when it is no mapping."""
        if isinstance(self.root, dict):
            return self.root
        if self.root is None:
            self._problem(
                (), Place(self.file), "empty-file", "the file is empty.", "Write a definition, or delete the file."
            )
        else:
            self._problem(
                (),
                self.values[()],
                "not-a-mapping",
                "a definition is a mapping of keys to values.",
                "Start with `apiVersion: egress-gitops.io/v1alpha1`.",
            )
        return None

    def places(self) -> Places:
        """The places found so far."""
        return Places(self.file, self.values, self.keys)

    def _take(self, event: yaml.Event) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._start_document(event)
            case yaml.AliasEvent():
                self._refuse_anchor(event)
            case yaml.ScalarEvent():
                self._guard(event)
                self._scalar(event)
            case yaml.MappingStartEvent():
                self._open(event, {})
            case yaml.SequenceStartEvent():
                self._open(event, [])
            case yaml.CollectionEndEvent():
                self.frames.pop()

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        self.documents += 1
        place = self._place(event)
        if self.documents > 1:
            raise _Refused(
                place,
                (),
                "second-document",
                "a second document begins here; a file holds one definition.",
                "Move it to a file of its own.",
            )
        if event.version or event.tags:
            self._problem(
                (), place, "yaml-directive", "`%` directives change how the file is read.", "Delete the directive."
            )

    def _open(self, event: yaml.CollectionStartEvent, node: list[Value] | dict[str, Value]) -> None:
        self._guard(event)
        frame = self.frames[-1] if self.frames else None
        if frame and isinstance(frame.node, dict) and frame.pending is None:
            raise _Refused(
                self._place(event),
                frame.path,
                "complex-key",
                "a list or mapping stands where a key is expected.",
                "Keys are texts; put a text that begins with a bracket in quotes.",
            )
        if len(self.frames) >= MAX_DEPTH:
            raise _Refused(
                self._place(event),
                (),
                "too-deep",
                f"values are nested more than {MAX_DEPTH} deep.",
                "Definitions are flat; check the indentation and brackets.",
            )
        path = self._place_value(event, node)
        self.frames.append(_Frame(path, node))

    def _guard(self, event: yaml.NodeEvent) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES or len(self.problems) > MAX_PROBLEMS:
            limit = f"{MAX_NODES} values" if self.nodes > MAX_NODES else f"{MAX_PROBLEMS} mistakes"
            raise _Refused(
                self._place(event),
                (),
                "too-many-values",
                f"the file holds more than {limit}; reading stops here.",
                "Write one definition a file, and share rules in a rule set.",
            )
        if event.anchor:
            self._refuse_anchor(event)
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._problem(
                self._next_path(),
                self._place(event),
                "yaml-tag",
                f"the tag {quoted(tag)} is refused: tags change what a value is.",
                "Delete the tag; quote the value if it is text.",
            )

    def _refuse_anchor(self, event: yaml.NodeEvent) -> None:
        sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
        raise _Refused(
            self._place(event),
            self._next_path(),
            "yaml-anchor",
            f"anchors and aliases ({quoted(sign + str(event.anchor))}) are refused: few values can stand for millions.",
            "Write the value out, or share rules in a rule set; put a text that begins with `*` or `&` in quotes.",
        )

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        frame = self.frames[-1] if self.frames else None
        if frame and isinstance(frame.node, dict) and frame.pending is None:
            self._key(frame, event)
        else:
            path = self._next_path()
            self._place_value(event, self._plain_or_text(path, event))

    def _key(self, frame: _Frame, event: yaml.ScalarEvent) -> None:
        place = self._place(event)
        path = (*frame.path, event.value)
        plain = not event.style
        if plain and event.value == "<<":
            self._problem(path, place, "merge-key", "merge keys (`<<`) are refused.", "Write the keys out.")
        elif plain and (event.value in {"", "null", "true", "false"} or INTEGER.fullmatch(event.value)):
            self._problem(
                path,
                place,
                "quote-it",
                f"the key {quoted(event.value)} is not text to every reader.",
                f'Write "{event.value[:40]}" in quotes.',
            )
        elif plain and (why := ambiguity(event.value)):
            self._problem(
                path,
                place,
                "quote-it",
                f"the key {quoted(event.value)} is not quoted: {why}.",
                f'Write "{event.value[:40]}" in quotes.',
            )
        else:
            self._check_characters(path, place, event.value)
        if path in self.keys:
            first = self.keys[path]
            self._problem(
                path,
                place,
                "duplicate-key",
                f"the key {quoted(event.value)} stands here for a second time; the first is at {first}.",
                "Keep one of the two; readers differ in which one they take.",
            )
        self.keys.setdefault(path, place)
        frame.pending = event.value

    def _plain_or_text(self, path: Path, event: yaml.ScalarEvent) -> Value:
        text = event.value
        place = self._place(event)
        if event.style or event.tag is not None:
            self._check_characters(path, place, text)
            return text
        if text in {"", "null"}:
            return None
        if text in {"true", "false"}:
            return text == "true"
        if INTEGER.fullmatch(text):
            return int(text)
        if why := ambiguity(text):
            self._problem(path, place, "quote-it", f"{quoted(text)} is not quoted: {why}.", instead_of(text))
        return text

    def _check_characters(self, path: Path, place: Place, text: str) -> None:
        if found := INVISIBLE.search(text):
            self._problem(
                path,
                place,
                "control-character",
                f"the text holds the invisible character U+{ord(found.group()):04X}.",
                "Delete its escape.",
            )

    def _next_path(self) -> Path:
        if not self.frames:
            return ()
        frame = self.frames[-1]
        if isinstance(frame.node, list):
            return (*frame.path, len(frame.node))
        return frame.path if frame.pending is None else (*frame.path, frame.pending)

    def _place_value(self, event: yaml.Event, value: Value) -> Path:
        path = self._next_path()
        self.values.setdefault(path, self._place(event))
        if not self.frames:
            self.root = value
            return path
        frame = self.frames[-1]
        if isinstance(frame.node, list):
            frame.node.append(value)
        elif frame.pending is not None:
            frame.node.setdefault(frame.pending, value)
            frame.pending = None
        return path

    def _place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        return Place(self.file, mark.line + 1, mark.column + 1) if mark else Place(self.file)

    def _problem(self, path: Path, place: Place, code: str, message: str, hint: str) -> None:
        found = Places(self.file, {path: place}).problem(path, code, message, hint)
        self.problems.append(found)


def _syntax_hint(what: str) -> str:
    return next((hint for sign, hint in _SYNTAX_HINTS if sign in what), "Check indentation, quotes and brackets here.")
