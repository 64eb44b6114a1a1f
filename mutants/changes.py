"""Mistakes that a machine thinks up: every small change of a function's text that leaves a program."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

from mutants.planting import functions

_COMPARED: Mapping[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_COMPUTED: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_CALLED = {"any": "all", "all": "any", "min": "max", "max": "min", "sorted": "list"}
_LEFT_OUT = (ast.Raise, ast.Continue, ast.Break, ast.AugAssign, ast.Delete)


@dataclass(frozen=True, slots=True)
class Change:
    """In `file` the bytes from `start` to `end` become `text`; `lines` are those of the statement, without what it encloses.

    `function` are the lines of the function around it.
    """

    file: str
    function: range
    lines: range
    start: int
    end: int
    text: str

    def applied(self, source: bytes) -> str:
        """The wrong text."""
        return (source[: self.start] + self.text.encode() + source[self.end :]).decode()


def changes(file: str, source: bytes) -> Iterator[Change]:
    """Every change of the bodies of a file's functions, in the order of its text."""
    begins = [0]
    for line in source.splitlines(keepends=True):
        begins.append(begins[-1] + len(line))
    for function in functions(ast.parse(source)):
        whole = range(function.lineno, (function.end_lineno or function.lineno) + 1)
        for statement in _statements(function):
            for node, text in _wrong(statement):
                start = begins[node.lineno - 1] + node.col_offset
                end = begins[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
                yield Change(file, whole, _lines(statement), start, end, text)


def _statements(function: ast.FunctionDef) -> Iterator[ast.stmt]:
    documented = ast.get_docstring(function) is not None
    for outer in function.body[documented:]:
        yield from (node for node in ast.walk(outer) if isinstance(node, ast.stmt))


def _lines(statement: ast.stmt) -> range:
    inside = [node.lineno for node in ast.walk(statement) if isinstance(node, ast.stmt) and node is not statement]
    return range(statement.lineno, min(inside, default=(statement.end_lineno or statement.lineno) + 1))


def _wrong(statement: ast.stmt) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
    """What is replaced, and by which text."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return
    if isinstance(statement, _LEFT_OUT) or _is_done_for_its_effect(statement):
        yield statement, "pass"
    if isinstance(statement, ast.If):
        yield statement.test, f"(not ({ast.unparse(statement.test)}))"
    for node in _expressions(statement):
        for wrong in _variants(node):
            yield node, f"({ast.unparse(wrong)})"


def _is_done_for_its_effect(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Assign):
        return not any(isinstance(target, (ast.Name, ast.Tuple)) for target in statement.targets)
    return isinstance(statement, ast.Expr) or (isinstance(statement, ast.Return) and statement.value is None)


def _expressions(node: ast.AST) -> Iterator[ast.expr]:
    """Those of one statement; what stands for a type is not among them."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "type_params"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, ast.stmt):
                if isinstance(child, ast.expr):
                    yield child
                if not isinstance(child, ast.JoinedStr):
                    yield from _expressions(child)


def _variants(node: ast.expr) -> Iterator[ast.expr]:  # noqa: PLR0912 - a table of kinds
    match node:
        case ast.Compare(ops=[*operators]):
            for place, operator in enumerate(operators):
                for wrong in _COMPARED[type(operator)]:
                    yield _with(node, ops=[*operators[:place], wrong(), *operators[place + 1 :]])
        case ast.BoolOp(op=operator, values=values):
            yield _with(node, op=ast.Or() if isinstance(operator, ast.And) else ast.And())
            yield from (_with(node, values=some) for some in _without_one(values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(op=operator) if type(operator) in _COMPUTED:
            yield _with(node, op=_COMPUTED[type(operator)]())
        case ast.IfExp(body=body, orelse=other):
            yield body
            yield other
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str(value)) if value:
            yield ast.Constant("")
        case ast.JoinedStr():
            yield ast.Constant("")
        case ast.Call(func=function, keywords=keywords):
            if isinstance(function, ast.Name) and function.id in _CALLED:
                yield _with(node, func=ast.Name(_CALLED[function.id]))
            yield from (_with(node, keywords=some) for some in _without_one(keywords))
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            for place, generator in enumerate(node.generators):
                for some in _without_one(generator.ifs):
                    changed = _with(generator, ifs=some)
                    yield _with(node, generators=[*node.generators[:place], changed, *node.generators[place + 1 :]])
        case (
            ast.Tuple(elts=elements, ctx=ast.Load()) | ast.List(elts=elements, ctx=ast.Load()) | ast.Set(elts=elements)
        ):
            yield from (_with(node, elts=some) for some in _without_one(elements))


def _with[Node: ast.AST](node: Node, **fields: Any) -> Node:
    changed = copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _without_one[Each](several: list[Each]) -> Iterator[list[Each]]:
    return (several[:place] + several[place + 1 :] for place in range(len(several)))
