"""Taking a set of connections apart along the rules until every part of it has met the rule that decides it.

Every match is terminal. Where a rule may match, its part goes on with that in mind: if whatever decides it later does the
same, nothing is open; if not, the part is undecided, with the reasons.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from function_app.planning.reachability.policy import Policy, Step
from function_app.planning.reachability.rules import Rule
from function_app.planning.reachability.traffic import Box, remainder


class Verdict(StrEnum):
    """What becomes of a new connection."""

    ALLOW = "allow"
    DENY = "deny"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Part:
    """Connections with one fate. `rule` decides it, None for the default denial; `doubts` say why it is undecided."""

    box: Box
    verdict: Verdict
    rule: Rule | None
    doubts: tuple[str, ...] = ()
    possible: tuple[tuple[bool, str], ...] = ()
    """What may decide it before, in order: whether that would let it pass, and what is open about it."""
    at_last: bool | None = None
    """Whether it passes when none of that applies; None when rules of one priority do not agree."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Connections on their way: what they may have met, and what they surely met in the step under way."""

    box: Box
    possible: tuple[tuple[Rule, str], ...] = ()
    met: tuple[Rule, ...] = ()


def judge(policy: Policy, box: Box, *, thorough: bool = False) -> tuple[Part, ...]:
    """The box in parts that have nothing in common and together are all of it.

    For a verdict one doubt of each kind is enough; `thorough` keeps every one, in `Part.possible`.
    """
    parts: list[Part] = []
    waiting = [_Piece(box)] if box else []
    for step in policy.concerning(box.sources):
        if not waiting:
            break
        decided, waiting = _through(step, waiting, thorough=thorough)
        parts += decided
    parts += [_decided(piece, None) for piece in waiting]
    return tuple(parts)


def _through(step: Step, pieces: list[_Piece], *, thorough: bool) -> tuple[list[Part], list[_Piece]]:
    """One step. Collections of one priority are all asked: when they do not agree, it is open which comes first."""
    for rules in step:
        pieces = _through_rules(rules, pieces, thorough=thorough)
    return [_settled(piece) for piece in pieces if piece.met], [piece for piece in pieces if not piece.met]


def _through_rules(rules: Iterable[Rule], pieces: list[_Piece], *, thorough: bool) -> list[_Piece]:
    """A collection's rules in order: what one of them matches is not shown to the next."""
    done: list[_Piece] = []
    for rule in rules:
        if not pieces:
            break
        rest: list[_Piece] = []
        for piece in pieces:
            hit, missed = _split(piece, rule, thorough=thorough)
            done += hit
            rest += missed
        pieces = rest
    return [*done, *pieces]


def _split(piece: _Piece, rule: Rule, *, thorough: bool) -> tuple[list[_Piece], list[_Piece]]:
    """The part of a piece that the rule surely matches, and the rest, which remembers what may have matched."""
    found = [common for box in rule.sure if (common := piece.box.meets(box)) is not None]
    hit = [_Piece(common, piece.possible, (*piece.met, rule)) for common in found]
    rest = [_Piece(left, piece.possible, piece.met) for left in remainder((piece.box,), found)] if found else [piece]
    for doubtful in rule.doubtful:
        parted: list[_Piece] = []
        for one in rest:
            common = one.box.meets(doubtful.box)
            known = not thorough and any(rule.allow is other.allow for other, _ in one.possible)
            if common is None or known:
                parted.append(one)
                continue
            parted.append(_Piece(common, (*one.possible, (rule, doubtful.reason)), one.met))
            parted += [_Piece(left, one.possible, one.met) for left in one.box.without(common)]
        rest = parted
    return hit, rest


def _settled(piece: _Piece) -> Part:
    """What a step's sure matches come to: rules of one priority that do not agree leave it open."""
    first = piece.met[0]
    other = next((rule for rule in piece.met if rule.allow is not first.allow), None)
    if other is None:
        return _decided(piece, first)
    reason = f"{first.name} and {other.name} have one priority, and Azure does not document which comes first"
    return Part(
        piece.box, Verdict.UNDECIDED, first, (*(why for _, why in piece.possible), reason), _possible(piece), None
    )


def _decided(piece: _Piece, rule: Rule | None) -> Part:
    """The fate of a piece that ends here, unless something that it may have met before would do otherwise."""
    allow = rule is not None and rule.allow
    otherwise = [(one, why) for one, why in piece.possible if one.allow is not allow]
    possible = _possible(piece)
    if otherwise:
        doubts = tuple(why for _, why in otherwise)
        return Part(piece.box, Verdict.UNDECIDED, otherwise[0][0], doubts, possible, allow)
    return Part(piece.box, Verdict.ALLOW if allow else Verdict.DENY, rule, (), possible, allow)


def _possible(piece: _Piece) -> tuple[tuple[bool, str], ...]:
    return tuple((rule.allow, why) for rule, why in piece.possible)
