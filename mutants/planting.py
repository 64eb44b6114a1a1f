"""Planting a mistake in a process that has imported everything: functions get the code that they have in the wrong text."""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType

_OPTIMIZED = 1
"""The flag of a function's code; the code of a module or of a class lacks it."""


class NotPlanted(ValueError):
    """The mistake cannot be put into a running process, or not into this one."""


def plant(file: Path, wrong: str) -> None:
    """Give each function of `file` that reads otherwise in the text `wrong` its code from there; raises NotPlanted.

    Whoever imported such a function by its name holds the same object, so nothing is imported anew. What runs at import is out
    of reach: names of a module, fields of a class, decorators, defaults.
    """
    right = file.read_text(encoding="utf-8")
    if outside_functions(right) != outside_functions(wrong):
        raise NotPlanted(f"{file.name} differs outside of functions as well.")
    codes = {code.co_firstlineno: code for code in _codes(compile(wrong, str(file), "exec", dont_inherit=True))}
    changed = {
        _first_line(before): codes[_first_line(after)]
        for before, after in zip(functions(ast.parse(right)), functions(ast.parse(wrong)), strict=True)
        if ast.dump(before) != ast.dump(after)
    }
    found = [
        one
        for one in gc.get_objects()
        if type(one) is FunctionType
        and one.__code__.co_filename == str(file)
        and one.__code__.co_firstlineno in changed
        and one.__code__.co_name == changed[one.__code__.co_firstlineno].co_name
    ]
    missing = changed.keys() - {one.__code__.co_firstlineno for one in found}
    if missing or not changed:
        raise NotPlanted(f"{file.name} has no living function at lines {sorted(missing)}.")
    for one in found:
        one.__code__ = changed[one.__code__.co_firstlineno]


def outside_functions(source: str) -> str:
    """What a text says outside of its functions' bodies."""
    tree = ast.parse(source)
    for function in functions(tree):
        function.body = []
    return ast.dump(tree)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    """The functions of a module and the methods of its classes, without those inside of them."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            yield node
        else:
            yield from functions(node)


def _first_line(function: ast.FunctionDef) -> int:
    """As the compiled code has it: that of the first decorator."""
    return min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code of functions and methods; that of a generic one stands inside the code of its parameters."""
    for one in code.co_consts:
        if not isinstance(one, CodeType):
            continue
        if one.co_flags & _OPTIMIZED and not one.co_name.startswith("<generic"):
            yield one
        else:
            yield from _codes(one)
