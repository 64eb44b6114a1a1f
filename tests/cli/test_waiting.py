"""`--until-converged`: pass after pass over a simulated hub, on its clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from cli.session import sample_files
from stories.desk import HUB, IN_ORDER, Desk

from function_app.bootstrap import assemble
from function_app.cli.printing import ExitCode
from function_app.cli.waiting import PassResult, until_converged
from function_app.model.names import HubName
from function_app.reconcile import HubBusy, reconcile
from function_app.reporting.document import ReportDocument
from function_app.reporting.json_report import report_json
from function_app.reporting.progress import Progress
from function_app.settings import Settings

HOUR = timedelta(hours=1)


@dataclass
class Log:
    """A display that remembers."""

    lines: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    def show(self, progress: Iterable[Progress], waiting: str) -> None:
        """Remember each line, and what was waited for."""
        self.lines += [line for one in progress for line in one.lines]
        self.waiting.append(waiting)


def passes_at(desk: Desk) -> Callable[[HubName], PassResult]:
    """Passes over the desk's hub, each with the newest commit."""

    def make_pass(hub: HubName) -> PassResult:
        try:
            report = reconcile(hub, desk.tree(), desk.ports, IN_ORDER, holder="here", draw=desk.draw)
        except HubBusy as problem:
            return PassResult.failed(hub, str(problem), busy=True)
        waits = desk.ports.state.read().waits
        return PassResult.of_report(report, report_json(report, waits), ReportDocument.of_report(report, waits))

    return make_pass


def a_desk() -> Desk:
    """The walkthrough's world with the whole sample merged."""
    desk = Desk.at()
    desk.commit(sample_files())
    return desk


def test_passes_follow_each_other_until_all_is_routed() -> None:
    """The time between them is what each plan asks for; the firewall's operation is started, waited for and done."""
    desk, log = a_desk(), Log()
    result = until_converged([HUB], passes_at(desk), desk.ports.clock, HOUR, log)[HUB]
    assert (ExitCode.DONE, True) == (result.code, result.ended)
    assert result.document is not None
    assert {"routed"} == {row.stage for row in result.document.attachments}
    told = [line.split(" ", 1)[1] for line in log.lines]
    assert "tenant0@spoke1-aks 10.99.0.0/29 routed" in told
    started = told.index("firewall/hub1 RuleCollectionGroup/egress-000 is being written")
    done = next(index for index, line in enumerate(told) if line.startswith("firewall/hub1") and " done, " in line)
    assert started < done
    assert any(words.startswith("next pass in ") for words in log.waiting)


def test_the_time_out_ends_it_not_converged() -> None:
    """2: what was started goes on by itself."""
    desk = a_desk()
    before = desk.ports.clock.now()
    result = until_converged([HUB], passes_at(desk), desk.ports.clock, timedelta(seconds=30), Log())[HUB]
    assert (ExitCode.PENDING, False) == (result.code, result.ended)
    assert timedelta(seconds=30) <= desk.ports.clock.now() - before < timedelta(minutes=2)


def test_a_busy_hub_is_tried_again_shortly() -> None:
    """Somebody else's pass ends soon, or its lease runs out; it is said once."""
    desk, log = a_desk(), Log()
    assert desk.ports.leases.acquire(HUB, "somebody else") is not None
    result = until_converged([HUB], passes_at(desk), desk.ports.clock, HOUR, log)[HUB]
    assert ExitCode.DONE is result.code
    assert ["hub1: another pass over hub1 is under way"] == [line for line in log.lines if "under way" in line]


def test_a_hub_that_stays_busy_is_pending() -> None:
    """Nothing was refused and nothing failed."""
    desk = a_desk()
    assert desk.ports.leases.acquire(HUB, "somebody else") is not None
    result = until_converged([HUB], passes_at(desk), desk.ports.clock, timedelta(seconds=10), Log())[HUB]
    assert (ExitCode.PENDING, "another pass over hub1 is under way") == (result.code, result.problem)


def test_one_hub_that_fails_leaves_the_other_to_converge() -> None:
    """Hubs are independent."""
    desk = a_desk()
    here = passes_at(desk)

    def make_pass(hub: HubName) -> PassResult:
        return here(hub) if hub == HUB else PassResult.failed(hub, "its ledger is full")

    other = HubName("hub2")
    results = until_converged([HUB, other], make_pass, desk.ports.clock, HOUR, Log())
    assert (ExitCode.DONE, ExitCode.REFUSED) == (results[HUB].code, results[other].code)


def test_a_cluster_that_cannot_be_connected_to_holds_up_nobody_else(tmp_path: Path) -> None:
    """Its kubeconfig becomes unreadable; a tenant that is merged then is routed on the other cluster all the same."""
    files = sample_files()
    desk, tenant1 = Desk.at(), files.pop("tenants/tenant1.yaml")
    desk.commit(files)
    desk.settle()
    desk.commit({"tenants/tenant1.yaml": tenant1})
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("kind: [")
    settings = Settings.from_environment(
        {
            "EGRESS_REPOSITORY": "/nowhere",
            "EGRESS_STATE_FOLDER": str(tmp_path / "state"),
            "EGRESS_KUBECONFIG": str(kubeconfig),
            "EGRESS_ARM_TOKEN_FILE": str(tmp_path / "token"),
        }
    )
    with assemble(settings) as parts:
        broken = parts.ports(HUB, desk.tree().tree).clusters["spoke2-aks"]
        desk.ports = replace(desk.ports, clusters={**desk.ports.clusters, "spoke2-aks": broken})
        result = until_converged([HUB], passes_at(desk), desk.ports.clock, HOUR, Log())[HUB]
    assert result.document is not None
    assert {"tenant0@spoke1-aks": "routed", "tenant1@spoke1-aks": "routed", "tenant1@spoke2-aks": "absent"} == {
        row.name: row.stage for row in result.document.attachments
    }
    assert ExitCode.REFUSED is result.code
    assert [("target-rejected", "cluster/spoke2-aks")] == [(row.code, row.subject) for row in result.document.refused]
    assert "is not YAML" in result.document.refused[0].message
