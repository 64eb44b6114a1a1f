"""The judge: told of passes, calls, records, deeds and time, it keeps every violation that it sees.

Belongs here: when what is looked at, and whose doing a thing is. What is right and wrong is in the modules beside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from function_app.model.ledger import Record
from function_app.model.report import Report, Result
from function_app.model.state import Decision, DecisionKind
from simulator.judge.approvals import ApprovalJudge
from simulator.judge.asking import Asked
from simulator.judge.books import Books
from simulator.judge.cluster_writes import Before, ClusterJudge, Finding
from simulator.judge.firewall_writes import FirewallJudge, GroupBefore
from simulator.judge.packets import PacketJudge
from simulator.judge.records import RecordJudge
from simulator.judge.routes import RouteJudge, RoutesBefore
from simulator.judge.violations import Invariant, Violation
from simulator.model.faults import Call
from simulator.model.world import World

WRITES = frozenset({"apply", "patch", "delete", "put"})
_EVERY_NAMESPACE = frozenset(
    {"EgressGateway", "EgressGatewayPolicy", "IPPool", "BGPFilter", "BGPPeer", "FelixConfiguration"}
)


@dataclass
class _Pass:
    """One pass under way. `valid` says whether its lease is still its own."""

    asked: Asked
    valid: Callable[[], bool]
    day: date
    """When it began: rules that end with this day are in what it writes, however late."""
    written: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    touched: bool = False
    late: int = 0
    """Writes that went out although the lease was no longer its own."""


class Judge:
    """Watches one hub. `records` gives the stored ledger, `decisions` what people decided, `urls` are probed."""

    def __init__(
        self,
        world: World,
        hub: str,
        *,
        records: Callable[[], Sequence[Record]],
        decisions: Callable[[], Sequence[Decision]],
        urls: Sequence[str],
    ) -> None:
        self.violations: list[Violation] = []
        self.calls = 0
        self.books = Books(records)
        self.packets = PacketJudge(world, hub, self.books, urls, self._blocked)
        self._world = world
        self._records = records
        self._decisions = decisions
        self._clusters = ClusterJudge(world, hub, self.books, self._may_adopt)
        self._firewall = FirewallJudge(world, hub, self.books)
        self._ledger = RecordJudge(world, hub, self._may_adopt)
        self.approvals = ApprovalJudge(world, hub, urls)
        self._routes = RouteJudge(world, hub, self.books, self._forgotten)
        self._passes: list[_Pass] = []
        self._before: Before | GroupBefore | None = None
        self._routes_before: RoutesBefore | None = None

    # --- passes --------------------------------------------------------------------------------------------------

    def begin(self, asked: Asked, valid: Callable[[], bool]) -> None:
        """A pass begins to work from this tree; it may begin inside another one that is paused."""
        self.packets.asked.append(asked)
        self.packets.note_denials()
        self._passes.append(_Pass(asked, valid, self._world.clock.now().date()))
        self._clusters.sample(asked)
        self.approvals.begin(asked)

    def end(
        self,
        report: Report | None,
        published: str = "",
        secrets: Iterable[str] = (),
        lasting: Iterable[str] = (),
    ) -> None:
        """The innermost pass is over; None when it died. `published` is what readers were given.

        When it converged all is well again, but for what lasts. Not so when somebody acted meanwhile: it may have looked before.
        """
        ended = self._passes.pop()
        self._before = None
        for secret in secrets:
            if secret in published:
                self._find([(Invariant.SECRETS, "a canary reached the report")])
        if report is None:
            return
        unread = {one.target for one in report.unreadable if not one.late}
        for outcome in report.outcomes:
            if outcome.change.target in unread and outcome.result not in (Result.PENDING, Result.SKIPPED):
                self._find([(Invariant.DOUBT, f"{outcome.change.resource} was written though unread")])
        if report.converged and not ended.touched:
            self._calm(lasting)
        if report.converged and not self._passes:
            self.packets.asked[:] = [ended.asked]
            self.packets.forget()

    # --- calls ---------------------------------------------------------------------------------------------------

    def before(self, call: Call) -> None:
        """Directly before a call that reaches the world."""
        self._before = self._routes_before = None
        if call.verb not in WRITES or not self._passes:
            return
        if call.target.startswith("firewall/"):
            self.packets.note_denials()
        if not self._passes[-1].valid():
            self.disturb(self._world.clusters)
            self._outlived(call)
            return
        self._keep(self.packets.look(*self._touched(call)))
        self._routes_before = self._routes.before(call)
        if call.target.startswith("route-server/"):
            self._wrote_connection(call)
            return
        on_cluster = call.target.startswith("cluster/")
        self._before = self._clusters.before(call) if on_cluster else self._firewall.before(call)

    def after(self, call: Call) -> None:
        """Directly after it."""
        self.calls += 1
        if call.verb == "list" and call.kind == "Pod" and self._passes:
            self._clusters.sample(self._passes[-1].asked)
        if call.verb == "list" and call.kind == "RuleCollectionGroup":
            self.approvals.listed(call.name)
        routes, self._routes_before = self._routes_before, None
        if routes is not None:
            self._find(self._routes.after(routes), call)
        before, self._before = self._before, None
        if before is None:
            return
        current = self._passes[-1]
        key = (call.target, call.kind, call.namespace, call.name)
        current.written[key] += 1
        if current.written[key] > 1:
            self._find([(Invariant.ONCE, f"{call.kind} {call.name} was written twice in one pass")], call)
        judged = (
            self._clusters.after(before, current.asked, touched=current.touched)
            if isinstance(before, Before)
            else self._firewall.after(before, current.asked)
        )
        self._find(judged, call)
        if isinstance(before, GroupBefore):
            written = self._firewall.written(before)
            self._find(self.approvals.wrote(written, current.asked, current.day), call)
        clusters, namespaces = self._touched(call)
        self._keep(self.packets.look(clusters, namespaces, call=str(call)))

    def appended(self, before: Sequence[Record], added: Sequence[Record]) -> None:
        """Records reached the ledger."""
        if not self._passes:
            return
        current = self._passes[-1]
        self._find(
            self._ledger.appended(
                before, added, current.asked, self._decisions(), touched=current.touched or not current.valid()
            )
        )
        for record in added:
            self._find(self.approvals.appended(record, current.asked))

    # --- others --------------------------------------------------------------------------------------------------

    def disturb(self, clusters: Iterable[str], why: str = "") -> None:
        """Somebody else has acted on these clusters; what packets do there is not ours until all is well again."""
        for one in self._passes:
            one.touched = True
        for cluster in clusters:
            self.packets.disturbed[cluster].add(why)
            self._clusters.note_pointers(cluster)
            self._keep(self.packets.look([cluster], judged=False))

    def watch(self) -> None:
        """Time has passed."""
        self._clusters.sample(self.packets.asked[-1] if self.packets.asked else None)
        self._keep(self.packets.look(self._world.clusters))

    def find(self, invariant: Invariant, words: str) -> None:
        """A violation that whoever runs the history saw."""
        self._find([(invariant, words)])

    # --- inside --------------------------------------------------------------------------------------------------

    def _calm(self, lasting: Iterable[str]) -> None:
        kept = set(lasting)
        for reasons in self.packets.disturbed.values():
            reasons.intersection_update(kept)

    def _outlived(self, call: Call) -> None:
        """The write that was on its way when the lease ended may still land; before the next one the pass must look."""
        self._passes[-1].late += 1
        if self._passes[-1].late > 1:
            self._find([(Invariant.LEASE, f"write number {self._passes[-1].late} after the lease was lost")], call)

    def _wrote_connection(self, call: Call) -> None:
        """Of connections that do not bear our prefix, only those of a cluster that an operator gave up go."""
        if call.name.startswith("egress-gitops-"):
            return
        if call.verb != "delete" or not any(call.name.startswith(f"{one}-") for one in self._forgotten()):
            self._find([(Invariant.FOREIGN, f"connection {call.name} is not ours: {call.verb}")], call)

    def _touched(self, call: Call) -> tuple[tuple[str, ...], frozenset[str] | None]:
        """Whose packets a call can touch at once."""
        cluster = call.target.removeprefix("cluster/")
        if cluster not in self._world.clusters:
            return tuple(self._world.clusters), None
        if call.kind == "Namespace" and call.verb == "patch":
            return (cluster,), frozenset({call.name})
        return (cluster,), None if call.kind in _EVERY_NAMESPACE else frozenset()

    def _may_adopt(self, cluster: str, kind: str, name: str) -> bool:
        """Some tree since all was last well asks to take that over; a newer one may be what waits."""
        return any(asked.adopts(cluster, kind, name) for asked in self.packets.asked)

    def _forgotten(self) -> frozenset[str]:
        return frozenset(one.subject for one in self._decisions() if one.kind is DecisionKind.FORGET)

    def _blocked(self) -> frozenset[str]:
        return frozenset(one.subject for one in self._decisions() if one.kind is DecisionKind.BLOCK)

    def _find(self, findings: Iterable[Finding], call: Call | None = None) -> None:
        now = self._world.clock.now()
        self._keep(Violation(invariant, words, now, str(call or "")) for invariant, words in findings)

    def _keep(self, violations: Iterable[Violation]) -> None:
        self.violations.extend(violations)
