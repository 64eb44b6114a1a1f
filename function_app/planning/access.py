"""What tenants gain and lose between two firewall policies: by meaning, told in the terms of the rules that decide.

Two policies may differ in every line and allow the same; then nothing is gained or lost. What a rule adds is compared with
all that was allowed before, whichever rule allowed it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any

from function_app.model.review import Access
from function_app.planning.reachability.judging import Verdict, judge
from function_app.planning.reachability.partition import Living, numbers_of, partition, regions
from function_app.planning.reachability.policy import Policy
from function_app.planning.reachability.rules import Layer, Rule, compiled
from function_app.planning.reachability.traffic import Box, addresses

_NETWORK_WHATS = ("destinationAddresses", "destinationFqdns", "destinationIpGroups")
_APPLICATION_WHATS = ("targetFqdns", "fqdnTags", "webCategories", "targetUrls")


@dataclass(frozen=True, slots=True)
class _Item:
    """The smallest thing that a rule says: one destination, reached one way."""

    what: str
    how: str
    rule: Rule


@dataclass(slots=True)
class _New:
    """What one rule newly lets pass, surely and possibly."""

    rule: Rule
    sure: list[Box] = field(default_factory=list)
    possible: list[Box] = field(default_factory=list)

    def of(self, item: _Item) -> list[Box]:
        """The part that the item stands for; what the rule surely allows is no doing of an item that only may."""
        pairs = [(box, own) for box in self.sure for own in item.rule.sure]
        pairs += [(box, own) for box in self.possible for own in item.rule.boxes]
        return [common for box, own in pairs if (common := box.meets(own)) is not None]


def gained(before: Policy, after: Policy, ranges: Mapping[IPv4Network, str]) -> tuple[Access, ...]:
    """What may be reached after and not before from these ranges, which come with their names; losses are the other way round."""
    everything = Box(sources=addresses(ranges))
    was, becomes = judge(before, everything), judge(after, everything)
    found = {id(part.rule): _New(part.rule) for part in becomes if part.rule is not None}

    def newly(living: Living) -> tuple[int, bool] | tuple[()]:
        """By whose doing and whether surely: every connection is in one part of before and in one of after."""
        number, later = numbers_of(living)
        former, part = was[number], becomes[later - len(was)]
        rule, certain = part.rule, part.verdict is Verdict.ALLOW
        if rule is None or not rule.allow or part.verdict is Verdict.DENY or rule.name.layer is Layer.AZURE:
            return ()
        known = former.verdict is Verdict.ALLOW or (not certain and former.verdict is not Verdict.DENY)
        return () if known else (id(rule), certain)

    boxes = [part.box for part in (*was, *becomes)]
    for box, (rule, certain) in regions(partition(boxes, [0] * len(boxes), everything, newly)):
        (found[rule].sure if certain else found[rule].possible).append(box)
    return tuple(access for new in found.values() if new.sure or new.possible for access in _told(new, ranges))


def _told(new: _New, ranges: Mapping[IPv4Network, str]) -> Iterator[Access]:
    """The rule's items that lie in these connections, joined where they differ in one thing alone."""
    froms: dict[tuple[str, str], list[str]] = {}
    places = [(addresses((cidr,)), name) for cidr, name in ranges.items()]
    for item in _items(new.rule):
        touched = new.of(item)
        from_here = [name for sources, name in places if any(box.sources & sources for box in touched)]
        if from_here:
            froms[item.what, item.how] = from_here
    hows: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (what, how), names in froms.items():
        hows.setdefault((what, tuple(names)), []).append(how)
    whats: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (what, origins), ways in hows.items():
        whats.setdefault((tuple(ways), origins), []).append(what)
    for (one_way, origins), destinations in whats.items():
        yield Access(tuple(destinations), one_way, origins, str(new.rule.name))


def _items(rule: Rule) -> Iterator[_Item]:
    body = rule.body
    application = str(body.get("ruleType", "")).lower() == "applicationrule"
    kinds = _APPLICATION_WHATS if application else _NETWORK_WHATS
    for kind in kinds:
        for what in body.get(kind) or ():
            alone = {**body, **{other: [] for other in kinds}, kind: [what]}
            for how, narrowed in _ways(alone, application=application):
                name = str(what).rpartition("/")[2] if kind == "destinationIpGroups" else str(what)
                yield _Item(name, how, compiled(rule.name, allow=rule.allow, body=narrowed))


def _ways(body: Mapping[str, Any], *, application: bool) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if application:
        for pair in body.get("protocols") or ():
            yield f"{str(pair.get('protocolType')).upper()} {pair.get('port')}", {**body, "protocols": [pair]}
        return
    for transport in body.get("ipProtocols") or ():
        name = "any protocol" if str(transport).lower() == "any" else str(transport).upper()
        if name == "ICMP":
            yield name, {**body, "ipProtocols": [transport]}
            continue
        for port in body.get("destinationPorts") or ():
            shown = f"{name} {'all ports' if port == '*' else port}"
            yield shown, {**body, "ipProtocols": [transport], "destinationPorts": [port]}
