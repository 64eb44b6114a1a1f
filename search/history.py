"""One history under way: the desk, the judge, what is in Git, and the passes that run over it, died, paused or whole."""

from __future__ import annotations

import json
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from function_app.model.errors import StateError
from function_app.model.plan import WaitsFor
from function_app.model.report import Report
from function_app.reconcile import HubBusy, reconcile
from search.actions import Action, Group
from search.desk import HUB, IN_ORDER, Desk
from search.git_host import GitHost
from search.memories import WatchedLeases, WatchedLedger, WatchedState
from search.worlds import CANARY, CLUSTERS, OPEN, PROBES, TenantFile, Variant, platform_files, small_world
from simulator.inprocess import Door
from simulator.judge import Invariant, Judge
from simulator.judge.asking import Asked
from simulator.judge.judge import WRITES
from simulator.memory import MemoryLease
from simulator.model.faults import Action as FaultAction
from simulator.model.faults import Call, Crash, Fault

STEP_SECONDS = 5.0
NO_FAULT = "none"
NO_STAGE = "no attachment"
NAMESPACE_DEATH = "died between namespaces"
_NAMES = {
    FaultAction.TIMEOUT_BEFORE: "no answer, no effect",
    FaultAction.TIMEOUT_AFTER: "no answer after the effect",
    FaultAction.CUT: "no answer after the effect",
    FaultAction.HTML: "wrong answer after the effect",
    FaultAction.TRUNCATED: "wrong answer after the effect",
    FaultAction.EMPTY_OBJECT: "write lost",
    FaultAction.SLOW: "slow",
    FaultAction.UNREACHABLE: "unreachable",
    FaultAction.CRASH_BEFORE: "died before a call",
    FaultAction.CRASH_AFTER: "died after a call",
}

_ALWAYS_DOES = frozenset(
    {
        Group.TIME,
        Group.PASS,
        Group.TWO,
        Group.TROUBLE,
        Group.AZURE,
        Group.DECISION,
        Group.NODES,
        Group.FABRIC,
        Group.GATEWAYS,
        Group.MEMORY,
    }
)
Cell = tuple[str, str, str]
"""Stage of an attachment, fault in force, group of the action."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story: a virtual time and what happened; `depth` is how deep inside passes."""

    at: str
    depth: int
    words: str


@dataclass
class Interruption:
    """What happens in the middle of a pass: at its `nth` moment before or after a call."""

    nth: int
    happens: Callable[[], None]


