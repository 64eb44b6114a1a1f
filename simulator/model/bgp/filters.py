"""BGPFilter export rules, as confd renders them into BIRD (projectcalico/calico confd bgp_processor.go).

Each listed filter is one function whose rules run in order; the first rule that matches ends everything. A filter that is
missing or has no export rules emits no function, so nothing of it stands in the way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from simulator.model.bgp.prefixes import Prefix
from simulator.model.bgp.routes import Route

NORMAL_PRIORITY = 1024
"""Of every route here; Felix gives others only to workloads that migrate (Tigera docs, FelixConfiguration)."""


class Verdict(StrEnum):
    """What the filters say of a route; UNDECIDED leaves it to Calico's own export."""

    ACCEPT = "Accept"
    REJECT = "Reject"
    UNDECIDED = "Undecided"


_Test = Callable[[Route], bool]


class ExportFilter:
    """The export rules that a peer's filters add up to, in the order of `BGPPeer.spec.filters`."""

    def __init__(self, rules: Iterable[Mapping[str, Any]], *, external: bool, asn: int) -> None:
        self._rules = [
            (Verdict(str(rule["action"]).capitalize()), _tests(rule, external=external, asn=asn)) for rule in rules
        ]
        self._known: dict[Route, Verdict] = {}

    def verdict(self, route: Route) -> Verdict:
        """First match wins; UNDECIDED when none matches."""
        found = self._known.get(route)
        if found is None:
            found = self._known[route] = self._judge(route)
        return found

    def _judge(self, route: Route) -> Verdict:
        for verdict, tests in self._rules:
            if all(test(route) for test in tests):
                return verdict
        return Verdict.UNDECIDED


def export_filter(
    names: Iterable[str], rules_by_name: Mapping[str, str], *, external: bool, asn: int = 0
) -> ExportFilter:
    """The filter of a peer that lists `names`; `rules_by_name` holds each existing filter's exportV4 as JSON.

    `asn` is the cluster's AS number, which an external peer's filter finds in every path.
    """
    return _compiled(tuple(rules_by_name[name] for name in names if name in rules_by_name), external, asn)


@lru_cache(maxsize=256)
def _compiled(rule_lists: tuple[str, ...], external: bool, asn: int) -> ExportFilter:
    return ExportFilter((rule for text in rule_lists for rule in json.loads(text)), external=external, asn=asn)


def length_range(cidr: Prefix, lengths: Mapping[str, int] | None) -> tuple[int, int]:
    """The shortest and the longest prefix length that a rule's `cidr` and `prefixLength` leave."""
    return max(cidr.length, (lengths or {}).get("min", 0)), min(32, (lengths or {}).get("max", 32))


def _tests(rule: Mapping[str, Any], *, external: bool, asn: int) -> list[_Test]:
    """All match fields of a rule; a rule without any matches every route."""
    tests: list[_Test] = []
    if "cidr" in rule:
        tests.append(_prefix_test(rule))
    if rule.get("source") == "RemotePeers":
        tests.append(lambda route: route.remote)
    if "interface" in rule:
        pattern = str(rule["interface"])
        tests.append(lambda route: fnmatchcase(route.interface, pattern))
    if "peerType" in rule:
        fits = rule["peerType"] == ("eBGP" if external else "iBGP")
        tests.append(lambda _route: fits)
    if rule.get("asPathPrefix"):
        # BIRD 1.6 puts the cluster's number into the path before it asks the filter, and there is nothing else in it.
        begins = external and rule["asPathPrefix"] == [asn]
        tests.append(lambda _route: begins)
    if "priority" in rule:
        ordinary = rule["priority"] == NORMAL_PRIORITY
        tests.append(lambda _route: ordinary)
    if "communities" in rule:
        # Routes of this world carry none.
        tests.append(lambda _route: False)
    return tests


def _prefix_test(rule: Mapping[str, Any]) -> _Test:
    """`In` is equal or more specific, `Equal` exact; with prefixLength BIRD compares with a prefix set instead.

    A prefix never equals a prefix set (BIRD val_same): then Equal never and NotEqual always matches.
    """
    cidr, operator = Prefix.parse(rule["cidr"]), rule["matchOperator"]
    lengths = rule.get("prefixLength")
    if operator in ("In", "NotIn"):
        low, high = length_range(cidr, lengths)
        inside = operator == "In"
        return lambda route: (low <= route.prefix.length <= high and cidr.covers(route.prefix)) == inside
    equal = operator == "Equal"
    if lengths is not None:
        return lambda _route: not equal
    return lambda route: (route.prefix == cidr) == equal
