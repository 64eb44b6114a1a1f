"""One playing of the history: a world, an account, a repository, worker processes one after the other, and the judge.

Here stands what Azure's host and time do for the service: messages are handed over, a dead worker is replaced, what a dead one
held becomes free, time goes by. All else the service does by itself, and what it must not lose is asserted at every pause: while
something is asked for or a look is due, a message for it lies in the queue.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobLeaseClient
from azure.storage.queue import QueueMessage

from function_app.adapters.storage_parts import StorageParts
from function_app.adapters.storage_passes import POISON_QUEUE, QUEUE
from function_app.bootstrap import assemble
from function_app.model.intent import Intent, Reason
from function_app.model.ledger import Record
from function_app.model.names import HubName
from function_app.settings import Settings
from real.azurite.server import Azurite
from search.worlds import HUB, PROBES, Variant, platform_files, small_world
from serve.host import queue_client
from serve.workers import Worker, WorkerDied
from simulator.judge import Judge
from simulator.judge.asking import Asked
from simulator.judge.judge import WRITES
from simulator.model.faults import Call as TargetCall
from simulator.model.packets import Packet
from simulator.model.world import World
from simulator.wire.certificates import Certificates
from simulator.wire.server import SimulatorServer
from sweep.lives import Victim, journal_of
from sweep.victim import Call, Fate

NAME = HubName(HUB)
CLUSTER = "spoke1"
MOST_PAUSES = 80
_STEP_SECONDS = 30.0
_WRITE_SECONDS = 25.0
_CALL_SECONDS = 0.02
"""Virtual seconds that go by with each call to a target."""
_TIMER = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": {}, "IsPastDue": False}
SECRET = "a-secret-of-the-sweep-alone"  # noqa: S105 - made up
_SOMEBODY = ("-c", "user.name=Dana", "-c", "user.email=dana@example.com", "-c", "commit.gpgsign=false")


class Lost(AssertionError):
    """Something that the service owes is not so."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What playings share: an account and certificates, which take a moment to make."""

    azurite: Azurite
    certificates: Certificates


class Turn(NamedTuple):
    """One invocation that came to its end, however many workers died of it: the `number`th of an act."""

    act: str
    number: int


