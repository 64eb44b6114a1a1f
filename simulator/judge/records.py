"""Records of ours that reached the ledger, judged by the world at that moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from function_app.model.ledger import Generation, Holding, Ledger, Record, RecordKind, fold
from function_app.model.names import ALWAYS_RESERVED_NAMESPACES, TENANT_LABEL
from function_app.model.state import Decision, DecisionKind
from simulator.judge.asking import Asked, MayAdopt
from simulator.judge.cluster_writes import Finding
from simulator.judge.truth import occupants, remains
from simulator.judge.violations import Invariant
from simulator.model.bgp.prefixes import Prefix
from simulator.model.bgp.views import spec_of
from simulator.model.trees import labels_of, name_of
from simulator.model.world import World

REBUILT = "rebuilt from what was observed"


class RecordJudge:
    """Judges appended records. `touched` says that somebody else has acted since the pass began to read."""

    def __init__(self, world: World, hub: str, may_adopt: MayAdopt) -> None:
        self._world = world
        self._hub = hub
        self._may_adopt = may_adopt

    def appended(
        self,
        before: Sequence[Record],
        added: Sequence[Record],
        asked: Asked,
        decisions: Sequence[Decision],
        *,
        touched: bool,
    ) -> Iterator[Finding]:
        """Everything that these records break."""
        now = self._world.clock.now()
        found = [record for record in added if record.author == REBUILT]
        yield from self._removals(fold((*before, *found)), added, asked, decisions, now)
        for position, record in enumerate(added):
            standing = fold((*before, *added[:position]))
            yield from self._one(standing, record, asked, decisions, now, touched=touched)
        yield from _one_tenant_each(fold((*before, *added)))

    def _one(
        self,
        standing: Ledger,
        record: Record,
        asked: Asked,
        decisions: Sequence[Decision],
        now: datetime,
        *,
        touched: bool,
    ) -> Iterator[Finding]:
        match record.kind:
            case RecordKind.RESERVE if record.author != REBUILT:
                yield from self._reserved(standing, record, asked, now, touched=touched)
            case RecordKind.FREED if not touched and not _forgotten(decisions, str(record.cluster), now):
                left = list(remains(self._world, self._hub, standing.generations[record.generation]))
                if left:
                    yield Invariant.RANGES, f"{record.range} of {record.tenant} was freed while there is {left[0]}"
            case RecordKind.LEAVE | RecordKind.UNROUTE if str(record.tenant) in asked.unparsable:
                kept = asked.defines(str(record.tenant), str(record.cluster))
                if not kept and not _forgotten(decisions, str(record.cluster), now) and _takes(standing, record, asked):
                    yield Invariant.DOUBT, f"{record.tenant}'s file cannot be parsed and it was taken for removed"
            case RecordKind.ROUTE:
                reserved = [str(name) for name in record.namespaces if name in ALWAYS_RESERVED_NAMESPACES]
                if reserved:
                    yield Invariant.FOREIGN, f"reserved namespace {reserved[0]} was routed to {record.tenant}"
            case _:
                return

    def _reserved(
        self, standing: Ledger, record: Record, asked: Asked, now: datetime, *, touched: bool
    ) -> Iterator[Finding]:
        if record.generation in standing.generations:
            return
        hub = next(iter(asked.tree.definitions.hubs.values()))
        quarantine = timedelta(hours=hub.spec.limits.quarantine_hours)
        for other in standing.generations.values():
            if not other.range.overlaps(record.range) or other.holding is Holding.ENDED:
                continue
            own = other.key.tenant == record.tenant and other.range == record.range
            if other.live:
                yield (
                    Invariant.RANGES,
                    f"{record.range} was given to {record.tenant} while {other.key} holds {other.range}",
                )
            elif not own and other.freed_at is not None and now < other.freed_at + quarantine:
                yield (
                    Invariant.RANGES,
                    f"{record.range} was given to {record.tenant} in the quarantine of {other.key}",
                )
        if not touched and not self._may_adopt(str(record.cluster), "IPPool", self._pool_on(record)):
            yield from self._strangers(record)

    def _pool_on(self, record: Record) -> str:
        """The pool that has exactly the range, which a definition may ask to take over."""
        pools = self._world.clusters[record.cluster].api.objects("IPPool")
        return next((name_of(pool) for pool in pools if spec_of(pool)["cidr"] == str(record.range)), "")

    def _strangers(self, record: Record) -> Iterator[Finding]:
        """Anything of somebody else inside a range that is given out."""
        span = Prefix.parse(str(record.range))
        for name, cluster in self._world.clusters.items():
            for pool in cluster.api.objects("IPPool"):
                other = Prefix.parse(str(spec_of(pool)["cidr"]))
                theirs = labels_of(pool).get(TENANT_LABEL) != record.tenant
                if theirs and (other.covers(span) or span.covers(other)):
                    yield (
                        Invariant.RANGES,
                        f"{record.range} was given to {record.tenant} while pool {name_of(pool)} is on {name}",
                    )
                    return
        left = list(occupants(self._world, self._hub, self._world.clusters[record.cluster], record.range))
        own = [words for words in left if words.startswith(f"a rule of {record.tenant} ")]
        if len(left) > len(own):
            words = next(one for one in left if one not in own)
            yield Invariant.RANGES, f"{record.range} was given to {record.tenant} while there is {words}"

    def _removals(
        self,
        ledger: Ledger,
        added: Sequence[Record],
        asked: Asked,
        decisions: Sequence[Decision],
        now: datetime,
    ) -> Iterator[Finding]:
        """An attachment goes with the last of its generations; one that drained after a renumbering may go before.

        A hub holds what its ledger says, and after a loss what these very records say anew of what was found standing: without
        that its share would be one of too little, and one of nothing when a removal begins in the pass that rebuilds.
        """
        held = {one.id: one.key for one in ledger.live() if one.holding is Holding.HELD}
        leaving = [record for record in added if record.kind is RecordKind.LEAVE]
        staying = {key for one, key in held.items() if one not in {record.generation for record in leaving}}
        going = {
            (record.tenant, record.cluster)
            for record in leaving
            if (record.tenant, record.cluster) not in {(key.tenant, key.cluster) for key in staying}
            and not asked.defines(str(record.tenant), str(record.cluster))
            and not _forgotten(decisions, str(record.cluster), now)
        }
        if not going or any(one.kind is DecisionKind.WAIVER for one in decisions):
            return
        limits = next(iter(asked.tree.definitions.hubs.values())).spec.limits
        whole = len({*held.values()})
        everything = len(going) == whole >= 2
        many = len(going) > limits.removals and len(going) * 100 > whole * limits.removals_percent
        if everything or many:
            yield Invariant.LIMITS, f"the removal of {len(going)} of {whole} attachments began without a waiver"
        if asked.tree.doubt:
            yield Invariant.DOUBT, "a removal began while the tree is in doubt"


def _takes(standing: Ledger, record: Record, asked: Asked) -> bool:
    """Whether it takes anything from a tenant in doubt.

    Not when every namespace that it is about is claimed by somebody: it passes to him. Nor from a generation that leaves
    already: its removal was judged when it began, and since its rules go whatever becomes of the file, a namespace that stayed
    would be denied everything.
    """
    if record.kind is RecordKind.UNROUTE and standing.generations[record.generation].holding is Holding.LEAVING:
        return False
    claimed = (asked.claimant(str(record.cluster), str(one)) for one in record.namespaces)
    return not record.namespaces or not all(claimed)


def _one_tenant_each(ledger: Ledger) -> Iterator[Finding]:
    """A namespace is recorded for one tenant at most."""
    routed: dict[tuple[str, str], Generation] = {}
    for one in ledger.live():
        for name in one.routed:
            other = routed.setdefault((str(one.key.cluster), str(name)), one)
            if other.key.tenant != one.key.tenant:
                yield (
                    Invariant.FOREIGN,
                    f"namespace {name} on {one.key.cluster} is recorded for {other.key.tenant} and {one.key.tenant}",
                )


def _forgotten(decisions: Sequence[Decision], cluster: str, now: datetime) -> bool:
    """Somebody said that the cluster is gone for good: what was held there ends by that word, whatever any file says."""
    return any(
        one.kind is DecisionKind.FORGET and one.subject == cluster and (one.expires is None or one.expires > now)
        for one in decisions
    )
