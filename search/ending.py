"""How a history ends: faults stop, passes go on until nothing moves, and then everything must be as Git asks, or explained."""

from __future__ import annotations

from ipaddress import IPv4Network

from function_app.model.ledger import Generation, Holding, RecordKind
from function_app.model.plan import RefusalCode, Stage, WaitsFor
from function_app.model.report import Report
from search.fabric import settle_fabric
from search.git_host import APPROVED, GitHost
from search.history import History
from search.reviews import allow_again, approve_late, merge
from search.trouble import accept_content, apply_terraform, clear_trouble, restore_ledger, wake_nodes
from search.worlds import CLUSTERS, HUB, NAMESPACES, PROBES, TENANTS, cidr_of, hub_file
from simulator.judge import Invariant
from simulator.judge.approvals import denied_by_others
from simulator.judge.asking import Asked
from simulator.judge.truth import find, points_at, remains
from simulator.model.azure.groups import Refusal
from simulator.model.packets import Verdict

MOST_PASSES = 250
LONGEST_STEP = 7200.0
LONGEST_DOUBT = 4 * 3600.0
"""Long enough for everything that does not wait for a removal; quarantine takes one hour here."""
_A_PERSONS = frozenset(
    {
        WaitsFor.FOREIGN,
        WaitsFor.NAMESPACE,
        WaitsFor.WAIVER,
        WaitsFor.DEFINITION,
        WaitsFor.PERSON,
        WaitsFor.ROLLOUT,
        WaitsFor.UNAPPROVED,
    }
)
"""At rest, whoever comes after others waits for what they wait for."""

_TOLD_BY_ROWS = frozenset(
    {WaitsFor.POOLED, WaitsFor.SERVING, WaitsFor.ADVERTISED, WaitsFor.PERMITTED, WaitsFor.UNPOINTED}
)


def finish(history: History) -> None:
    """Heal everything, let passes run until they rest, and judge what they left."""
    heal(history)
    if history.host is not None:
        approve(history, history.host)
    report = rest(history)
    if report is None or history.judge.violations:
        return
    records = len(history.ledger.records)
    again = history.run_pass()
    # The end of a quarantine comes with time, also between these two.
    written = any(one.kind is not RecordKind.QUARANTINE_END for one in history.ledger.records[records:])
    if again is None or again.writes or written:
        history.judge.find(Invariant.CONVERGENCE, "the pass after the last one still writes")
    explained(history, report)
    if report.converged:
        settled(history)
    nothing_left(history, report)


def approve(history: History, host: GitHost) -> None:
    """What nobody approved waits and says so, what was taken away is gone; then somebody approves all of it."""
    host.down, host.manner = False, APPROVED
    while denied_by_others(history.desk.world, HUB):
        allow_again(history)
        history.advance(120)
    report = rest(history)
    if report is None:
        return
    explained(history, report)
    taken_away(history)
    hub = f"hubs/{HUB}.yaml"
    if _unknown(report):
        history.tell("nobody knows what stands: a person takes `apply: reviewed` off, and puts it back")
        history.desk.commit({hub: hub_file(history.variant, reviewed=False)})
        history.judge.approvals.trust(Asked(history.desk.tree().tree))
        rest(history)
        history.desk.commit({hub: hub_file(history.variant, reviewed=True)})
    history.tell("everything is approved")
    approve_late(history, len(host.pulls))
    merge(
        history,
        {
            f"tenants/{name}.yaml": f"{file.text()}# approved as it is\n"
            for name, file in history.files.items()
            if name not in history.broken
        },
    )


def taken_away(history: History) -> None:
    """Whatever waits for an approval, no tenant reaches what its definition no longer allows; one that leaves is another matter."""
    asked, today = history.judge.packets.asked[-1], history.desk.world.clock.now().date()
    defined = frozenset(map(str, asked.tree.definitions.tenants))
    for cluster in CLUSTERS:
        for namespace in NAMESPACES:
            for url in PROBES:
                packet = history.desk.send(cluster, namespace, url)
                holder = history.judge.books.holder(packet.source) if packet.source else ""
                if packet.verdict is Verdict.ALLOWED and holder in defined and not asked.allows(holder, url, today):
                    history.judge.find(
                        Invariant.APPROVED, f"at rest, and {holder} still reaches {url} as {packet.source}"
                    )


def heal(history: History) -> None:
    """Faults stop: calls, nodes, gateways, Azure and the ledger work again. What people did stays."""
    history.tell("faults stop")
    history.drop_interruption()
    clear_trouble(history)
    for cluster in CLUSTERS:
        wake_nodes(history, cluster)
        for tenant in TENANTS:
            history.desk.world.clusters[cluster].heal_pods(f"{tenant}-egw")
    settle_fabric(history)
    apply_terraform(history)
    history.peace += 1
    history.lasting.clear()
    history.meddle()
    accept_content(history)
    restore_ledger(history)
    history.ledger.dies, history.state.dies = "", False
    history.desk.world.hubs[HUB].refuse_with(Refusal.CONFLICT)
    history.conditions.clear()
    history.advance(70)


