"""Taking a set of connections apart along the rules, so that every part of it has met the rule that decides it.

Every match is terminal. Where a rule may match, that is kept in mind: if whatever decides later does the same, nothing is open; if
not, the part is undecided, with the reasons.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from function_app.planning.reachability.partition import Living, numbers_of, partition, regions
from function_app.planning.reachability.policy import Policy
from function_app.planning.reachability.rules import Rule
from function_app.planning.reachability.traffic import Box


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
class _Claim:
    """Connections that a rule surely matches, or may match: then `doubt` says why that is open."""

    box: Box
    rule: Rule
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class Claims:
    """All that rules say of some connections, in Azure's order. `hides` has for each what is not asked any more where it holds."""

    within: Box
    found: tuple[_Claim, ...]
    hides: tuple[Living, ...]
    thorough: bool

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Whom each is about."""
        return tuple(one.box for one in self.found)

    def fate(self, living: Living) -> Part:
        """What becomes of connections of which these hold, as if that were all that was asked about; none of them hides another."""
        possible: list[tuple[Rule, str]] = []
        met: list[Rule] = []
        for number in numbers_of(living):
            claim = self.found[number]
            if claim.doubt is None:
                met.append(claim.rule)
            elif self.thorough or all(claim.rule.allow is not other.allow for other, _ in possible):
                possible.append((claim.rule, claim.doubt))
        return _settled(self.within, possible, met) if met else _decided(self.within, possible, None)


def claims(policy: Policy, box: Box, *, thorough: bool = False) -> Claims:
    """What there is to ask about a box. For a verdict one doubt of each kind is enough; `thorough` keeps every one."""
    found: list[_Claim] = []
    ends: list[tuple[int, int]] = []
    for step in policy.concerning(box.sources):
        asked = [list(_claims(rules, box)) for rules in step]
        behind = len(found) + sum(map(len, asked))
        for those in asked:
            found += those
            ends += [(len(found), behind)] * len(those)
    alike = {allow: _alike(found, allow=allow) if not thorough else 0 for allow in (False, True)}
    hides: list[Living] = []
    for number, (claim, (collection, behind)) in enumerate(zip(found, ends, strict=True)):
        # The rest of its collection and all that comes later: others of its own priority are still asked.
        after = (1 << collection) - (2 << number) | (1 << len(found)) - (1 << behind)
        hides.append(after if claim.doubt is None else after & alike[claim.rule.allow])
    return Claims(box, tuple(found), tuple(hides), thorough)


def _claims(rules: tuple[Rule, ...], box: Box) -> Iterator[_Claim]:
    for rule in rules:
        for sure in rule.sure:
            if (common := box.meets(sure)) is not None:
                yield _Claim(common, rule)
        for doubtful in rule.doubtful:
            if (common := box.meets(doubtful.box)) is not None:
                yield _Claim(common, rule, doubtful.reason)


def _alike(found: list[_Claim], *, allow: bool) -> Living:
    """The doubtful ones of one kind: a second doubt of a kind adds nothing to a verdict."""
    return sum(1 << number for number, one in enumerate(found) if one.doubt is not None and one.rule.allow is allow)


def judge(policy: Policy, box: Box, *, thorough: bool = False) -> tuple[Part, ...]:
    """The box in parts that have nothing in common and together are all of it, in the order of the rules that decide them.

    For a verdict one doubt of each kind is enough; `thorough` keeps every one, in `Part.possible`.
    """
    if not box:
        return ()
    asked = claims(policy, box, thorough=thorough)
    places = {id(one.rule): place for place, one in reversed(list(enumerate(asked.found)))}
    fates: dict[tuple[object, ...], Part] = {}

    def fate(living: Living) -> tuple[object, ...]:
        """The default denial, which comes last, is there for everybody."""
        part = asked.fate(living & ~default)
        key = (id(part.rule), part.verdict, part.doubts, part.possible, part.at_last)
        fates[key] = part
        return key

    default = 1 << len(asked.found)
    found = partition((*asked.boxes, box), (*asked.hides, 0), box, fate)
    parts = [replace(fates[key], box=region) for region, key in regions(found)]
    return tuple(sorted(parts, key=lambda part: places.get(id(part.rule), len(places))))


def _settled(box: Box, possible: list[tuple[Rule, str]], met: list[Rule]) -> Part:
    """What a step's sure matches come to: rules of one priority that do not agree leave it open."""
    first = met[0]
    other = next((rule for rule in met if rule.allow is not first.allow), None)
    if other is None:
        return _decided(box, possible, first)
    reason = f"{first.name} and {other.name} have one priority, and Azure does not document which comes first"
    return Part(box, Verdict.UNDECIDED, first, (*(why for _, why in possible), reason), _told(possible), None)


def _decided(box: Box, possible: list[tuple[Rule, str]], rule: Rule | None) -> Part:
    """The fate of what ends here, unless something that it may have met before would do otherwise."""
    allow = rule is not None and rule.allow
    otherwise = [(one, why) for one, why in possible if one.allow is not allow]
    if otherwise:
        doubts = tuple(why for _, why in otherwise)
        return Part(box, Verdict.UNDECIDED, otherwise[0][0], doubts, _told(possible), allow)
    return Part(box, Verdict.ALLOW if allow else Verdict.DENY, rule, (), _told(possible), allow)


def _told(possible: list[tuple[Rule, str]]) -> tuple[tuple[bool, str], ...]:
    return tuple((rule.allow, why) for rule, why in possible)
