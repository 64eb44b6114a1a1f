"""What a machine changes: each change leaves a program, and each kind is among them."""

from __future__ import annotations

import ast

import pytest

from mutants.changes import changes

SOURCE = '''"""Text of a module stays."""

NAMES = sorted({"b", "a"})

def told(pods: list[str], *, limit: int = 3) -> str:
    """Text of documentation stays."""
    found: list["str"] = [pod for pod in pods if pod and not pod.startswith("ü-")]
    if len(found) >= limit:
        raise ValueError(f"{len(found)} pods")
    found.append("last")
    return (
        max(found, key=len)
        if any(pods)
        else "none"
    )
'''


def said(statement: str) -> list[str]:
    """What becomes of one statement of a function."""
    source = f"def f(a, b):\n    {statement}\n"
    return [each.applied(source.encode()).splitlines()[1].strip() for each in changes("f.py", source.encode())]


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("return a < b", ["return (a <= b)", "return (a >= b)"]),
        ("return a and not b", ["return (a or not b)", "return (not b)", "return (a)", "return a and (b)"]),
        ("return a if b else 1", ["return (a)", "return (1)", "return a if b else (2)"]),
        ("return sorted(a, key=b)", ["return (list(a, key=b))", "return (sorted(a))"]),
        ("return [x for x in a if x]", ["return ([x for x in a])"]),
        ("return (a, b)", ["return ((b,))", "return ((a,))"]),
        ("a.sort()", ["pass"]),
        ("a[b] = b", ["pass"]),
        ("return f'{a}{b + 1}'", ["return ('')"]),
    ],
)
def test_each_kind_of_change(statement: str, wrong: list[str]) -> None:
    """Comparisons, conditions, choices, arguments, filters, elements, effects and texts."""
    assert wrong == said(statement)


def test_every_change_leaves_another_program_and_says_where_it_is() -> None:
    """Only bodies of functions change, whatever letters stand before; lines are those of the statement alone."""
    found = list(changes("told.py", SOURCE.encode()))

    for change in found:
        wrong = change.applied(SOURCE.encode())
        assert ast.dump(ast.parse(wrong)) != ast.dump(ast.parse(SOURCE))
        assert wrong.splitlines()[:6] == SOURCE.splitlines()[:6]
    assert {range(7, 8), range(8, 9), range(9, 10), range(10, 11), range(11, 16)} == {change.lines for change in found}