@dataclass
class History:
    """Everything that actions act on."""

    desk: Desk
    judge: Judge
    ledger: WatchedLedger
    state: WatchedState
    leases: WatchedLeases
    variant: Variant
    host: GitHost | None = None
    """Where pull requests are, on a hub that applies what was approved."""
    files: dict[str, TenantFile] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    commits: list[tuple[dict[str, TenantFile], set[str], dict[str, str]]] = field(default_factory=list)
    conditions: set[str] = field(default_factory=set)
    """Faults in force beyond those on calls, by the words of the coverage table."""
    lasting: set[str] = field(default_factory=set)
    """What others broke and passes cannot mend."""
    recent: set[str] = field(default_factory=set)
    """Faults that struck in the newest pass."""
    coverage: Counter[Cell] = field(default_factory=Counter)
    lines: list[Line] = field(default_factory=list)
    report: Report | None = None
    passes: int = 0
    born: int = 0
    """How many nodes were added."""
    made_by_hand: list[tuple[str, str, int]] = field(default_factory=list)
    """Cluster, tenant and slot of gateways that were there before us."""
    locked: bool = False
    """The newest pass found the hub busy: a dead process's lease has not run out."""
    peace: int = 0
    """Rises when second controllers must stop."""
    _depth: int = 0
    _moment: int = 0
    _interruption: Interruption | None = None
    _leases: list[MemoryLease | None] = field(default_factory=list)

    @classmethod
    def of(cls, variant: Variant) -> History:
        """A history that has not begun: platform files in Git, nothing else."""
        world = small_world(bare=variant.bare)
        ledger, state, leases = WatchedLedger(), WatchedState(), WatchedLeases(world.clock)
        witnesses: list[History] = []

        def before(call: Call) -> None:
            witnesses[0].before(call)

        def after(call: Call) -> None:
            witnesses[0].after(call)

        door = Door(world, before_call=before, on_call=after)
        desk = Desk.at(world, door=door, ledger=ledger, state=state, leases=leases)
        urls = (*PROBES, f"https://{OPEN}")
        judge = Judge(world, HUB, records=lambda: ledger.records, decisions=state.decisions, urls=urls)
        history = cls(desk, judge, ledger, state, leases, variant)
        witnesses.append(history)
        ledger.on_append = judge.appended
        leases.on_acquire = history.acquired
        if variant.reviewed:
            history.host = host = GitHost()
            desk.ports = replace(desk.ports, approvals=host, shown=host.shown)
            judge.approvals.pulls = host.pulls
        desk.commit(platform_files(variant))
        history.merged()
        return history

    # --- actions -------------------------------------------------------------------------------------------------

    def play(self, action: Action) -> None:
        """Do one action, tell of it, count the cells that it reaches."""
        group = action.deed.group
        cells = [(stage, fault, str(group)) for stage in self.stages() for fault in self.faults()]
        before = self._standing()
        self.tell(str(action))
        action.deed.do(self, *action.arguments)
        if group in _ALWAYS_DOES or before != self._standing():
            self.coverage.update(cells)

    def _standing(self) -> tuple[object, ...]:
        """What commits, people and losses change; equal means that an action did not apply."""
        world = self.desk.world
        groups = world.hubs[HUB].policies.policy(world.hubs[HUB].document.firewall.policy).groups
        return (
            self.desk.repository.resolve("main"),
            len(self.commits),
            len(self.ledger.records),
            frozenset(self.conditions),
            *(cluster.api.revision for cluster in world.clusters.values()),
            *((name, group.version, group.state) for name, group in groups.items()),
        )

    def stages(self) -> set[str]:
        """Stages of all attachments in the newest report."""
        found = {str(one.stage) for one in self.report.plan.attachments} if self.report is not None else set()
        return found or {NO_STAGE}

    def faults(self) -> set[str]:
        """Faults in force now, or met by the newest pass."""
        pending = {fault_name(fault) for fault in self.desk.world.faults.pending()}
        return (pending | self.conditions | self.recent) or {NO_FAULT}

    def tell(self, words: str) -> None:
        """Add a line to the story."""
        self.lines.append(Line(f"{self.desk.world.clock.now():%d %H:%M:%S}", self._depth, words))

    # --- Git -----------------------------------------------------------------------------------------------------

    def merged(self) -> None:
        """Remember what Git holds now, for a force-push."""
        self.commits.append((dict(self.files), set(self.broken), dict(self.renamed)))

    def rewind(self, to: int) -> None:
        """Force-push the first `to` commits."""
        to = max(1, min(to, len(self.commits)))
        self.desk.repository.rewind(to)
        del self.commits[to:]
        files, broken, renamed = self.commits[-1]
        self.files, self.broken, self.renamed = dict(files), set(broken), dict(renamed)

    # --- others --------------------------------------------------------------------------------------------------

    def meddle(self, clusters: tuple[str, ...] = CLUSTERS, *, lasting: str = "") -> None:
        """Somebody else has acted; with `lasting` no pass can mend it."""
        if lasting:
            self.lasting.add(lasting)
        self.judge.disturb(clusters, lasting)

    def advance(self, seconds: float) -> None:
        """Let time pass, looking every few seconds at first, later less often."""
        passed = 0.0
        while passed < seconds:
            step = min(seconds - passed, STEP_SECONDS if passed < 180 else max(STEP_SECONDS, passed / 20))
            self.desk.world.advance(step)
            passed += step
            self.judge.watch()

    # --- passes --------------------------------------------------------------------------------------------------

    def interrupt(self, nth: int, happens: Callable[[], None]) -> None:
        """Let something happen in the middle of the next pass."""
        self._interruption = Interruption(nth, happens)

    def drop_interruption(self) -> None:
        """What was to happen in the middle of a pass that never began happens no more."""
        self._interruption = None

    def run_pass(self) -> Report | None:
        """One pass; None when it did not come to a report."""
        source = self.desk.tree()
        waiting = {fault_name(fault) for fault in self.desk.world.faults.pending()}
        mine = len(self._leases)
        self._leases.append(None)
        self.judge.begin(Asked(source.tree, frozenset(self.broken)), partial(self._holds, mine))
        self._depth += 1
        if self._depth == 1:
            self._moment = 0
        report: Report | None = None
        try:
            report = reconcile(HUB, source, self.desk.ports, IN_ORDER, holder="search", draw=self.desk.draw)
        except HubBusy:
            self.locked = True
            self.tell("the hub is busy: somebody else's lease")
        except Crash as crash:
            self.tell(f"the process dies {crash}")
            self.desk.checkpoint = None
            self._interruption = None
        except StateError as problem:
            self.tell(f"the pass ends early: {problem}")
        except Exception:  # noqa: BLE001 - whatever a pass raises is a finding
            self.judge.find(Invariant.CONVERGENCE, f"a pass raised\n{traceback.format_exc(limit=-4)}")
        finally:
            self._depth -= 1
            self._leases.pop()
            published = json.dumps(self.desk.ports.status.latest(HUB), default=str) if report is not None else ""
            self.judge.end(report, published, (CANARY,), self.lasting)
        self.passes += 1
        self.recent = waiting - {fault_name(fault) for fault in self.desk.world.faults.pending()}
        if report is not None:
            self.locked = False
            if self.state.state.last_good_commit == source.tree.commit and not self.state.state.standing:
                self.judge.approvals.taken_up(Asked(source.tree))
            self.report = report
            self.tell(outline(report))
        return report

    def acquired(self, lease: MemoryLease) -> None:
        """The innermost pass has its lease."""
        self._leases[-1] = lease

    def _holds(self, position: int) -> bool:
        lease = self._leases[position] if position < len(self._leases) else None
        return lease is not None and self.leases.holds(lease)

    def before(self, call: Call) -> None:
        """Directly before a call that reaches the world."""
        self._meanwhile()
        self.judge.before(call)

    def after(self, call: Call) -> None:
        """Directly after it."""
        self.judge.after(call)
        if call.verb in WRITES:
            self.tell(f"  {call}")
        self._meanwhile()

    def _meanwhile(self) -> None:
        if self._depth != 1 or self._interruption is None:
            return
        self._moment += 1
        if self._moment >= self._interruption.nth:
            interruption, self._interruption = self._interruption, None
            interruption.happens()


