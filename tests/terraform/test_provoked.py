"""Each condition that refuses something is provoked by a run of its own: with any one of them taken out, a run fails."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest

from terraform_provider.verifying import FOLDER, configurations
from terraform_provider.workspace import Workspace

_OBJECT = re.compile(r'^(variable|resource|data|output|check) ((?:"\w+" ?)+)\{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
_CONDITION = re.compile(r"^ +condition +=", re.MULTILINE)
_RUN = re.compile(r'^run "\w+" \{\n.*?^\}\n', re.MULTILINE | re.DOTALL)
_PREFIX = {"variable": "var.", "resource": "", "data": "data.", "output": "output.", "check": "check."}


@dataclass(frozen=True, slots=True)
class Condition:
    """One part of a condition, of several joined by &&: each refuses something of its own.

    `object` is what `expect_failures` names, `head` where the condition begins in its file, `begin` and `end` where the part is.
    """

    file: str
    object: str
    head: int
    begin: int
    end: int


def conditions(folder: Path) -> Iterator[Condition]:
    """Every validation, precondition, postcondition and check of a configuration."""
    for path in sorted(folder.glob("*.tf")):
        text = path.read_text(encoding="utf-8")
        for found in _OBJECT.finditer(text):
            names = ".".join(re.findall(r'"(\w+)"', found[2]))
            for head in _CONDITION.finditer(text, *found.span(3)):
                for begin, end in _parts(text, head.end()):
                    yield Condition(path.name, f"{_PREFIX[found[1]]}{names}", head.start(), begin, end)


def _parts(text: str, begin: int) -> Iterator[tuple[int, int]]:
    """The parts of the expression that begins here: to the end of its line, cut at && outside of brackets and quotes."""
    depth, quoted, place = 0, False, begin
    while depth or text[place] != "\n":
        if text[place] == '"':
            quoted = not quoted
        elif not quoted:
            depth += (text[place] in "([{") - (text[place] in ")]}")
            if not depth and text.startswith("&&", place):
                yield begin, place
                begin = place + 2
        place += 1
    yield begin, place


CONDITIONS = {
    folder.relative_to(FOLDER.parent).as_posix(): found
    for folder in configurations()
    if (found := list(conditions(folder)))
}


@pytest.mark.parametrize("folder", configurations(), ids=lambda folder: folder.name)
def test_no_condition_is_overlooked(folder: Path) -> None:
    """Blocks that may refuse are counted another way: each is one of the conditions that are looked at."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.tf"))
    blocks = re.findall(r"^ +(?:validation|precondition|postcondition|assert) \{$", text, re.MULTILINE)
    assert len({(each.file, each.head) for each in conditions(folder)}) == len(blocks)


@pytest.mark.parametrize("root", CONDITIONS)
def test_each_condition_is_provoked(root: str, terraform: Workspace) -> None:
    """Rounds in which one condition of each object is taken out: every one of those objects has a run that notices."""
    by_object: dict[str, list[Condition]] = {}
    for each in CONDITIONS[root]:
        by_object.setdefault(each.object, []).append(each)
    folder = terraform.folder / root
    with _one_run_a_file(folder) as refusing:
        for taken in zip_longest(*by_object.values()):
            out = [each for each in taken if each is not None]
            with _without(folder, out):
                outcome = terraform.tests(root)
            failed = {named for run, named in refusing.items() if not outcome[run]}
            assert [each for each in out if each.object not in failed] == []


@contextmanager
def _one_run_a_file(folder: Path) -> Iterator[Mapping[str, str]]:
    """The runs that expect a refusal, each in a file of its own so that none is passed over behind another; what each expects."""
    files = {path: path.read_text(encoding="utf-8") for path in sorted(folder.glob("tests/*.tftest.hcl"))}
    refusing: dict[str, str] = {}
    made: list[Path] = []
    try:
        for path, text in files.items():
            path.unlink()
            head = text[: text.index('\nrun "')]
            for run in _RUN.findall(text):
                if expected := re.search(r"expect_failures = \[([\w.]+)\]", run):
                    name = re.findall(r'"(\w+)"', run)[0]
                    refusing[name] = expected[1]
                    made.append(folder / "tests" / f"{name}.tftest.hcl")
                    made[-1].write_text(f"{head}\n{run}", encoding="utf-8")
        yield refusing
    finally:
        for path in made:
            path.unlink()
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")


@contextmanager
def _without(folder: Path, taken: Sequence[Condition]) -> Iterator[None]:
    """The configuration with these conditions always true."""
    files = {name: (folder / name).read_text(encoding="utf-8") for name in {each.file for each in taken}}
    changed = dict(files)
    for each in sorted(taken, key=lambda one: one.begin, reverse=True):
        text = changed[each.file]
        part = f"({text[each.begin : each.end].strip()} || true)"  # Terraform wants a condition to name what it is of
        changed[each.file] = f"{text[: each.begin]} {part} {text[each.end :]}"
    try:
        for name, text in changed.items():
            (folder / name).write_text(text, encoding="utf-8")
        yield
    finally:
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
