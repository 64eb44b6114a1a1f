"""Who stood behind an address: from the ledger, and from what passes saw and kept. Git, clusters and Azure may be down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network
from threading import Lock
from typing import Any

from function_app.model.attribution import Attribution, LedgerIndex
from function_app.model.errors import StateError
from function_app.model.ledger import Holding, Record
from function_app.model.names import HubName
from function_app.model.state import HubState
from function_app.planning.firewall_resources import Rule, read_shard
from function_app.service.parts import Stores
from function_app.service.requests import BadRequest, Json

_CLOCKS_APART = timedelta(minutes=1)
"""A question may come from a clock that is this much ahead of ours."""
_EVERYTHING = IPv4Network("0.0.0.0/0")
_turn = Lock()
_indexes: dict[HubName, tuple[Sequence[Record], LedgerIndex]] = {}
"""By hub, for as long as the process lives: putting a year in order takes longer than answering from it."""


def attributed(stores: Mapping[HubName, Stores], address: IPv4Network, at: datetime, now: datetime) -> Json:
    """`{address, at, held_by, nodes, problems}`; a hub whose ledger cannot be read is a problem, not an absence.

    Raises BadRequest for a time that has not come.
    """
    if at > now + _CLOCKS_APART:
        raise BadRequest(
            f"`at` lies in the future: it is {now.isoformat(timespec='seconds')} now. Who will hold an address then is not "
            "known; leave it out to ask about now."
        )
    held_by: list[Json] = []
    nodes: list[Json] = []
    problems: list[str] = []
    for hub, kept in stores.items():
        found: tuple[Attribution, ...] = ()
        report: Mapping[str, Any] = {}
        try:
            found = _index(hub, kept.ledger.read()).who_held(address, at)
        except StateError as problem:
            problems.append(f"{hub}: {problem}")
        try:
            report = kept.status.latest(hub) or {}
        except StateError as problem:
            problems.append(f"{hub}: {problem}")
        state, seen = kept.state.read(), _sightings(report)
        held_by += [{**attribution_json(hub, one), **_extras(one, address, at, seen, state)} for one in found]
        nodes += [{"hub": hub, **one} for one in _nodes(report, address)]
    return {"address": str(address), "at": at.isoformat(), "held_by": held_by, "nodes": nodes, "problems": problems}


def attribution_json(hub: HubName, held: Attribution) -> Json:
    """What the ledger says of one generation; times are ISO 8601."""
    return {
        "hub": hub,
        "tenant": held.tenant,
        "cluster": held.cluster,
        "namespaces": list(held.namespaces),
        "formerly": list(held.formerly),
        "unrouted_at": _time(held.unrouted_at),
        "range": str(held.range),
        "generation": held.generation,
        "gateway": held.gateway,
        "holding": held.holding.value,
        "commit": held.commit,
        "author": held.author,
        "approver": held.approver,
        "pull_request": held.pull_request,
        "since": held.since.isoformat(),
        "freed_at": _time(held.freed_at),
        "ended_at": _time(held.ended_at),
    }


def holders(hub: HubName, kept: Stores, now: datetime) -> tuple[Attribution, ...]:
    """Everybody who holds a range of a hub, those in quarantine included; raises StateError."""
    found = _index(hub, kept.ledger.read()).who_held(_EVERYTHING, now)
    return tuple(one for one in found if one.holding is not Holding.ENDED)


def _index(hub: HubName, records: Sequence[Record]) -> LedgerIndex:
    with _turn:
        known, index = _indexes.get(hub, ((), LedgerIndex()))
        if known is not records:
            index.follow(records)
            _indexes[hub] = (records, index)
        return index


def _extras(
    held: Attribution, asked: IPv4Network, at: datetime, seen: Sequence[Mapping[str, Any]], state: HubState
) -> Json:
    """`{pods, rules, rules_since}`: what of it is known for that time.

    A pod keeps its address as long as it lives, so a pod that is there now stood behind it since it was made.
    """
    pods = [
        {key: pod.get(key, "") for key in ("pod", "address", "node", "since")}
        for pod in seen
        if _inside(str(pod.get("address", "")), asked)
        and _inside(str(pod.get("address", "")), held.range)
        and datetime.fromisoformat(str(pod.get("since"))) <= at
    ]
    rules = list(_rules(held, state))
    since = max((one for _, one in rules if one is not None), default=None)
    known = bool(state.shards) and (since is None or since <= at)
    return {
        "pods": pods,
        "rules": [_rule_json(rule) for rule, _ in rules] if known else None,
        "rules_since": _time(since),
    }


def _rules(held: Attribution, state: HubState) -> Iterator[tuple[Rule, datetime | None]]:
    """The tenant's rules in force for its range, with since when they have been seen as they are."""
    for memory in state.shards.values():
        for tenant in read_shard(memory.in_force).values():
            if tenant.tenant == held.tenant:
                for rule in tenant.rules:
                    if str(held.range) in (rule.get("sourceAddresses") or ()):
                        yield rule, memory.since.get(held.tenant)


def _rule_json(rule: Rule) -> Json:
    names = rule.get("targetFqdns")
    if names:
        protocols = [
            f"{one.get('protocolType', '')}:{one.get('port', '')}".lower() for one in rule.get("protocols") or ()
        ]
        return {"name": rule.get("name"), "to": list(names), "over": protocols}
    to = [*(rule.get("destinationAddresses") or ()), *(rule.get("destinationFqdns") or ())]
    over = [
        f"{kind}:{port}".lower()
        for kind in rule.get("ipProtocols") or ()
        for port in rule.get("destinationPorts") or ()
    ]
    return {"name": rule.get("name"), "to": to, "over": over}


def _sightings(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [pod for row in report.get("attachments") or () for pod in row.get("gateways") or ()]


def _nodes(report: Mapping[str, Any], asked: IPv4Network) -> Iterator[Json]:
    """`{cluster, node, address, namespaces, seen_at}` for a node's address: whose pods leave under it, by the newest pass."""
    for cluster, addresses in (report.get("clusters") or {}).items():
        if not _overlaps(str(addresses.get("node_subnet", "")), asked):
            continue
        common = {
            "cluster": cluster,
            "namespaces": list((report.get("unattributed") or {}).get(cluster, ())),
            "seen_at": report.get("finished_at"),
        }
        known = [(name, one) for name, one in (addresses.get("nodes") or {}).items() if _inside(str(one), asked)]
        for name, one in known:
            yield {**common, "node": name, "address": one}
        if not known and asked.prefixlen == asked.max_prefixlen:
            yield {**common, "node": "", "address": str(asked.network_address)}


def _inside(address: str, network: IPv4Network) -> bool:
    try:
        return IPv4Address(address) in network
    except ValueError:
        return False


def _overlaps(cidr: str, network: IPv4Network) -> bool:
    try:
        return IPv4Network(cidr).overlaps(network)
    except ValueError:
        return False


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