def fault_name(fault: Fault) -> str:
    """How the coverage table calls it."""
    if fault.action is FaultAction.REFUSE:
        return "refused" if fault.status in (400, 401, 403, 404, 409, 422) else "throttled or unavailable"
    if fault.action is FaultAction.CRASH_BEFORE and (fault.verb, fault.kind) == ("patch", "Namespace"):
        return NAMESPACE_DEATH
    if fault.count == 0 and fault.action is FaultAction.TIMEOUT_BEFORE:
        return "target dead"
    return _NAMES[fault.action]


def outline(report: Report) -> str:
    """A pass in one line."""
    stages = ", ".join(f"{one.key} {one.stage}{_waits(one.waiting_for)}" for one in report.plan.attachments)
    refused = "; ".join(f"{one.code} {one.subject}" for one in report.plan.refused)
    unread = ", ".join(str(one.target) for one in report.unreadable)
    parts = [stages or "no attachment"]
    parts += [f"refused: {refused}"] if refused else []
    parts += [f"unread: {unread}"] if unread else []
    parts += [_failed(report)] if _failed(report) else []
    return "pass: " + " | ".join(parts)


def _failed(report: Report) -> str:
    return "; ".join(
        f"{one.change.resource} {one.result}: {one.message[:90]}" for one in report.outcomes if one.message
    )


def _waits(waits: tuple[WaitsFor, ...]) -> str:
    return f" ({', '.join(waits)})" if waits else ""
