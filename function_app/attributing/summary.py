"""A tally as JSON-ready values: by tenant, strangers, troubles, suggestions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from function_app.attributing.suggesting import suggestions
from function_app.attributing.tally import Flow, Tally

MOST_DESTINATIONS = 10
MOST_STRANGERS = 20

type Json = dict[str, object]
type _To = tuple[str, str, str]


@dataclass(slots=True)
class _Sum:
    allowed: int = 0
    denied: int = 0
    all: Counter[_To] = field(default_factory=Counter)
    denials: Counter[_To] = field(default_factory=Counter)

    def add(self, flow: Flow, count: int) -> None:
        to = (flow.destination, str(flow.port or ""), str(flow.protocol or "").lower())
        self.all[to] += count
        if flow.denied:
            self.denied += count
            self.denials[to] += count
        else:
            self.allowed += count


def summary(tally: Tally) -> Json:
    """`{lines, attributed, counts_dropped, tenants, strangers, troubles, suggestions}`; the keys are a contract."""
    sums: dict[str, _Sum] = {}
    for flow, count in tally.by_flow():
        sums.setdefault(flow.tenant, _Sum()).add(flow, count)
    strangers = sums.pop("", _Sum())
    return {
        "lines": tally.lines,
        "attributed": tally.attributed,
        "counts_dropped": tally.dropped,
        "tenants": [_tenant(name, found) for name, found in sorted(sums.items())],
        "strangers": {
            "allowed": strangers.allowed,
            "denied": strangers.denied,
            "sources": [
                {"source": source, "why": why, "lines": count}
                for (source, why), count in tally.sources.most_common(MOST_STRANGERS)
            ],
        },
        "troubles": [
            {"what": what.value, "lines": met.count, "first": met.lines, "words": dict(met.words)}
            for what, met in sorted(tally.met.items(), key=lambda one: -one[1].count)
        ],
        "suggestions": [
            {"tenant": one.tenant, "denied": one.count, "allow": one.entry} for one in suggestions(tally.by_flow())
        ],
    }


def _tenant(name: str, found: _Sum) -> Json:
    return {
        "tenant": name,
        "lines": found.allowed + found.denied,
        "allowed": found.allowed,
        "denied": found.denied,
        "destinations": _most(found.all),
        "denials": _most(found.denials),
    }


def _most(counts: Mapping[_To, int]) -> list[Json]:
    return [
        {"to": to, "port": port, "protocol": protocol, "lines": count}
        for (to, port, protocol), count in Counter(counts).most_common(MOST_DESTINATIONS)
    ]
