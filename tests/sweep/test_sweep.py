"""Real processes killed, stopped, doubled, on real storage: what `make sweep` does at length, in small."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from search.worlds import Place, TenantFile
from simulator.model.packets import Verdict
from sweep.acts import ACTS, ALLOWED, NAMESPACE, is_reached, play
from sweep.beside import MESSAGE, SHARD_PUT, at_once, stopped_past_its_lease
from sweep.comb import dealt, numbered, played
from sweep.play import CLUSTER, Ground, Play, Turn
from sweep.victim import Call

PLATFORM, COMES = Turn("the platform", 1), Turn("a tenant comes", 2)
"""The first pass of each act."""
HUB_BLOBS = "/egressdesk/CONTAINER/hubs/hub1"
FATES = {
    Turn("the platform", 0): frozenset({Call("body of PUT /egressdesk/CONTAINER/hubs/hub1/intent.json")}),
    PLATFORM: frozenset(
        {Call("git fetch"), Call(f"PUT {HUB_BLOBS}/lease", 2), Call(f"body of PUT {HUB_BLOBS}/state.json")}
    ),
    COMES: frozenset(
        {SHARD_PUT, Call(f"body of PUT {HUB_BLOBS}/ledger/2026-11.jsonl"), Call(f"PUT {HUB_BLOBS}/status.json")}
    ),
}


def test_killed_again_and_again_a_tenant_is_routed_all_the_same(ground: Ground) -> None:
    """Three workers die of one pass, each elsewhere: every invariant holds at every call, and it ends where nobody died."""
    ended = played(ground, 2, FATES)

    assert not ended.problem, ended.problem
    assert {(turn, call) for turn, calls in FATES.items() for call in calls} == set(ended.deaths)


def test_no_call_of_the_history_is_left_out() -> None:
    """Dealt out, each call is in one playing, and each playing has some of a long turn's."""
    turns = {PLATFORM: ["GET a", "GET b", "GET a", "PUT a", "GET a"], COMES: ["GET a", "PUT a"]}
    places = [(turn, call) for turn, calls in turns.items() for call in numbered(calls)]
    hands = dealt(places, 3)

    assert len(set(places)) == 7
    assert sorted(places) == sorted((turn, call) for hand in hands for turn, calls in hand.items() for call in calls)
    assert [2, 2, 1] == [len(hand[PLATFORM]) for hand in hands]


@pytest.mark.parametrize(("instances", "ahead_seconds"), [(2, 3600.0), (4, 0.0)])
def test_several_instances_at_once_end_as_one_would(on: Play, instances: int, ahead_seconds: float) -> None:
    """All get each message; one makes the pass and the others go home, also with a clock that is an hour wrong."""
    at_once(on, instances, ahead_seconds=ahead_seconds)


def test_a_rule_that_was_revoked_meanwhile_does_not_come_back_to_stay(on: Play) -> None:
    """Stopped with the PUT on its lips, it goes on after its lease: what lands stale is drift, and undone."""
    stopped_past_its_lease(on)


def test_storage_goes_away_and_comes_back(on: Play, ground: Ground) -> None:
    """Nothing is promised meanwhile: the webhook answers 503, the message stays; afterwards it is served."""
    play(ACTS[:1], on)
    on.ask()
    ground.azurite.stop()
    refused = on.worker.http("resync", "POST", body=b'{"hub": "hub1"}')
    failed = on.worker.invoke("passes", queue=MESSAGE)
    ground.azurite.start()

    assert 503 == refused.status
    assert not failed["succeeded"]
    assert on.messages()
    play(ACTS[1:2], on)


def deleted(content: bytes) -> bytes | None:
    """Not there any more."""
    del content
    return None


def truncated(content: bytes) -> bytes | None:
    """Half of it."""
    return content[: len(content) // 2]


def from_a_newer_release(content: bytes) -> bytes | None:
    """Of a schema that nobody here knows."""
    return json.dumps({**json.loads(content), "schema": 99}).encode()


def test_records_that_are_lost_or_damaged_are_made_anew(on: Play) -> None:
    """Whatever becomes of the small ones, the tenant's packets go on and the hub converges."""
    play(ACTS[:2], on)
    damages: tuple[Callable[[bytes], bytes | None], ...] = (deleted, truncated, from_a_newer_release)
    for name in ("state.json", "status.json", "history.json"):
        for damage in damages:
            blob = on.blob(name)
            content = damage(blob.download_blob().readall())
            if content is None:
                blob.delete_blob()
            else:
                blob.upload_blob(content, overwrite=True)
            on.tick()
            on.settle()
            is_reached(on, ALLOWED, allowed=True)
            assert on.status()["converged"], (name, damage.__name__)


def test_a_ledger_of_a_newer_release_stops_what_needs_it(on: Play) -> None:
    """It is left as it is, no range is given out, the tenant's packets go on; put back, everything does."""
    play(ACTS[:2], on)
    blob = on.blob("ledger/head.json")
    before = blob.download_blob().readall()
    blob.upload_blob(from_a_newer_release(before) or b"", overwrite=True)
    on.commit({"tenants/t1.yaml": TenantFile("t1", (Place(CLUSTER, 1, ("beta",)),)).text()})
    on.ask()
    made = on.worker.invoke("passes", queue=MESSAGE)

    assert made["succeeded"]
    assert ["ledger-unreadable"] == [each["code"] for each in on.status()["refused"]]
    assert 99 == json.loads(blob.download_blob().readall())["schema"]
    assert on.packet(NAMESPACE, f"https://{ALLOWED}").verdict is Verdict.ALLOWED

    blob.upload_blob(before, overwrite=True)
    on.tick()
    on.settle()

    assert on.status()["converged"]
    assert {"t0", "t1"} == {row["tenant"] for row in on.status()["attachments"]}
