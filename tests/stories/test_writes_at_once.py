"""Several writes to one cluster at once: within a rank of the order table, never across two, and none after a refusal to go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Barrier, Lock

import pytest
from stories.desk import HUB, Desk

from function_app.applying import apply_plan
from function_app.gathering import Patience
from function_app.model.errors import TargetRejected, TargetUnavailable
from function_app.model.ledger import Record, fold
from function_app.model.names import TargetName, cluster_target
from function_app.model.plan import Change, MergePatch, Plan, Verb
from function_app.model.report import Outcome, Result
from function_app.model.resources import ApiMode, Body, Kind, ResourceId
from function_app.planning.order import POINTING, RANK, ordered
from function_app.reconcile import preview
from simulator.memory import MemoryLedger

SPOKE = "spoke2-aks"
TENANTS = 12
_TARGET = cluster_target(SPOKE)
AT_ONCE = Patience(writes=4)
TOGETHER_SECONDS = 20.0
"""So long a write waits for the others that are to be under way with it; only a failing test waits."""


@dataclass
class Cluster:
    """A cluster that notes which writes are under way when one begins. `act` is what a write meets."""

    target: TargetName = _TARGET
    act: Callable[[ResourceId], None] = lambda _: None
    begun: list[ResourceId] = field(default_factory=list)
    beside: dict[ResourceId, set[Kind]] = field(default_factory=dict)
    most: int = 0
    _running: set[ResourceId] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def mode(self) -> ApiMode:
        """Nobody asks."""
        raise AssertionError

    def list(self, kind: Kind, *, namespace: str = "", label_selector: str = "") -> list[Body]:
        """Nobody asks."""
        raise AssertionError(kind, namespace, label_selector)

    def apply(self, resource: ResourceId, body: Body, *, force: bool, resource_version: str) -> Body:
        """One write."""
        self._written(resource)
        return {"metadata": {"uid": "u"}, "force": force, "version": resource_version, **body}

    def merge_patch(self, resource: ResourceId, body: Body, *, resource_version: str) -> Body:
        """One write."""
        return self.apply(resource, body, force=False, resource_version=resource_version)

    def delete(self, resource: ResourceId, *, uid: str, resource_version: str) -> None:
        """One write."""
        self._written(resource)
        assert uid or resource_version

    def _written(self, resource: ResourceId) -> None:
        with self._lock:
            self.begun.append(resource)
            self._running.add(resource)
            self.most = max(self.most, len(self._running))
            self.beside[resource] = {one.kind for one in self._running}
        try:
            self.act(resource)
        finally:
            with self._lock:
                self._running.discard(resource)


def _tenant(number: int) -> str:
    """One tenant with one attachment."""
    return f"""\
apiVersion: egress-gitops.io/v1alpha1
kind: Tenant
metadata:
  name: many{number:02d}
spec:
  owner: {{team: many, contact: many@example.com}}
  attachments:
    - cluster: {SPOKE}
      cidr: 10.99.1.{8 * number}/29
      namespaces: [team-{number:02d}]
