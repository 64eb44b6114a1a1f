"""Which of a machine's mistakes the type checker refuses: `make check` lets none of them pass, no test is needed for them."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

_STUB = """from typing import Any

type MutantDict = dict[str, Any]

class Unchanged:
    def __call__[T](self, decorated: T) -> T: ...

def wrap_in_trampoline(mutants: MutantDict) -> Unchanged: ...
"""
"""mutmut's decorator as mypy should see it: the function keeps its type."""
_ORIGINAL = "__mutmut_orig"
_TELLING = frozenset(
    {
        "arg-type",
        "assignment",
        "attr-defined",
        "call-arg",
        "call-overload",
        "comparison-overlap",
        "dict-item",
        "index",
        "operator",
        "return-value",
        "type-var",
        "union-attr",
        "unreachable",
        "var-annotated",
    }
)
"""Kinds of errors that come from a function's own text, not from the way in which mutmut writes it."""

_Errors = Mapping[Path, list[tuple[int, tuple[str, str]]]]


class NotChecked(RuntimeError):
    """mypy did not get as far as checking types."""


def refused(tree: Path, package: str) -> frozenset[str]:
    """The names of mutants in which mypy finds an error that it does not find in the function as it was.

    `tree` is where mutmut wrote them, with the project's settings; `package` is a folder in it. Raises NotChecked.
    """
    errors = _errors(tree, package)
    return frozenset(name for path in sorted((tree / package).glob("*.py")) for name in _refused_in(path, tree, errors))


def _refused_in(path: Path, tree: Path, errors: _Errors) -> Iterator[str]:
    spans = {
        node.name: range(node.lineno, (node.end_lineno or node.lineno) + 1)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name
    }
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for line, error in errors.get(path, ()):
        for name, span in spans.items():
            if line in span:
                found[name].add(error)
    module = ".".join(path.relative_to(tree).with_suffix("").parts)
    for name in spans:
        original = name.rpartition("__mutmut_")[0] + _ORIGINAL
        if name != original and found[name] - found[original]:
            yield f"{module}.{name}"


def _errors(tree: Path, package: str) -> _Errors:
    stubs = tree / "stubs"
    (stubs / "mutmut" / "mutation").mkdir(parents=True, exist_ok=True)
    for name in ("__init__.pyi", "mutation/__init__.pyi"):
        (stubs / "mutmut" / name).touch()
    (stubs / "mutmut" / "mutation" / "trampoline.pyi").write_text(_STUB, encoding="utf-8")
    done = subprocess.run(  # noqa: S603 - the project's own type checker
        [sys.executable, "-m", "mypy", "--output", "json", "--no-error-summary", package],
        cwd=tree,
        env={**os.environ, "MYPYPATH": str(stubs)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.stderr or not done.stdout:
        raise NotChecked(f"mypy ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    found: dict[Path, list[tuple[int, tuple[str, str]]]] = defaultdict(list)
    for error in map(json.loads, done.stdout.splitlines()):
        if error["code"] in _TELLING:
            found[tree / error["file"]].append((error["line"], (error["code"], error["message"])))
    return found
