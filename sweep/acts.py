"""The history that is played: what somebody does in each act, and what must be so when the service has come to rest."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from search.worlds import SITES, Place, TenantFile
from serve.workers import Worker
from simulator.model.packets import Verdict
from sweep.play import CLUSTER, SECRET, Lost, Play, platform

NAMESPACE = "alpha"
ALLOWED, REVOKED = SITES[1], SITES[2]
TENANT = TenantFile("t0", (Place(CLUSTER, 0, (NAMESPACE,)),), sites=(ALLOWED, REVOKED), service=True)


@dataclass(frozen=True, slots=True)
class Act:
    """`happens` may be cut short by the service's death and then tries again; `holds` raises Lost."""

    name: str
    happens: Callable[[Play], None]
    holds: Callable[[Play], None]


def play(acts: Sequence[Act], on: Play) -> None:
    """Acts one after the other, each to its rest; raises Lost."""
    for act in acts:
        on.act(act.name)
        try:
            act.happens(on)
            on.settle()
            act.holds(on)
            _quiet(on)
        except Lost as problem:
            raise Lost(f"{act.name}: {problem}") from None


def _quiet(on: Play) -> None:
    """Another pass finds nothing to write."""
    before = on.target_writes
    on.tick()
    on.settle()
    if on.target_writes != before:
        raise Lost(f"the pass after the last one still made {on.target_writes - before} writes")


def _pushed(on: Play) -> None:
    on.insist(_delivered(str(on.settings["EGRESS_REPOSITORY"])))


def _delivered(repository: str) -> Callable[[Worker], bool]:
    body = json.dumps({"repository": repository, "ref": "refs/heads/main", "by": "dana"}).encode()
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", "x-egress-signature": signature}

    def deliver(worker: Worker) -> bool:
        answer = worker.http("webhook", "POST", headers=headers, body=body, route={"provider": "generic"})
        return answer.status == 202

    return deliver


def _told(function: str, **asked: str) -> Callable[[Worker], bool]:
    def tell(worker: Worker) -> bool:
        return worker.http(function, "POST", body=json.dumps(asked).encode()).status in (200, 202)

    return tell


def _begins(on: Play) -> None:
    on.commit(platform())
    on.tick()


def _tenant(on: Play) -> None:
    on.commit({"tenants/t0.yaml": TENANT.text()})
    _pushed(on)


def _revokes(on: Play) -> None:
    fewer = TenantFile(TENANT.name, TENANT.places, sites=(ALLOWED,), service=True)
    on.commit({"tenants/t0.yaml": fewer.text()})
    _pushed(on)


def _blocks(on: Play) -> None:
    on.insist(_told("block", tenant="t0", reason="the sweep", **{"for": "4h"}))


def _unblocks(on: Play) -> None:
    on.insist(_told("unblock", tenant="t0", reason="the sweep"))


def _removes(on: Play) -> None:
    on.commit({"tenants/t0.yaml": None})
    _pushed(on)


def _nothing_yet(on: Play) -> None:
    _converged(on)


def _routed(*, revoked: bool) -> Callable[[Play], None]:
    def holds(on: Play) -> None:
        _converged(on)
        is_reached(on, ALLOWED, allowed=True)
        is_reached(on, REVOKED, allowed=not revoked)

    return holds


def _denied(on: Play) -> None:
    is_reached(on, ALLOWED, allowed=False)


def _gone(on: Play) -> None:
    packet = on.packet(NAMESPACE, f"https://{ALLOWED}")
    if packet.tenant or packet.source.startswith("10.99."):
        raise Lost(f"a packet still leaves as {packet.source}")
    live = on.judge.books.live()
    if live:
        raise Lost(f"{live[0].range} is still held")


def _converged(on: Play) -> None:
    if not on.status().get("converged"):
        raise Lost(f"at rest without having converged: {on.status()}")


def is_reached(on: Play, site: str, *, allowed: bool) -> None:
    """The tenant's pods leave as the tenant, and reach a site or not; raises Lost."""
    packet = on.packet(NAMESPACE, f"https://{site}")
    if (packet.verdict is Verdict.ALLOWED) is not allowed or not packet.source.startswith("10.99.0."):
        raise Lost(f"{site} is {packet.verdict} as {packet.source}: {packet.reason}")


ACTS = (
    Act("the platform", _begins, _nothing_yet),
    Act("a tenant comes", _tenant, _routed(revoked=False)),
    Act("a rule is revoked", _revokes, _routed(revoked=True)),
    Act("the tenant is blocked", _blocks, _denied),
    Act("the block is lifted", _unblocks, _routed(revoked=True)),
    Act("the tenant leaves", _removes, _gone),
)