class Play:
    """A context manager. `fates` are calls at which workers die, each once, by the turn in which they are made."""

    def __init__(
        self, ground: Ground, folder: Path, container: str, fates: Mapping[Turn, frozenset[Call]] | None = None
    ) -> None:
        self.folder, self.world = folder, _one_cluster()
        self._closing, self._fates = ExitStack(), dict(fates or {})
        folder.mkdir(parents=True)
        self._origin = folder / "origin"
        self._origin.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.server = SimulatorServer(
            self.world,
            folder=folder / "world",
            certificates=ground.certificates,
            before_call=self._before,
            on_call=self._after,
        )
        self.settings = {
            **self.server.settings(),
            **ground.azurite.settings,
            "EGRESS_STORAGE_CONTAINER": container,
            "EGRESS_REPOSITORY": str(self._origin),
            "EGRESS_WEBHOOK_PROVIDER": "generic",
            "EGRESS_WEBHOOK_SECRET": SECRET,
            "EGRESS_CONNECT_TIMEOUT_SECONDS": "5",
        }
        account = ground.azurite
        self.parts = StorageParts(account.blobs, account.queues, container, account.key_file)
        self.queue = queue_client(self.settings, QUEUE, tries_again=3)
        self._ledger = self.parts.ledger(NAME)
        self.records: tuple[Record, ...] = ()
        self.judge = Judge(
            self.world,
            HUB,
            records=lambda: self.records,
            decisions=self.parts.state(NAME).decisions,
            urls=PROBES,
        )
        self.target_writes = 0
        self.turns: dict[Turn, tuple[str, ...]] = {}
        """The calls of each turn's last try."""
        self.deaths: list[tuple[Turn, Call]] = []
        self._turn = Turn("", 0)
        self._disks = 0
        self._lapsed = False
        self._asked: Asked | None = None
        self._alive: Victim | None = None

    def __enter__(self) -> Self:
        self._closing.enter_context(self.server)
        self._closing.callback(self.parts.close)
        return self

    def __exit__(self, *_: object) -> None:
        if self._alive is not None:
            self._alive.kill()
        with suppress(AzureError):  # the next playing finds the account empty
            self.parts.container._client.delete_container()  # noqa: SLF001 - below our own stores
            for name in (QUEUE, POISON_QUEUE):
                queue_client(self.settings, name).delete_queue()
        self._closing.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- the process --------------------------------------------------------------------------------------------

    @property
    def worker(self) -> Victim:
        """The worker of the moment; the next one when it has died."""
        if self._alive is None:
            self._alive = self.another()
        return self._alive

    def another(self, *, ahead_seconds: float = 0.0) -> Victim:
        """A worker beside the one of the moment, which whoever asks for it ends; its disk is its own and empty."""
        self._disks += 1
        settings = {**self.settings, "EGRESS_STATE_FOLDER": str(self.folder / f"disk-{self._disks}")}
        return Victim(settings, self.folder, ahead_seconds)

    def act(self, name: str) -> None:
        """From here on turns belong to this act."""
        self._turn = Turn(name, 0)

    def turn[Done](self, happens: Callable[[Victim], Done]) -> Done:
        """One invocation of the worker of the moment; raises WorkerDied when that is its fate, Lost when it dies of itself."""
        fated, worker = self._fates.get(self._turn, frozenset()), self.worker
        before = len(journal_of(self.folder))
        worker.meet(Fate(fated))
        try:
            done = happens(worker)
        except WorkerDied:
            made = journal_of(self.folder)[before:]
            died_at = Call(made[-1], made.count(made[-1])) if made else Call("nothing at all")
            self._bury()
            if died_at not in fated:
                raise Lost(f"a worker died by itself at {died_at}; {worker.log} says why") from None
            self._fates[self._turn] = fated - {died_at}
            self.deaths.append((self._turn, died_at))
            raise
        self.turns[self._turn] = tuple(journal_of(self.folder)[before:])
        self._turn = self._turn._replace(number=self._turn.number + 1)
        return done

    def _bury(self) -> None:
        """The worker is dead: what it held becomes free, as it would by itself after a minute."""
        if self._alive is not None:
            self._alive.kill()
            self._alive = None
        self.free_lease()

    def free_lease(self) -> None:
        """The hub's lease runs out."""
        self._lapsed = True
        with suppress(AzureError):
            BlobLeaseClient(self.blob("lease")).break_lease(lease_break_period=0)

    def blob(self, name: str) -> BlobClient:
        """One of the hub's blobs, as storage has it."""
        return self.parts.container._client.get_blob_client(f"hubs/{HUB}/{name}")  # noqa: SLF001 - below our own stores

    def insist(self, act: Callable[[Worker], bool]) -> None:
        """Do what somebody does who tries again when the service dies under their hands; raises Lost when it refuses."""
        while True:
            try:
                if self.turn(act):
                    return
            except WorkerDied:
                continue
            raise Lost(f"the service did not take it in; {self.worker.log} says why")

    # --- Git, people, time --------------------------------------------------------------------------------------

    def git(self, *arguments: str) -> None:
        """Run git on the repository."""
        command = ["git", "-C", str(self._origin), *_SOMEBODY, *arguments]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - fixed words

    def commit(self, files: Mapping[str, str | None]) -> None:
        """Merge: None deletes a file."""
        for name, text in files.items():
            path = self._origin / "gitops" / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "a change")
        own = {key: value for key, value in self.settings.items() if not key.startswith("EGRESS_STORAGE")}
        with assemble(Settings.from_environment({**own, "EGRESS_STATE_FOLDER": str(self.folder / "judge")})) as parts:
            self._asked = Asked(parts.source().tree)

    def packet(self, namespace: str, url: str) -> Packet:
        """A pod opens a connection."""
        with self.world.lock:
            return self.world.send(CLUSTER, namespace, url)

    def tick(self) -> None:
        """The timer fires."""
        self.insist(lambda worker: bool(worker.invoke("drift", timer=_TIMER)["succeeded"]))

    def ask(self) -> None:
        """A person asks for a pass, who never waits; the message is left to whoever plays the queue."""
        self.parts.intents.record(NAME, Intent(reasons=frozenset({Reason.RESYNC}), by=("dana",)))
        self.parts.passes.send(NAME)

    def status(self) -> Mapping[str, Any]:
        """The newest report."""
        return self.parts.status.latest(NAME) or {}

    # --- the queue ----------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Messages are worked on and time goes by until nothing is asked for and no look is due; raises Lost."""
        for _ in range(MOST_PAUSES):
            while self.deliver():
                pass
            asked = self.parts.intents.read(NAME)
            if not asked.pending and asked.look_again_at is None:
                self._rested()
                return
            if not self.messages():
                raise Lost(
                    f"no message is left, and pending is {asked.pending}, a look is due at {asked.look_again_at}"
                )
            if asked.look_again_at is not None:
                self.pass_time_until(asked.look_again_at)
            self.show()
        raise Lost(f"no rest after {MOST_PAUSES} pauses: {self.status().get('attachments')}")

    def deliver(self) -> bool:
        """One visible message is worked on; False when there is none. Raises Lost when a pass fails with the process alive."""
        try:
            message = self.queue.receive_message(visibility_timeout=600)
        except ResourceNotFoundError:
            return False
        if message is None:
            return False
        self._catch_up(message)
        self._lapsed = False
        if self._asked is not None:
            self.judge.begin(self._asked, lambda: not self._lapsed)
        try:
            done = self.turn(lambda worker: worker.invoke("passes", queue=b64decode(message.content).decode()))
        except WorkerDied:
            self.queue.update_message(message, visibility_timeout=0)
            return True
        finally:
            self._judge_records()
            if self._asked is not None:
                self.judge.end(None)
        if not done["succeeded"]:
            raise Lost(f"a pass failed: {done['problem']}; {self.worker.log} says why")
        self.queue.delete_message(message)
        return True

    def _catch_up(self, message: QueueMessage) -> None:
        """On a slow machine a look's message comes into sight before its time has come in the world: so much has gone by."""
        due = self.parts.intents.read(NAME)
        if due.pending or due.look_again_at is None or message.inserted_on is None:
            return
        if due.look_again_at - self.world.clock.now() <= datetime.now(UTC) - message.inserted_on:
            self.pass_time_until(due.look_again_at)

    def show(self) -> None:
        """Everything that is hidden comes into sight; one message stands for all, since they say the same."""
        self.queue.clear_messages()
        self.queue.send_message(b64encode(json.dumps({"hub": HUB}).encode()).decode())

    def pass_time_until(self, moment: datetime) -> None:
        """Virtual time goes by, watched."""
        while True:
            with self.world.lock:
                left = (moment - self.world.clock.now()).total_seconds()
                if left <= 0:
                    return
                self.world.advance(min(left, _STEP_SECONDS))
                self.judge.watch()

    def messages(self) -> int:
        """How many lie in the queue, hidden ones included."""
        return self.queue.get_queue_properties().approximate_message_count or 0

    def _rested(self) -> None:
        """From here on the newest tree alone counts for packets."""
        if self._asked is not None:
            self.judge.packets.asked[:] = [self._asked]
        if self.judge.violations:
            raise Lost("; ".join(str(each) for each in self.judge.violations))

    # --- the judge ----------------------------------------------------------------------------------------------

    def _judge_records(self) -> None:
        """Records that have reached the ledger since the last look; one always comes before the first write that follows."""
        before, self.records = self.records, self._ledger.read()
        if len(self.records) > len(before) and self._asked is not None:
            self.judge.appended(before, self.records[len(before) :])

    def _before(self, call: TargetCall) -> None:
        if call.verb in WRITES:
            self.target_writes += 1
            self._judge_records()
        self.judge.before(call)

    def _after(self, call: TargetCall) -> None:
        self.judge.after(call)
        self.world.advance(_CALL_SECONDS)


def _one_cluster() -> World:
    """Learned routes are listed at once, a write of the firewall is found going on by one look: more looks would find the same."""
    document = small_world().document
    hub = document.hubs[HUB]
    quick = hub.model_copy(
        update={
            "route_server": hub.route_server.model_copy(update={"listing_seconds": 0.0}),
            "firewall": hub.firewall.model_copy(update={"operation_seconds": _WRITE_SECONDS}),
        }
    )
    return World(document.model_copy(update={"hubs": {HUB: quick}, "clusters": {CLUSTER: document.clusters[CLUSTER]}}))


def platform() -> dict[str, str | None]:
    """Hub, one cluster, guardrails and a rule set."""
    files = platform_files(Variant())
    return {name: text for name, text in files.items() if not name.startswith("clusters/") or CLUSTER in name}
