"""Queries held against a workspace's tables and functions, by Kusto's language service in a process of Node.js."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from real.cache import Announce
from real.npm import Package, Program, find

FOLDER = Path(__file__).parent
PACKAGE = Package(FOLDER, "Kusto's language service", Path("@kusto/language-service-next/Kusto.Language.Bridge.min.js"))


class CheckFailed(Exception):
    """The language service itself did not run; the message is what Node.js said."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the workspace: `parameters` as declared, in parentheses; `body` as saved."""

    parameters: str
    body: str


@dataclass(frozen=True, slots=True)
class Schema:
    """What a workspace has: tables as `(column: type, ...)` by name, functions by name."""

    tables: Mapping[str, str]
    functions: Mapping[str, Function] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """One query: each mistake as `line:column code message`, and the columns of its result with their types."""

    problems: Sequence[str]
    columns: Mapping[str, str]


def find_program(announce: Announce | None = None) -> Program:
    """The language service as pinned, installed now if need be. Raises MissingProgram."""
    return find(PACKAGE, announce)


def check(program: Program, schema: Schema, queries: Mapping[str, str]) -> Mapping[str, Checked]:
    """Every query, and every function's body under the function's name. Raises CheckFailed."""
    # Without a line break, so that places in a body stay what they are in its file.
    bodies = {
        name: f"declare query_parameters{each.parameters}; {each.body}" for name, each in schema.functions.items()
    }
    texts = {**queries, **bodies}
    done = subprocess.run(  # noqa: S603 - our program
        [str(program.node), str(FOLDER / "problems.js"), str(program.main.parent)],
        input=json.dumps({**asdict(schema), "queries": texts}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CheckFailed(done.stderr)
    return {name: _checked(texts[name], answer) for name, answer in json.loads(done.stdout).items()}


def _checked(text: str, answer: Any) -> Checked:
    problems = [f"{_place(text, each['start'])} {each['message']}" for each in answer["problems"]]
    return Checked(problems, answer["columns"])


def _place(text: str, start: int) -> str:
    """`line:column` of an offset, both from 1."""
    before = text[:start]
    return f"{before.count('\n') + 1}:{start - before.rfind('\n')}"
