"""What single-file rules yield: a fault at a path. Does not belong here: any rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from function_app.model.errors import Severity
from function_app.reading.places import Path, quoted
from function_app.reading.ranges import Fault


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault and the value that has it."""

    path: Path
    fault: Fault
    severity: Severity = Severity.ERROR
    at_key: bool = False


type Findings = Iterator[Finding]


def found(path: Path, fault: Fault | None) -> Findings:
    """A finding when there is a fault."""
    if fault is not None:
        yield Finding(path, fault)


def duplicates(path: Path, texts: Sequence[str]) -> Findings:
    """Entries of a list that stand there twice; letter case does not tell them apart."""
    first: dict[str, int] = {}
    for index, text in enumerate(texts):
        if text.lower() in first:
            where = first[text.lower()]
            fault = Fault(
                "duplicate-entry", f"{quoted(text)} is entry {where} of this list already.", "Delete one of the two."
            )
            yield Finding((*path, index), fault)
        first.setdefault(text.lower(), index)
