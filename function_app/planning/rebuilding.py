"""A lost ledger is rebuilt from what bears our marks; until one quarantine has passed nothing new is given out.

ledger    ours on targets   all targets read   = verdict
records   -                 -                  = trusted
empty     none              yes                = a new hub
empty     none              no                 = cannot be told yet: nothing is given out
empty     some              -                  = lost: rebuilt from what is observed
rebuilt   more              -                  = a cluster that was unreadable then is added now
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import IPv4Network

from function_app.model.ledger import Record, RecordKind
from function_app.model.names import (
    FIELD_MANAGER,
    GENERATION_LABEL,
    HUB_LABEL,
    MANAGED_BY_LABEL,
    TENANT_LABEL,
    AttachmentKey,
    ClusterName,
    GenerationId,
    NamespaceName,
    TenantName,
)
from function_app.model.resources import ClusterObservation, Kind, Resource, Unreadable
from function_app.planning.cluster_resources import template_labels
from function_app.planning.generations import REBUILT_AUTHOR, rebuilt_since
from function_app.planning.in_force import is_ours
from function_app.planning.pointers import Gateways, pointer_of
from function_app.planning.situation import Situation


@dataclass(frozen=True, slots=True)
class LedgerVerdict:
    """Drafts that rebuild, whether ranges may be given out, and the words for it."""

    drafts: tuple[Record, ...]
    give_out: bool
    note: str = ""
    lost_at: datetime | None = None


def judge_ledger(situation: Situation) -> LedgerVerdict:
    """Is the ledger whole, new or lost?"""
    ledger = situation.ledger
    rebuilt = tuple(rebuilt_since(ledger))
    if ledger.records and not rebuilt:
        return LedgerVerdict((), give_out=True)
    unread = _unread(situation)
    drafts = _each_generation_once(draft for name in situation.hub.clusters for draft in _rebuilt(situation, name))
    marked = bool(drafts) or bool(rebuilt) or _shards_exist(situation)
    if not marked and situation.state.ledger_rebuilt_at is None:
        words = f"the ledger is empty and {', '.join(unread)} cannot be read: it cannot be told whether this hub is new"
        return LedgerVerdict((), give_out=not unread, note=words if unread else "")
    since = max((record.at for record in rebuilt), default=situation.state.ledger_rebuilt_at or situation.now)
    until = since + situation.quarantine
    words = f"the ledger was lost and rebuilt from what was observed; no range is given out until {until:%Y-%m-%d %H:%M} UTC"
    over = not drafts and not unread and situation.now >= until
    return LedgerVerdict(drafts, give_out=over, note="" if over else words, lost_at=since)


def _unread(situation: Situation) -> tuple[str, ...]:
    seen = situation.observations
    targets = [*seen.clusters.values(), seen.firewall, seen.route_server]
    return tuple(str(one.target) for one in targets if isinstance(one, Unreadable))


def _shards_exist(situation: Situation) -> bool:
    firewall = situation.firewall
    return firewall is not None and any(
        is_ours(situation.hub.hub.spec.firewall.shards, name) for name in firewall.groups
    )


def _rebuilt(situation: Situation, name: ClusterName) -> Iterator[Record]:
    cluster = situation.cluster(name)
    if cluster is None:
        return
    found = [
        draft
        for pool in cluster.of(Kind.IP_POOL)
        if _is_marked(situation, pool) and (draft := _reserve(situation, name, cluster, pool)) is not None
    ]
    found = list(_each_generation_once(found))
    yield from found
    generations = tuple(
        generation
        for generation in situation.ledger.with_drafts(found).live()
        if any(one.generation == generation.id for one in found)
    )
    gateways = Gateways(generations, cluster)
    for generation in generations:
        routed = tuple(
            NamespaceName(namespace.id.name)
            for namespace in cluster.of(Kind.NAMESPACE)
            if pointer_of(namespace, gateways).exact == generation.id
        )
        if routed:
            yield replace(situation.record(RecordKind.ROUTE, generation, routed), author=REBUILT_AUTHOR)


def _each_generation_once(drafts: Iterable[Record]) -> tuple[Record, ...]:
    """Labels can be copied: the first pool that bears a generation is taken for its own, any other is nobody's."""
    holders: dict[GenerationId, Record] = {}
    kept: list[Record] = []
    for draft in drafts:
        holder = holders.get(draft.generation)
        if draft.kind is RecordKind.RESERVE and holder is None:
            holders[draft.generation] = draft
            kept.append(draft)
        elif draft.kind is not RecordKind.RESERVE and holder is not None and holder.cluster == draft.cluster:
            kept.append(draft)
    return tuple(kept)


def _is_marked(situation: Situation, pool: Resource) -> bool:
    labels = pool.labels
    ours = labels.get(MANAGED_BY_LABEL) == FIELD_MANAGER and labels.get(HUB_LABEL) == situation.hub.name
    identity = GenerationId(labels.get(GENERATION_LABEL, ""))
    return ours and bool(identity) and bool(labels.get(TENANT_LABEL)) and identity not in situation.ledger.generations


def _reserve(situation: Situation, name: ClusterName, cluster: ClusterObservation, pool: Resource) -> Record | None:
    identity, tenant = GenerationId(pool.labels[GENERATION_LABEL]), TenantName(pool.labels[TENANT_LABEL])
    gateway = next(
        (one for one in cluster.of(Kind.EGRESS_GATEWAY) if one.labels.get(GENERATION_LABEL) == identity), None
    )
    labels = template_labels(tenant, identity)
    where = f"{tenant}-egw/{tenant}-egw" + (f"-{identity}" if pool.id.name.endswith(identity) else "")
    if gateway is not None:
        where = f"{gateway.id.namespace}/{gateway.id.name}"
        labels = dict(((gateway.spec.get("template") or {}).get("metadata") or {}).get("labels") or labels)
    try:
        cidr = IPv4Network(str(pool.spec.get("cidr", "")))
    except ValueError:
        return None
    key = AttachmentKey(tenant, name)
    return Record(
        seq=0,
        epoch=0,
        at=situation.now,
        kind=RecordKind.RESERVE,
        tenant=key.tenant,
        cluster=key.cluster,
        generation=identity,
        range=cidr,
        namespaces=(),
        commit=situation.hub.commit,
        author=REBUILT_AUTHOR,
        gateway=where,
        pool=pool.id.name,
        labels=labels,
    )
