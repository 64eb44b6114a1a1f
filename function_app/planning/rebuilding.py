"""A lost ledger is rebuilt from what bears our marks; until one quarantine has passed nothing new is given out.

ledger    ours on targets   all targets read   = verdict
records   -                 -                  = trusted
empty     none              yes                = a new hub
empty     none              no                 = cannot be told yet: nothing is given out
empty     some              -                  = lost: rebuilt from what is observed
rebuilt   more              -                  = a cluster that was unreadable then is added now

A pool tells a generation's range. Of a gateway whose pool somebody deleted its definition tells it, if all its pods bear it out.

what stands of a pool whose gateway somebody deleted    = where that gateway was, or is to be
its definition takes over the pool                      = where that says
a namespace of ours, named for the generation           = there
somebody else's namespace under the tenant's plain name = in one named for the generation, as one made now would be
none of these                                           = under the tenant's plain name
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
from function_app.model.resources import ClusterObservation, Kind, Resource, Unreadable, network_of
from function_app.model.tree import DefinedAttachment
from function_app.planning.cluster_resources import home_apart, later_names, plain_names, template_labels
from function_app.planning.generations import REBUILT_AUTHOR, rebuilt_since
from function_app.planning.in_force import is_ours
from function_app.planning.ownership import ours
from function_app.planning.pointers import Gateways, pointer_of
from function_app.planning.situation import Situation
from function_app.planning.stages import pod_address


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


def may_be_in_use(situation: Situation) -> bool:
    """Whether passes over this hub may have given something before: it is not known to be new."""
    return bool(situation.ledger.records or judge_ledger(situation).note)


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
        _reserve(situation, name, bearer, standing)
        for bearer in (*cluster.of(Kind.IP_POOL), *cluster.of(Kind.EGRESS_GATEWAY))
        if _is_marked(situation, bearer) and (standing := _standing(situation, name, cluster, bearer)) is not None
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
    """Labels can be copied: the first that bears a generation, pools before gateways, speaks for it, any other for nobody."""
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


def _is_marked(situation: Situation, bearer: Resource) -> bool:
    labels = bearer.labels
    ours = labels.get(MANAGED_BY_LABEL) == FIELD_MANAGER and labels.get(HUB_LABEL) == situation.hub.name
    identity = GenerationId(labels.get(GENERATION_LABEL, ""))
    return ours and bool(identity) and bool(labels.get(TENANT_LABEL)) and identity not in situation.ledger.generations


@dataclass(frozen=True, slots=True)
class _Standing:
    """A generation as it stands on a cluster; `gateway` is NAMESPACE/NAME."""

    range: IPv4Network
    pool: str
    gateway: str
    labels: Mapping[str, str]


def _standing(
    situation: Situation, name: ClusterName, cluster: ClusterObservation, bearer: Resource
) -> _Standing | None:
    """What a marked pool or gateway tells, None when the range is not among it."""
    identity, tenant = GenerationId(bearer.labels[GENERATION_LABEL]), TenantName(bearer.labels[TENANT_LABEL])
    plain = template_labels(tenant, identity)
    if bearer.id.kind is Kind.EGRESS_GATEWAY:
        return _without_pool(situation.hub.attachments.get(AttachmentKey(tenant, name)), cluster, bearer, plain)
    cidr, pool = network_of(str(bearer.spec.get("cidr", ""))), bearer.id.name
    if cidr is None:
        return None
    gateways = (one for one in cluster.of(Kind.EGRESS_GATEWAY) if one.labels.get(GENERATION_LABEL) == identity)
    gateway = next(gateways, None)
    if gateway is None:
        return _without_gateway(situation, name, cluster, bearer, _Standing(cidr, pool, "", plain))
    return _Standing(cidr, pool, _where(gateway), _pod_labels(gateway) or plain)


def _without_pool(
    defined: DefinedAttachment | None, cluster: ClusterObservation, gateway: Resource, plain: Mapping[str, str]
) -> _Standing | None:
    """A gateway whose pool is gone holds the defined range if that is where all its pods have their addresses from."""
    pool = next((str(one.get("name", "")) for one in gateway.spec.get("ipPools") or ()), "")
    labels = _pod_labels(gateway) or plain
    pods = (pod for pod in cluster.within(Kind.POD, gateway.id.namespace) if labels.items() <= pod.labels.items())
    addresses = [address for pod in pods if (address := pod_address(pod)) is not None]
    if defined is None or not pool or cluster.get(Kind.IP_POOL, pool) is not None or not addresses:
        return None
    if any(address not in defined.range for address in addresses):
        return None
    return _Standing(defined.range, pool, _where(gateway), labels)


def _without_gateway(
    situation: Situation, name: ClusterName, cluster: ClusterObservation, pool: Resource, standing: _Standing
) -> _Standing:
    """A pool whose gateway is gone: where that was, or one is to be made again."""
    identity, tenant = GenerationId(pool.labels[GENERATION_LABEL]), TenantName(pool.labels[TENANT_LABEL])
    defined = situation.hub.attachments.get(AttachmentKey(tenant, name))
    adopt = defined.attachment.adopt if defined is not None else None
    if adopt is not None and adopt.pool == pool.id.name:
        return replace(standing, gateway="/".join(adopt.names[:2]), labels=dict(adopt.labels))
    later = pool.id.name.endswith(identity)
    namespace, gateway, _ = later_names(tenant, identity) if later else plain_names(tenant)
    apart = home_apart(tenant, identity)
    homes = {home: cluster.get(Kind.NAMESPACE, home) for home in (apart, namespace)}
    is_mine = {home: ours(found, situation.hub.name, ()) for home, found in homes.items() if found is not None}
    if is_mine.get(apart, False) or not is_mine.get(namespace, True):
        namespace = apart
    return replace(standing, gateway=f"{namespace}/{gateway}")


def _where(gateway: Resource) -> str:
    return f"{gateway.id.namespace}/{gateway.id.name}"


def _pod_labels(gateway: Resource) -> dict[str, str]:
    return dict(((gateway.spec.get("template") or {}).get("metadata") or {}).get("labels") or {})


def _reserve(situation: Situation, name: ClusterName, bearer: Resource, standing: _Standing) -> Record:
    return Record(
        seq=0,
        epoch=0,
        at=situation.now,
        kind=RecordKind.RESERVE,
        tenant=TenantName(bearer.labels[TENANT_LABEL]),
        cluster=name,
        generation=GenerationId(bearer.labels[GENERATION_LABEL]),
        range=standing.range,
        namespaces=(),
        commit=situation.hub.commit,
        author=REBUILT_AUTHOR,
        gateway=standing.gateway,
        pool=standing.pool,
        labels=standing.labels,
    )
