"""A desk to tell stories at: the walkthrough's world, a repository made of dictionaries, and passes over one hub.

Everything runs in process, on virtual time, through the same `reconcile` as the service.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path

from function_app.gathering import Patience
from function_app.model.names import ClusterName, Commit, GenerationId, HubName, TenantName
from function_app.model.plan import AttachmentState, RefusalCode
from function_app.model.report import Report
from function_app.model.state import Decision, DecisionKind
from function_app.model.tree import Tree
from function_app.ports import HubPorts
from function_app.reading.checkpoint import Checkpoint
from function_app.reading.effective import effective_tree
from function_app.reading.meanings import Meanings
from function_app.reconcile import Source, reconcile
from search.git_host import GitHost
from simulator.inprocess import Door, InProcessClock, InProcessCluster, InProcessFirewall, InProcessRouteServer
from simulator.memory import MemoryLeases, MemoryLedger, MemoryRepository, MemoryState, MemoryStatus
from simulator.model.packets import Packet
from simulator.model.world import World

ROOT = Path(__file__).parents[1]
HUB = HubName("hub1")
IN_ORDER = Patience(workers=1)


def sample(*names: str) -> dict[str, str]:
    """Files of the committed sample by path relative to `gitops`."""
    return {name: (ROOT / "gitops" / name).read_text() for name in names}


PLATFORM = (
    "hubs/hub1.yaml",
    "clusters/spoke1-aks.yaml",
    "clusters/spoke2-aks.yaml",
    "guardrails.yaml",
    "rulesets/baseline.yaml",
)


_TREES: dict[tuple[str, ...], tuple[Tree, Checkpoint]] = {}
"""Trees by the commits of their line, which decide them: histories have many commits in common."""
_MOST_TREES = 512
_MEANINGS = Meanings()


def _drawing() -> Callable[[], GenerationId]:
    numbers = count(1)
    return lambda: GenerationId(f"{next(numbers):08x}")


@dataclass
class Desk:
    """One hub's world, repository and state."""

    world: World
    repository: MemoryRepository
    ports: HubPorts
    ledger: MemoryLedger
    state: MemoryState
    checkpoint: Checkpoint | None = None
    reports: list[Report] = field(default_factory=list)
    draw: Callable[[], GenerationId] = field(default_factory=_drawing)

    @classmethod
    def at(
        cls,
        world: World | None = None,
        *,
        door: Door | None = None,
        ledger: MemoryLedger | None = None,
        state: MemoryState | None = None,
        leases: MemoryLeases | None = None,
    ) -> Desk:
        """A desk over a world; the walkthrough's unless another is given. What is not given is made."""
        world = world or World.from_file(ROOT / "simulator" / "worlds" / "walkthrough.yaml")
        door = door or Door(world)
        ledger, state, host = ledger or MemoryLedger(), state or MemoryState(), GitHost()
        ports = HubPorts(
            clusters={name: InProcessCluster(door, name) for name in world.clusters},
            firewall=InProcessFirewall(door, HUB),
            route_server=InProcessRouteServer(door, HUB),
            ledger=ledger,
            state=state,
            status=MemoryStatus(),
            leases=leases or MemoryLeases(world.clock),
            clock=InProcessClock(world),
            approvals=host,
            shown=host.shown,
        )
        return cls(world, MemoryRepository(world.clock), ports, ledger, state)

    @classmethod
    def with_platform(cls) -> Desk:
        """A desk whose repository holds hub, clusters, guardrails and rule sets, and no tenant."""
        desk = cls.at()
        desk.repository.commit(sample(*PLATFORM))
        return desk

    def commit(self, files: Mapping[str, str | None], author: str = "someone@example.com") -> None:
        """Merge."""
        self.repository.commit(files, author)

    def tree(self) -> Source:
        """The effective tree at the newest commit."""
        commit = self.repository.resolve("main")
        return Source(self._tree_at(commit), commit, former=self._tree_at)

    def _tree_at(self, commit: Commit) -> Tree:
        today = self.world.clock.now().date()
        line = (*(entry.commit for entry in self.repository.first_parents(commit, None)), str(today))
        if line not in _TREES:
            while len(_TREES) >= _MOST_TREES:
                del _TREES[next(iter(_TREES))]
            _TREES[line] = effective_tree(
                self.repository, commit, checkpoint=self.checkpoint, today=today, known=_MEANINGS
            )
        tree, self.checkpoint = _TREES[line]
        return tree

    def run_pass(self) -> Report:
        """One pass, targets one after the other."""
        report = reconcile(HUB, self.tree(), self.ports, IN_ORDER, holder="desk", draw=self.draw)
        self.reports.append(report)
        return report

    def settle(self, most: int = 120, *, watch: Callable[[], None] = lambda: None) -> Report:
        """Passes until converged or stopped, letting time go by in between; `watch` is called after each step of time."""
        for _ in range(most):
            report = self.run_pass()
            watch()
            if report.converged or report.stopped:
                return report
            left = report.plan.look_again_seconds or 10.0
            while left > 0:
                step = min(5.0, left)
                self.world.advance(step)
                watch()
                left -= step
        raise AssertionError("not converged:\n" + describe(self.reports[-1]))

    def attachment(self, tenant: str, cluster: str) -> AttachmentState:
        """One attachment as the newest report has it."""
        key = (TenantName(tenant), ClusterName(cluster))
        return next(one for one in self.reports[-1].plan.attachments if (one.key.tenant, one.key.cluster) == key)

    def send(self, cluster: str, namespace: str, url: str) -> Packet:
        """One connection now."""
        return self.world.send(cluster, namespace, url)

    def decide(
        self, kind: DecisionKind, subject: str, *, code: RefusalCode | None = None, expires: datetime | None = None
    ) -> None:
        """Record a decision of a person."""
        now = self.world.clock.now()
        self.state.decide(
            Decision(kind, subject, "because", "someone", now, expires, str(code) if code is not None else "")
        )


def describe(report: Report) -> str:
    """A pass in words, for failing stories."""
    lines = [
        f"{one.key} {one.cidr} {one.stage} waits {[str(what) for what in one.waiting_for]} {one.detail}"
        for one in report.plan.attachments
    ]
    lines += [
        f"{one.verb} {one.target} {one.resource}: {one.reason}, {one.because}; waits {one.waits_for}"
        for one in report.plan.changes
    ]
    lines += [f"refused {one.code} {one.subject}: {one.message}" for one in report.plan.refused]
    lines += [f"{one.result} {one.change.resource} {one.message}" for one in report.outcomes]
    lines += [f"unreadable {one.target}: {one.message}" for one in report.unreadable]
    return "\n".join(lines)
