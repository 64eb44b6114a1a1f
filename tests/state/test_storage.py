"""What only a storage account does: it may be away, refuse us, and it alone decides when a lease has run out."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
from state_builders import NOON, a_record
from state_faces import HUB, LEASE, NOVEMBER, OTHER_HUB, Storage, at_once, new_parts, until

from function_app.adapters.clocks import HttpDateClock
from function_app.adapters.storage_account import StorageLimits
from function_app.adapters.storage_lease import LeaseBlobs
from function_app.adapters.storage_parts import StorageParts
from function_app.adapters.storage_state import MOST_ENTRIES
from function_app.bootstrap import assemble
from function_app.model.errors import LeaseLost, SettingsError, StateError
from function_app.model.intent import Intent, Reason
from function_app.model.ledger import RecordKind
from function_app.model.names import NamespaceName, TenantName
from function_app.model.state import Decision, DecisionKind, HubState
from function_app.model.telling import Told
from function_app.settings import Settings
from real.azurite.server import Azurite
from real.npm import Program

CALLS: tuple[tuple[str, Callable[[StorageParts], object]], ...] = (
    ("acquire", lambda parts: parts.leases.acquire(OTHER_HUB, "one")),
    ("read the ledger", lambda parts: parts.ledger(HUB).read()),
    ("append", lambda parts: parts.ledger(HUB).append([a_record(2)])),
    ("read the state", lambda parts: parts.state(HUB).read()),
    ("write the state", lambda parts: parts.state(HUB).write(HubState(), 1)),
    ("read decisions", lambda parts: parts.state(HUB).decisions()),
    ("decide", lambda parts: parts.state(HUB).decide(Decision(DecisionKind.BLOCK, "blue", "leak", "ada", NOON))),
    ("record a report", lambda parts: parts.status.record(HUB, {}, 1)),
    ("read a report", lambda parts: parts.status.latest(HUB)),
    ("add to the history", lambda parts: parts.history.add(HUB, {}, 1)),
    ("read what was told", lambda parts: parts.told.read(HUB)),
    ("record an intent", lambda parts: parts.intents.record(HUB, Intent())),
    ("read an intent", lambda parts: parts.intents.read(HUB)),
    ("send", lambda parts: parts.passes.send(HUB)),
    ("look for poison", lambda parts: parts.passes.poisoned()),
    ("list hubs", lambda parts: parts.hubs()),
)


@pytest.fixture
def moody(program: Program, tmp_path: Path) -> Azurite:
    """An Azurite of its own, to be stopped."""
    return Azurite(program, tmp_path / "azurite")


def test_a_storage_account_that_is_away_and_comes_back(moody: Azurite) -> None:
    """Stopped, every call says so in words and at once; started again, what was stored is there and everything goes on."""
    with moody as server, new_parts(server, "state") as parts:
        ledger = parts.ledger(HUB)
        ledger.append([a_record(1)])
        lease = LeaseBlobs(parts.container, elapsed=iter((0.0, 40.0, 80.0)).__next__).acquire(HUB, "one")
        assert lease is not None
        server.stop()

        for name, call in CALLS:
            started = monotonic()
            with pytest.raises(StateError, match=r"on storage/egressdesk: (no connection|the connection)") as caught:
                call(parts)
            assert monotonic() - started < 7, name
            assert not isinstance(caught.value, LeaseLost), name
        with pytest.raises(StateError, match="renew the lease of state/hubs/hub1/lease on storage/egressdesk"):
            lease.check()
        assert parts.checkpoint.read_checkpoint() is None
        parts.checkpoint.write_checkpoint("{}")

        server.start()
        lease.check()
        ledger.append([a_record(2)])
        assert [1, 2] == [record.seq for record in parts.ledger(HUB).read()]
        assert 1 == parts.intents.record(HUB, Intent())
        parts.passes.send(HUB)


def test_a_storage_account_that_does_not_answer(moody: Azurite) -> None:
    """Its ports are open and nothing comes: a call gives up after the time limit for silence, and does not ask again."""
    limits = StorageLimits(connect_seconds=1, read_seconds=0.4)
    with moody as server, new_parts(server, "state", limits) as parts:
        parts.state(HUB).write(HubState(), 1)
        server.pause()
        for call in (lambda: parts.state(HUB).read(), lambda: parts.passes.send(HUB)):
            started = monotonic()
            with pytest.raises(StateError, match="no answer within the time limit"):
                call()
            assert monotonic() - started < 2
        server.resume()
        assert HubState() == parts.state(HUB).read()


def test_time_alone_decides_about_a_lease(storage: Storage) -> None:
    """Of two leases of 15 s one is renewed: the other one goes to somebody else when its time is over, and not before."""
    leases = LeaseBlobs(storage.parts.container, seconds=15)
    began = monotonic()
    renewed, left_alone = leases.acquire(HUB, "one"), leases.acquire(OTHER_HUB, "one")
    assert renewed is not None
    assert left_alone is not None

    for _ in until(25):
        renewed.check()
        taken = leases.acquire(OTHER_HUB, "two")
        if taken is not None:
            break
    assert 14 < monotonic() - began < 20
    assert taken is not None
    assert 2 == taken.epoch
    assert leases.acquire(HUB, "two") is None
    renewed.check()
    with pytest.raises(LeaseLost, match=r"two \(epoch 2\) holds it"):
        left_alone.check()


def test_a_lease_without_its_epoch_takes_it_from_what_was_written(storage: Storage) -> None:
    """A person has put an empty blob in the place of the lease."""
    storage.parts.status.record(HUB, {}, epoch=4)
    storage.put(LEASE, b"")
    lease = storage.leases().acquire(HUB, "one")

    assert lease is not None
    assert 5 == lease.epoch


def test_holders_take_turns_and_lose_nothing(storage: Storage) -> None:
    """Three instances take and give back one hub, appending under each lease: each epoch once, each record once."""

    def contend() -> None:
        parts = new_parts(storage.server, storage.container_name)
        turns = 0
        while turns < 3:
            lease = parts.leases.acquire(HUB, "one")
            if lease is not None:
                ledger = parts.ledger(HUB)
                ledger.append([a_record(len(ledger.read()) + 1, epoch=lease.epoch)])
                lease.release()
                turns += 1
        parts.close()

    assert [None] * 3 == at_once(*[contend] * 3)
    assert list(range(1, 10)) == [record.epoch for record in storage.ledger().read()]


def test_a_refusal_says_what_to_do_and_no_secret(azurite: Azurite, tmp_path: Path) -> None:
    """A wrong key: the roles are named; neither the key nor the signature is."""
    key = b64encode(b"canary-canary-canary").decode()
    (tmp_path / "key").write_text(key)
    with StorageParts(azurite.blobs, azurite.queues, "state", tmp_path / "key") as parts:
        for name, call in CALLS:
            with pytest.raises(StateError, match=r"refuses us \(403 Auth\w+\).*Contributor") as caught:
                call(parts)
            shown = f"{caught.value!r} {caught.value.__cause__!r}"
            assert key not in shown, name
            assert "SharedKey" not in shown, name
            assert caught.value.__suppress_context__, name


@pytest.mark.parametrize("content", ["", "AccountName=a;AccountKey=canary", "canary key", "canary\xe9"])
def test_a_key_file_holds_a_key(azurite: Azurite, tmp_path: Path, content: str) -> None:
    """Anything else is refused at once, without showing it."""
    (tmp_path / "key").write_text(content, encoding="utf-8")
    with pytest.raises(StateError, match="must hold one account key in base64") as caught:
        StorageParts(azurite.blobs, azurite.queues, "state", tmp_path / "key")
    assert "canary" not in str(caught.value)
    with pytest.raises(StateError, match="cannot be read"):
        StorageParts(azurite.blobs, azurite.queues, "state", tmp_path / "none")


def test_what_was_told_is_fenced_and_can_be_lost(storage: Storage) -> None:
    """Nothing told at first, and again when it cannot be understood: then things are told twice. An older epoch writes nothing."""
    told = storage.parts.told
    assert Told() == told.read(HUB)
    told.write(HUB, Told(ledger_seq=7, restated_on=NOON.date()), epoch=3)

    assert Told(ledger_seq=7, restated_on=NOON.date()) == told.read(HUB)
    with pytest.raises(LeaseLost):
        told.write(HUB, Told(), epoch=2)
    storage.put("told.json", b"{")
    assert Told() == told.read(HUB)


def test_history_keeps_the_last_passes(storage: Storage) -> None:
    """Two hundred of them, oldest first; garbage is begun anew, an older epoch and a newer schema are refused."""
    history = storage.parts.history
    assert () == history.entries(HUB)
    storage.put("history.json", json.dumps({"schema": 1, "entries": [{"n": n} for n in range(MOST_ENTRIES)]}).encode())
    history.add(HUB, {"n": MOST_ENTRIES}, epoch=3)

    assert list(range(1, MOST_ENTRIES + 1)) == [entry["n"] for entry in history.entries(HUB)]
    with pytest.raises(LeaseLost, match="Epoch 3 has written"):
        history.add(HUB, {}, epoch=2)
    storage.put("history.json", b"{")
    history.add(HUB, {"n": 0}, epoch=4)
    assert ({"n": 0},) == history.entries(HUB)
    storage.put("history.json", b'{"schema": 3}')
    with pytest.raises(StateError, match="schema 3, written by a newer release"):
        history.add(HUB, {}, epoch=4)


def test_a_checkpoint_is_shared_and_only_a_cache(storage: Storage) -> None:
    """What one instance has folded another one reads; what is not text is nothing."""
    parts = storage.parts
    assert parts.checkpoint.read_checkpoint() is None
    parts.checkpoint.write_checkpoint("fold 1")
    with new_parts(storage.server, storage.container_name) as other:
        assert "fold 1" == other.checkpoint.read_checkpoint()
        other.checkpoint.write_checkpoint("fold 2")
    assert "fold 2" == parts.checkpoint.read_checkpoint()
    storage.raw.upload_blob("checkpoint.json", b"\xff", overwrite=True)
    assert parts.checkpoint.read_checkpoint() is None


def test_a_year_of_changes_stays_small(storage: Storage) -> None:
    """A thousand records a week, as ranges come and go, with long names and each stored alone: less than 30 MB a year."""
    reserved = replace(
        a_record(1),
        at=datetime(2026, 11, 23, 12, 30, 45, 123456, tzinfo=UTC),
        tenant=TenantName("payments-settlement-europe"),
        namespaces=(NamespaceName("payments-settlement"),),
        author="Augusta Ada King <augusta.king@example.com>",
        gateway="payments-settlement-europe-egw/payments-settlement-europe-egw",
        pool="payments-settlement-europe-pool",
    )
    later = replace(reserved, gateway="", pool="", labels={})
    ledger = storage.ledger()
    for seq, kind in enumerate(RecordKind, start=1):
        ledger.append([replace(reserved if kind is RecordKind.RESERVE else later, seq=seq, kind=kind)])
    digits_of_seq_and_epoch = 12
    one = len(storage.content(NOVEMBER)) / len(RecordKind) + digits_of_seq_and_epoch

    assert 52 * 1000 * one < 30_000_000


def test_the_storage_account_s_time_counts(azurite: Azurite) -> None:
    """It is read from the Date of its answers, and goes on here while an answer counts."""
    clock = HttpDateClock(azurite.blobs, good_for_seconds=30)
    first, later = clock.now(), clock.now()

    assert abs(first - datetime.now(UTC)) < timedelta(seconds=2)
    assert first < later < first + timedelta(seconds=1)


def test_settings_put_everything_into_storage(azurite: Azurite, tmp_path: Path) -> None:
    """With an account nothing is kept in the state folder; without one, intents, queue and history have no place."""
    needed = {"EGRESS_REPOSITORY": str(tmp_path), "EGRESS_STATE_FOLDER": str(tmp_path / "state")}
    settings = Settings.from_environment(needed | dict(azurite.settings) | {"EGRESS_STORAGE_CONTAINER": "assembled"})
    with assemble(settings) as assembly:
        stores = assembly.stores(HUB)
        stores.ledger.append([a_record(1)])
        stores.state.write(HubState(), 1)
        stores.status.record(HUB, {"plan_id": "a"}, 1)
        assembly.history.add(OTHER_HUB, {}, 1)
        assembly.intents.record(HUB, Intent(frozenset({Reason.PUSH})))
        assembly.passes.send(HUB)

        assert (HUB, OTHER_HUB) == assembly.known_hubs()
        assert abs(assembly.clock.now() - datetime.now(UTC)) < timedelta(seconds=2)
        assert stores is assembly.stores(HUB)
    assert not (tmp_path / "state").exists()
    with (
        assemble(Settings.from_environment(needed)) as assembly,
        pytest.raises(SettingsError, match=r"python -m real\.azurite"),
    ):
        assembly.intents.record(HUB, Intent())


def test_the_storage_libraries_are_loaded_where_storage_is_used() -> None:
    """Validating, or a desk with files, loads neither of them."""
    script = (
        "import sys; from function_app.bootstrap import assemble; from function_app.settings import Settings\n"
        "import function_app.cli\n"
        "assemble(Settings.from_environment({'EGRESS_REPOSITORY': '/none'})).stores('hub1')\n"
        "sys.exit(any(name.startswith('azure.storage') for name in sys.modules))"
    )

    assert 0 == subprocess.run([sys.executable, "-c", script], check=False).returncode


def test_calls_leave_nothing_for_the_garbage_collector(storage: Storage) -> None:
    """Neither an answer nor a refusal: what a caller held at that time would stay in memory, whole reports among it."""
    parts = storage.parts

    def call() -> None:
        parts.intents.record(HUB, Intent())
        parts.intents.read(HUB)
        assert parts.status.latest(HUB) is None
        assert parts.container.version("hubs/nobody/status.json") is None

    call()
    gc.collect()
    gc.disable()
    try:
        call()
        left = gc.collect()
    finally:
        gc.enable()

    assert 0 == left