def rest(history: History) -> Report | None:
    """Passes until nothing moves without a person; time runs faster while nothing is written."""
    step = idle = 0.0
    for _ in range(MOST_PASSES):
        report = history.run_pass()
        if history.judge.violations:
            return None
        if report is None:
            history.advance(61)
            continue
        if report.plan.look_again_seconds is None and not report.unreadable:
            return report
        idle = 0.0 if report.writes else idle + step
        if idle > LONGEST_DOUBT and report.held and history.judge.packets.asked[-1].tree.doubt:
            # While the tree is in doubt nothing is taken away; the refusal names the file, and that is the rest there is.
            return None
        if idle > LONGEST_DOUBT and _unknown(report):
            return report
        step = min(LONGEST_STEP, max(step, 5.0) * 1.5) if not report.writes else 0.0
        history.advance(max(step, report.plan.look_again_seconds or 10.0))
    history.judge.find(Invariant.CONVERGENCE, f"not at rest after {MOST_PASSES} passes")
    return None


def _unknown(report: Report) -> bool:
    """Nobody knows what stands, and on a hub that applies what was approved a person must let it in."""
    return any(one.code is RefusalCode.STANDING_UNKNOWN for one in report.plan.refused)


def explained(history: History, report: Report) -> None:
    """Whatever is not as Git asks says which person it waits for, or why it is refused."""
    plan = report.plan
    for one in plan.attachments:
        if one.stage is Stage.ROUTED and not one.waiting_for:
            continue
        named = bool(plan.refused) or (bool(one.waiting_for) and set(one.waiting_for) <= _A_PERSONS)
        if not named or not (one.detail or plan.refused):
            waits = ", ".join(one.waiting_for) or "nothing"
            history.judge.find(
                Invariant.CONVERGENCE, f"{one.key} rests at {one.stage}, waits for {waits}, and nobody says why"
            )
    told = {one.key for one in plan.attachments if one.waiting_for and set(one.waiting_for) <= _A_PERSONS}
    for change in plan.changes:
        # A cut-over waits for a condition, a policy for who names it; whether that moves by itself the attachment's own row says.
        explained_there = change.waits_for in _TOLD_BY_ROWS and bool(told.intersection(change.attachments))
        if change.waits_for not in _A_PERSONS and not explained_there:
            history.judge.find(
                Invariant.CONVERGENCE, f"{change.verb} {change.resource} waits for {change.waits_for} for ever"
            )


def settled(history: History) -> None:
    """A converged hub carries every connection that Git asks for under its tenant, and no other."""
    asked, today = history.judge.packets.asked[-1], history.desk.world.clock.now().date()
    blocked = history.judge.packets.blocked()
    for cluster in CLUSTERS:
        for namespace in NAMESPACES:
            tenant = asked.claimant(cluster, namespace)
            if not tenant or find(history.desk.world.clusters[cluster], "Namespace", namespace) is None:
                continue
            for url in PROBES:
                packet = history.desk.send(cluster, namespace, url)
                wanted = asked.allows(tenant, url, today) and tenant not in blocked
                holder = history.judge.books.holder(packet.source) if packet.source else ""
                if not packet.pod:
                    continue
                if wanted != (packet.verdict is Verdict.ALLOWED) or (packet.source and holder != tenant):
                    history.judge.find(
                        Invariant.PACKETS,
                        f"converged, but {namespace} on {cluster} ({tenant}) to {url} is {packet.verdict} as "
                        f"{packet.source or 'nobody'}: {packet.reason}",
                    )
                    return


def _taken_by_hand(history: History, generation: Generation) -> bool:
    """Somebody set a gateway up in the range after it was freed: what is there now is his."""
    return any(
        cluster == generation.key.cluster and IPv4Network(cidr_of(cluster, slot)).overlaps(generation.range)
        for cluster, _, slot in history.made_by_hand
    )


def nothing_left(history: History, report: Report) -> None:
    """Of what the ledger calls freed nothing is left, and no namespace of ours points to it."""
    books = history.judge.books
    live = books.live()
    given_up = {
        record.generation
        for record in books.ledger.records
        if record.kind is RecordKind.FREED and record.author == "forget"
    }
    for generation in books.ledger.generations.values():
        if generation.id in given_up:
            continue
        if generation.holding in (Holding.HELD, Holding.LEAVING) or any(
            one.range.overlaps(generation.range) for one in live
        ):
            continue
        view = history.desk.world.clusters[generation.key.cluster]
        left = [words for words in remains(history.desk.world, HUB, generation) if "theirs" not in words]
        if left and not _taken_by_hand(history, generation):
            history.judge.find(Invariant.RANGES, f"{generation.range} is freed and there is {left[0]}")
        for name in NAMESPACES:
            namespace = find(view, "Namespace", name)
            asked = history.judge.packets.asked[-1]
            lost = namespace is not None and points_at(view, namespace, generation)
            # With a bypass the annotation names a policy, and a later generation may bear the name of one long freed.
            meant = namespace is not None and any(
                one.key.cluster == view.name and points_at(view, namespace, one) for one in live
            )
            if lost and not meant and report.converged and asked.claimant(view.name, name) == generation.key.tenant:
                history.judge.find(Invariant.CONVERGENCE, f"{name} still points to {generation.gateway}")
