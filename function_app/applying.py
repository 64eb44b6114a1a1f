"""Carrying out a plan: targets in parallel, one target in the order of its ranks, results in order.

Within a rank several tenants' writes are under way at once (a bounded number); firewall and Route Server are
written strictly in sequence. A failure that says to wait stops the target: what is under way ends, nothing further is begun.

Nothing is decided here but whether a change may still be made: the lease is ours, what it needs was done, the evidence is
fresh, the group is as it was read. Ledger records are appended before the write that makes them true.

A target is written until the plan wants to look again and no longer; what is left then is for the next pass. So a target that
takes seconds for each write keeps the others waiting for one write at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from math import inf
from threading import Lock
from time import monotonic
from urllib.parse import urlsplit

from function_app.gathering import Patience, at_once
from function_app.measuring import carried, result, span
from function_app.model.errors import LeaseLost, NotFound, StateError, TargetError, TargetRejected, TargetUnavailable
from function_app.model.ledger import Ledger, Record
from function_app.model.names import TargetName
from function_app.model.plan import (
    Apply,
    Change,
    ChangeReason,
    Delete,
    DeleteConnection,
    DeleteGroup,
    MergePatch,
    Plan,
    PutConnection,
    PutGroup,
    Verb,
)
from function_app.model.report import Outcome, Result
from function_app.model.resources import Body, FirewallObservation, ResourceId
from function_app.ports import ClusterApi, FirewallApi, HubPorts, Lease, RouteServerApi
from function_app.side_by_side import Each

EVIDENCE_AGE = timedelta(seconds=60)


class _Books:
    """Appends to the ledger from several threads, giving each record its number."""

    def __init__(self, ports: HubPorts, ledger: Ledger, epoch: int) -> None:
        self._store = ports.ledger
        self._ledger = ledger
        self._epoch = epoch
        self._lock = Lock()

    def append(self, drafts: Sequence[Record]) -> None:
        if not drafts:
            return
        with self._lock:
            records = self._ledger.stamped(drafts, self._epoch)
            self._store.append(records)
            self._ledger = self._ledger.with_drafts(drafts)


def apply_plan(
    plan: Plan,
    ports: HubPorts,
    lease: Lease,
    ledger: Ledger,
    firewall: FirewallObservation | None,
    patience: Patience,
    *,
    done: frozenset[tuple[TargetName, ResourceId]] = frozenset(),
    until: float = inf,
) -> tuple[Outcome, ...]:
    """Carry out what is ready, but for resources that this pass has already `done`; raises StateError without a ledger.

    No write is begun after `until`, in seconds of time.monotonic.
    """
    books = _Books(ports, ledger, lease.epoch)
    if plan.records:
        lease.check()
        books.append(plan.records)
    ready: dict[TargetName, list[Change]] = {}
    for change in plan.ready:
        if (change.target, change.resource) not in done:
            ready.setdefault(change.target, []).append(change)
    tasks = {
        target: _Course(ports, lease, books, firewall, until, patience.writing).task(changes)
        for target, changes in ready.items()
    }
    results = at_once(tasks, patience)
    by_change = {id(outcome.change): outcome for outcomes in results.values() for outcome in outcomes}
    return tuple(by_change[id(change)] for change in plan.ready if id(change) in by_change)


@dataclass
class _Course:
    """The writes to one target: what failed so far, and why no further one is begun."""

    ports: HubPorts
    lease: Lease
    books: _Books
    firewall: FirewallObservation | None
    until: float
    each: Each
    failed: set[ResourceId] = field(default_factory=set)
    stopped: str = ""

    def task(self, changes: Sequence[Change]) -> Callable[[], tuple[Outcome, ...]]:
        """All of them, group by group; within a group several at once."""
        made = carried(self._made)
        return lambda: tuple(outcome for group in _groups(changes) for outcome in self.each(made, group))

    def _made(self, change: Change) -> Outcome:
        if not self.stopped and monotonic() > self.until:
            self.stopped = (
                f"{change.target} takes its time and the others want to be looked at; the next pass goes on here"
            )
        if self.stopped or change.needs & self.failed:
            words = self.stopped or f"{', '.join(map(str, sorted(change.needs & self.failed)))} was not written"
            outcome = Outcome(change, Result.SKIPPED, words)
        else:
            with span("write", target=change.target, resource=str(change.resource), verb=change.verb.value):
                outcome = _carry_out(change, self.ports, self.lease, self.books, self.firewall)
                result("outcome", outcome.result.value)
            if outcome.result is Result.FAILED and outcome.retry_after is not None:
                self.stopped = f"{change.target} is not answering"
        if outcome.result in (Result.FAILED, Result.SKIPPED, Result.PENDING):
            self.failed.add(change.resource)
        return outcome


def _groups(changes: Sequence[Change]) -> Iterator[tuple[Change, ...]]:
    """Neighbours that may be made at once: of one rank, each another resource, none needing another."""
    group: list[Change] = []
    resources: set[ResourceId] = set()
    for change in changes:
        beside = bool(group) and change.rank is not None and change.rank == group[-1].rank
        if group and (not beside or change.resource in resources or change.needs & resources):
            yield tuple(group)
            group, resources = [], set()
        group.append(change)
        resources.add(change.resource)
    if group:
        yield tuple(group)


def _carry_out(
    change: Change, ports: HubPorts, lease: Lease, books: _Books, firewall: FirewallObservation | None
) -> Outcome:
    try:
        lease.check()
        if change.evidence_at is not None and ports.clock.now() - change.evidence_at > EVIDENCE_AGE:
            return Outcome(change, Result.SKIPPED, "what it relies on was read more than 60 s ago")
        if isinstance(change.write, PutGroup | DeleteGroup) and (stale := _stale(change, ports.firewall, firewall)):
            return Outcome(change, Result.PENDING, stale)
        books.append(change.records)
        operation = _write(change, ports)
    except LeaseLost as problem:
        return Outcome(change, Result.SKIPPED, str(problem))
    except StateError as problem:
        return Outcome(change, Result.FAILED, f"the ledger could not be written: {problem}")
    except TargetUnavailable as problem:
        return Outcome(change, Result.FAILED, str(problem), retry_after=problem.retry_after or 0.0)
    except (TargetRejected, TargetError) as problem:
        return Outcome(change, Result.FAILED, str(problem))
    return Outcome(change, _result(change), operation=operation)


def _stale(change: Change, api: FirewallApi, seen: FirewallObservation | None) -> str:
    """Azure has no guard on a PUT, so the policy and the group are read again directly before it."""
    policy = api.policy()
    if (policy.get("properties") or {}).get("provisioningState") in ("Updating", "Creating", "Deleting"):
        return "the firewall policy is being written by somebody else"
    now = {str(body.get("name", "")): body for body in api.groups()}.get(change.resource.name)
    before = seen.groups.get(change.resource.name) if seen is not None else None
    return "" if _etag(now) == _etag(before) else "the shard was changed by somebody else since it was read"


def _etag(body: Body | None) -> object:
    if body is None:
        return None
    return body.get("etag") or dict(body)


def _write(change: Change, ports: HubPorts) -> str:
    """Carry it out; the id of the operation that goes on, empty when none does."""
    kind, _, name = change.target.partition("/")
    if kind == "cluster":
        _write_cluster(change, ports.clusters[name])
        return ""
    url = (
        _write_firewall(change, ports.firewall)
        if kind == "firewall"
        else _write_route_server(change, ports.route_server)
    )
    # Its query bears a signature; the path ends with the id.
    return urlsplit(url).path.rpartition("/")[2]


def _write_cluster(change: Change, api: ClusterApi) -> None:
    match change.write:
        case Apply(body, force, version):
            api.apply(change.resource, body, force=force, resource_version=version)
        case MergePatch(body, version):
            api.merge_patch(change.resource, body, resource_version=version)
        case Delete(uid, version):
            with suppress(NotFound):
                api.delete(change.resource, uid=uid, resource_version=version)
        case _:
            raise TargetRejected(f"{change.resource} cannot be written to a cluster in this way")


def _write_firewall(change: Change, api: FirewallApi) -> str:
    match change.write:
        case PutGroup(body):
            return api.put_group(change.resource.name, body)
        case DeleteGroup():
            return api.delete_group(change.resource.name)
        case _:
            raise TargetRejected(f"{change.resource} cannot be written to a firewall policy in this way")


def _write_route_server(change: Change, api: RouteServerApi) -> str:
    match change.write:
        case PutConnection(peer_ip, peer_asn):
            return api.put_connection(change.resource.name, peer_ip=peer_ip, peer_asn=peer_asn)
        case DeleteConnection():
            return api.delete_connection(change.resource.name)
        case _:
            raise TargetRejected(f"{change.resource} cannot be written to a Route Server in this way")


def _result(change: Change) -> Result:
    if isinstance(change.write, PutGroup | DeleteGroup | PutConnection | DeleteConnection):
        return Result.STARTED
    if change.reason is ChangeReason.ADOPTED:
        return Result.ADOPTED
    return {Verb.CREATE: Result.CREATED, Verb.UPDATE: Result.UPDATED, Verb.DELETE: Result.DELETED}[change.verb]
