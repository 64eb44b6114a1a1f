"""Several instances of the service over one hub, and one that comes back after its lease."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

from search.worlds import HUB, TenantFile
from serve.workers import Worker, WorkerDied
from sweep.acts import ACTS, ALLOWED, REVOKED, TENANT, is_reached, play
from sweep.play import NAME, Lost, Play
from sweep.victim import Call, Fate

MESSAGE = json.dumps({"hub": HUB})
_POLICY = "/subscriptions/ID/resourceGroups/hub/providers/Microsoft.Network/firewallPolicies/tenants"
SHARD_PUT = Call(f"PUT {_POLICY}/ruleCollectionGroups/egress-000")
_LONGEST_SECONDS = 60.0
_FEWER = TenantFile(TENANT.name, TENANT.places, sites=(ALLOWED,), service=True)


def at_once(on: Play, instances: int, *, ahead_seconds: float = 0.0) -> None:
    """A tenant comes, a rule is revoked: each message is handed to all instances at the same moment.

    With `ahead_seconds` the clock of every second one is wrong by so much. Raises Lost.
    """
    play(ACTS[:1], on)
    with ExitStack() as closing:
        wrong = [ahead_seconds if number % 2 else 0.0 for number in range(instances)]
        workers = [closing.enter_context(on.another(ahead_seconds=ahead)) for ahead in wrong]
        for file, revoked in ((TENANT, False), (_FEWER, True)):
            on.commit({"tenants/t0.yaml": file.text()})
            on.ask()
            _settle_with(on, workers)
            is_reached(on, ALLOWED, allowed=True)
            is_reached(on, REVOKED, allowed=not revoked)


def stopped_past_its_lease(on: Play, *, lease_seconds: float = 0.0) -> None:
    """One instance is stopped with a PUT of the firewall on its lips, its lease ends, a revocation is made, it goes on.

    With `lease_seconds` the lease is left to run out by itself in so much time, else it is broken: then the late instance does
    not even know. What it permitted does not come back to stay. Raises Lost.
    """
    play(ACTS[:1], on)
    with on.another() as late:
        on.commit({"tenants/t0.yaml": TENANT.text()})
        on.ask()
        late.meet(Fate(frozenset({SHARD_PUT}), by=signal.SIGSTOP))
        answer = late.begin("passes", queue=MESSAGE)
        _until_stopped(late)
        if lease_seconds:
            sleep(lease_seconds)
        else:
            on.free_lease()
        on.commit({"tenants/t0.yaml": _FEWER.text()})
        on.ask()
        on.show()
        on.settle()
        is_reached(on, REVOKED, allowed=False)
        before = on.target_writes
        os.kill(late.pid, signal.SIGCONT)
        try:
            answer.result(_LONGEST_SECONDS)
        except WorkerDied as problem:
            raise Lost(f"the late instance died: {problem}") from None
        if on.target_writes == before:
            raise Lost("the late write never arrived, so that nothing is shown")
    on.tick()
    on.settle()
    on.tick()
    on.settle()
    is_reached(on, ALLOWED, allowed=True)
    is_reached(on, REVOKED, allowed=False)


def _settle_with(on: Play, workers: Sequence[Worker]) -> None:
    """As `Play.settle`, with all instances at once."""
    for _ in range(60):
        running = [worker.begin("passes", queue=MESSAGE) for worker in workers]
        for each in running:
            done = each.result(_LONGEST_SECONDS)
            if not done["succeeded"]:
                raise Lost(f"an instance failed: {done['problem']}")
        asked = on.parts.intents.read(NAME)
        if not asked.pending and asked.look_again_at is None:
            return
        if not on.messages():
            raise Lost("no message is left, and something is due")
        if asked.look_again_at is not None:
            on.pass_time_until(asked.look_again_at)
    raise Lost(f"no rest: {on.status().get('attachments')}")


def _until_stopped(worker: Worker) -> None:
    end = monotonic() + _LONGEST_SECONDS
    while monotonic() < end:
        state = Path(f"/proc/{worker.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        if state == "T":
            return
        sleep(0.02)
    raise Lost("the instance never came to write the firewall")