"""


@pytest.fixture
def plan(desk: Desk) -> Plan:
    """What the first pass would write for a dozen tenants on one cluster."""
    desk.commit({f"tenants/many{number:02d}.yaml": _tenant(number) for number in range(TENANTS)})
    found = preview(HUB, desk.tree(), desk.ports, Patience(workers=1)).plan
    changes = tuple(one for one in found.changes if one.target == _TARGET)
    assert TENANTS <= sum(one.resource.kind is Kind.IP_POOL for one in changes), [one.message for one in found.refused]
    return replace(found, changes=changes)


def applied(desk: Desk, plan: Plan, cluster: Cluster, patience: Patience = AT_ONCE) -> tuple[Outcome, ...]:
    """Carry the plan out on that cluster."""
    lease = desk.ports.leases.acquire(HUB, "story")
    assert lease is not None
    ports = replace(desk.ports, clusters={SPOKE: cluster})
    try:
        return apply_plan(plan, ports, lease, fold(desk.ledger.records), None, patience)
    finally:
        lease.release()


def test_one_rank_is_written_at_once_and_no_more_than_allowed(desk: Desk, plan: Plan) -> None:
    """Pools wait until four of them are under way together; there are never more, and a rank ends before the next begins."""
    together = Barrier(AT_ONCE.writes)

    def act(resource: ResourceId) -> None:
        if resource.kind is Kind.IP_POOL:
            together.wait(TOGETHER_SECONDS)

    cluster = Cluster(act=act)

    outcomes = applied(desk, plan, cluster)

    assert {Result.CREATED, Result.UPDATED} >= {one.result for one in outcomes}
    assert AT_ONCE.writes == cluster.most
    assert all({one.kind} == kinds for one, kinds in cluster.beside.items())
    ranks = [RANK[one.kind] for one in cluster.begun]
    assert sorted(ranks) == ranks
    assert [one.resource for one in plan.ready] == [one.change.resource for one in outcomes]


def test_what_a_cluster_s_tenants_share_is_written_alone(plan: Plan) -> None:
    """Filter, peers, switch: none of them bears a rank, and neither does anything that is deleted."""
    shared = {one.resource.kind for one in plan.changes if one.rank is None}

    assert {Kind.BGP_FILTER, Kind.BGP_PEER} <= shared
    assert not shared & {Kind.NAMESPACE, Kind.IP_POOL, Kind.EGRESS_GATEWAY}


def test_namespaces_are_pointed_beside_each_other(plan: Plan) -> None:
    """What sends their traffic to the gateways is one rank, behind everything that is built."""
    pointing = replace(
        plan.changes[0], verb=Verb.UPDATE, resource=ResourceId(Kind.NAMESPACE, "shop"), write=MergePatch({}, "7")
    )

    *_, last = ordered((pointing, *plan.changes))

    assert (pointing.resource, POINTING) == (last.resource, last.rank)


def test_with_one_worker_everything_is_written_in_the_plan_s_order(desk: Desk, plan: Plan) -> None:
    """Searches and stories stay reproducible: one thread, one order."""
    cluster = Cluster()

    applied(desk, plan, cluster, Patience(workers=1))

    assert [one.resource for one in plan.ready] == cluster.begun
    assert 1 == cluster.most


def test_a_cluster_that_asks_to_be_left_alone_gets_no_further_write(desk: Desk, plan: Plan) -> None:
    """The first pool meets a 429: what is under way ends, and of all that follows nothing is begun."""

    def throttled(resource: ResourceId) -> None:
        if resource.kind is Kind.IP_POOL:
            raise TargetUnavailable("too many requests", status=429, retry_after=7.0)

    cluster = Cluster(act=throttled)

    outcomes = applied(desk, plan, cluster)

    tried = [one for one in cluster.begun if one.kind is Kind.IP_POOL]
    assert 1 <= len(tried) <= AT_ONCE.writes
    assert not [one for one in cluster.begun if RANK[one.kind] > RANK[Kind.IP_POOL]]
    failed = [one for one in outcomes if one.result is Result.FAILED]
    assert [7.0] * len(tried) == [one.retry_after for one in failed]
    assert {Result.SKIPPED} == {one.result for one in outcomes if one.change.resource not in cluster.begun}


def test_what_needs_a_refused_object_is_left_out_and_the_others_go_on(desk: Desk, plan: Plan) -> None:
    """One tenant's pool is refused: its gateway is not written, everybody else's is."""

    def refused(resource: ResourceId) -> None:
        if resource.name == "many03-pool":
            raise TargetRejected("no")

    cluster = Cluster(act=refused)

    applied(desk, plan, cluster)

    gateways = {one.name for one in cluster.begun if one.kind is Kind.EGRESS_GATEWAY}
    assert {f"many{number:02d}-egw" for number in range(TENANTS) if number != 3} == gateways


def test_each_record_is_in_the_ledger_before_its_write_begins(desk: Desk, plan: Plan) -> None:
    """Writes under way at once append one after the other, with numbers that leave no gap, and none runs ahead of its record."""
    seen: dict[str, set[str]] = {}
    ledger = MemoryLedger()
    pools = [one for one in plan.changes if one.resource.kind is Kind.IP_POOL]
    with_records = tuple(_recorded(one, plan) for one in pools)
    cluster = Cluster(act=lambda one: seen.update({one.name: {str(record.generation) for record in ledger.records}}))
    desk.ports = replace(desk.ports, ledger=ledger)
    desk.ledger = ledger

    outcomes = applied(desk, replace(plan, changes=ordered(with_records), records=()), cluster)

    assert {Result.CREATED} == {one.result for one in outcomes}
    for change in with_records:
        assert {str(record.generation) for record in change.records} <= seen[change.resource.name]
    assert list(range(1, len(pools) + 1)) == [record.seq for record in ledger.records]


def _recorded(change: Change, plan: Plan) -> Change:
    """The change with the record that reserves its own range."""
    tenant = change.resource.name.removesuffix("-pool")
    record: Record = next(one for one in plan.records if one.tenant == tenant)
    return replace(change, records=(record,))
