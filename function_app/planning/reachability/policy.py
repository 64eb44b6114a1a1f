"""A firewall policy's rules in the order in which Azure Firewall asks them.

All network rules before all application rules, whatever the priorities; within each kind the base policy first, then the
group's priority, the collection's, and the place in the list (Microsoft Learn, rule-processing and policy-overview). DNAT
rules are for connections from outside and do not count here; threat intelligence comes before all rules and is not one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from function_app.planning.reachability.rules import INFRASTRUCTURE, Layer, Rule, RuleName, compiled
from function_app.planning.reachability.spans import Spans

GroupBody = Mapping[str, Any]
"""One rule collection group as ARM speaks it."""
_BUCKET_BITS = 6
_NARROW = 64
"""A rule whose sources lie in so many buckets at most is found by them; every other is asked always."""


@dataclass(frozen=True, slots=True)
class Collection:
    """One rule collection: its rules in order, all of one action."""

    layer: Layer
    group: str
    name: str
    priorities: tuple[int, int]
    application: bool
    rules: tuple[Rule, ...]


type Step = tuple[tuple[Rule, ...], ...]
"""Collections that come at the same time: one, or several of one priority, whose order Azure does not document."""


@dataclass(frozen=True)
class Policy:
    """Rules in Azure's order. Without slots, because the way to them by source is laid once."""

    collections: tuple[Collection, ...]

    def concerning(self, sources: Spans[int]) -> tuple[Step, ...]:
        """The steps that connections from these sources go through, without rules for other sources alone."""
        steps = self._last.get(sources)
        if steps is None:
            wanted = self._near(sources)
            found = (
                [self._step(index, chosen) for index, chosen in sorted(wanted.items())] if wanted is not None else None
            )
            steps = tuple(found) if found is not None else self._steps
            # Questions about one tenant come one after the other.
            self._last.clear()
            self._last[sources] = steps
        return steps

    @cached_property
    def _last(self) -> dict[Spans[int], tuple[Step, ...]]:
        return {}

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule, in order."""
        return tuple(rule for step in self._steps for collection in step for rule in collection)

    @cached_property
    def _steps(self) -> tuple[Step, ...]:
        def place(one: Collection) -> tuple[bool, bool, int, int]:
            return one.application, one.layer is not Layer.BASE, *one.priorities

        ordered = sorted(self.collections, key=place)
        steps = [tuple(one.rules for one in together) for _, together in groupby(ordered, key=place)]
        return (*steps, ((INFRASTRUCTURE,),))

    def _step(self, index: int, chosen: frozenset[int]) -> Step:
        """A step without the rules that were not chosen; `chosen` holds places of rules within the step."""
        kept: list[tuple[Rule, ...]] = []
        place = 0
        for collection in self._steps[index]:
            kept.append(tuple(rule for offset, rule in enumerate(collection, start=place) if offset in chosen))
            place += len(collection)
        return tuple(rules for rules in kept if rules)

    def _near(self, sources: Spans[int]) -> dict[int, frozenset[int]] | None:
        """By step, the rules that may match one of the sources; None when that takes as long as asking all."""
        buckets = _buckets(sources)
        if buckets is None:
            return None
        wide, narrow = self._by_bucket
        found: dict[int, set[int]] = {}
        # Rules for many sources often share them: each set of sources is looked at once.
        for many, entries in wide.items():
            if many & sources:
                for index, place in entries:
                    found.setdefault(index, set()).add(place)
        for bucket in buckets:
            for index, place in narrow.get(bucket, ()):
                found.setdefault(index, set()).add(place)
        return {index: frozenset(places) for index, places in found.items()}

    @cached_property
    def _by_bucket(self) -> tuple[dict[Spans[int], list[tuple[int, int]]], dict[int, list[tuple[int, int]]]]:
        wide: dict[Spans[int], list[tuple[int, int]]] = {}
        narrow: dict[int, list[tuple[int, int]]] = {}
        for index, step in enumerate(self._steps):
            for place, rule in enumerate(rule for collection in step for rule in collection):
                buckets = _buckets(rule.sources)
                if buckets is None:
                    wide.setdefault(rule.sources, []).append((index, place))
                for bucket in buckets or ():
                    narrow.setdefault(bucket, []).append((index, place))
        return wide, narrow


def _buckets(sources: Spans[int]) -> frozenset[int] | None:
    """Which stretches of 64 addresses hold a source; None when those are too many to go by."""
    found: set[int] = set()
    for first, behind in sources.parts:
        low, high = first >> _BUCKET_BITS, (behind - 1) >> _BUCKET_BITS
        if high - low >= _NARROW or len(found) > _NARROW:
            return None
        found.update(range(low, high + 1))
    return frozenset(found)


def policy_of(own: Iterable[GroupBody], base: Iterable[GroupBody] = (), *, known: Policy | None = None) -> Policy:
    """The policy that these rule collection groups make up; what is no filter collection is left out.

    `known` is one whose rules need not be made out again where the very same bodies stand in the same places.
    """
    made = {id(rule.body): rule for rule in known.rules} if known is not None else {}
    layers = ((Layer.BASE, base), (Layer.OWN, own))
    return Policy(
        tuple(one for layer, groups in layers for group in groups for one in _collections(layer, group, made))
    )


def _collections(layer: Layer, group: GroupBody, made: Mapping[int, Rule]) -> Iterator[Collection]:
    properties = group.get("properties") or {}
    name = str(group.get("name", ""))
    for body in properties.get("ruleCollections") or ():
        kind = str(body.get("ruleCollectionType", "")).lower()
        if kind == "firewallpolicynatrulecollection":
            continue
        allow = str((body.get("action") or {}).get("type", "")).lower() == "allow"
        collection = str(body.get("name", ""))
        found: dict[bool, list[Rule]] = {}
        for rule in body.get("rules") or ():
            application = str(rule.get("ruleType", "")).lower() == "applicationrule"
            named = RuleName(layer, name, collection, str(rule.get("name", "")))
            before = made.get(id(rule))
            same = before is not None and before.name == named and before.allow is allow
            found.setdefault(application, []).append(
                before if before is not None and same else compiled(named, allow=allow, body=rule)
            )
        priorities = int(properties.get("priority", 0)), int(body.get("priority", 0))
        for application, rules in found.items():
            yield Collection(layer, name, collection, priorities, application, tuple(rules))
