"""What must hold before the first write: said in words, and nothing is written where it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from stories.desk import HUB, IN_ORDER, PLATFORM, ROOT, Desk, describe, sample
from stories.interruptions import writes_to
from stories.striking import (
    CLUSTER,
    MIGRATIONS,
    STRIKES,
    TARGET,
    TENANTS,
    Act,
    api,
    created,
    deleted,
    migrating,
    patched,
    with_status,
)

from function_app.gathering import Patience
from function_app.model.ledger import RecordKind
from function_app.model.plan import RefusalCode, Stage, WaitsFor
from function_app.model.report import Report
from function_app.model.resources import Kind
from function_app.model.state import DecisionKind
from function_app.observing import observe_cluster
from function_app.reconcile import preview
from simulator.model.documents import WorldDocument
from simulator.model.faults import Action, Fault
from simulator.model.packets import Verdict
from simulator.model.world import World


def with_firewall(**changes: Any) -> Desk:
    """The walkthrough with another firewall."""
    document = yaml.safe_load((Path(ROOT) / "simulator" / "worlds" / "walkthrough.yaml").read_text())
    document["hubs"]["hub1"]["firewall"].update(changes)
    if changes.get("basePolicy") == "":
        document["hubs"]["hub1"]["baseGroups"] = []
    desk = Desk.at(World(WorldDocument.model_validate(document)))
    desk.commit(sample(*PLATFORM, "tenants/tenant0.yaml"))
    return desk


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        pytest.param(
            {"policy": "", "basePolicy": ""}, RefusalCode.TARGET_REJECTED, "classic rules", id="classic firewall"
        ),
        pytest.param(
            {"afcManaged": True},
            RefusalCode.POLICY_UNSUITABLE,
            "afcManaged",
            id="managed by the container control plane",
        ),
    ],
)
def test_an_unsuitable_firewall_is_refused_with_what_to_do(
    changes: dict[str, Any], code: RefusalCode, words: str
) -> None:
    """The refusal names the way out; clusters are still prepared, no namespace is pointed, passes stop."""
    desk = with_firewall(**changes)

    report = desk.settle()

    assert any(one.code is code and words in one.message for one in report.plan.refused), describe(report)
    assert not [one for each in desk.reports for one in each.outcomes if one.change.target == "firewall/hub1"]
    assert not [one for one in desk.ledger.records if one.kind == "route"]


def refusals(report: Report) -> list[tuple[RefusalCode, str]]:
    """Code and subject of everything that is refused."""
    return [(one.code, one.subject) for one in report.plan.refused]


@pytest.mark.parametrize(("strike", "mend", "words"), STRIKES)
def test_what_is_missing_is_said_before_the_first_write_and_only_that_cluster_waits(
    desk: Desk, strike: Act, mend: Act, words: str
) -> None:
    """A new hub: the struck cluster is told what it lacks and not written, the other's tenant is routed; mended, all are."""
    strike(desk)
    desk.commit(sample(*TENANTS))

    report = desk.settle()

    assert report.stopped, describe(report)
    assert [(RefusalCode.PREFLIGHT, TARGET)] == refusals(report), describe(report)
    assert words in report.plan.refused[0].message
    assert 0 == writes_to(desk, TARGET)
    assert (WaitsFor.PERSON,) == desk.attachment("tenant0", CLUSTER).waiting_for
    assert Stage.ROUTED is desk.attachment("tenant1", "spoke2-aks").stage

    mend(desk)
    last = desk.settle()

    assert last.converged, describe(last)
    assert Stage.ROUTED is desk.attachment("tenant0", CLUSTER).stage


@pytest.mark.parametrize(("strike", "mend", "words"), [*STRIKES, *MIGRATIONS])
def test_what_stands_on_a_struck_cluster_stays_and_revocations_go_on(
    settled: Desk, strike: Act, mend: Act, words: str
) -> None:
    """A tenant is removed meanwhile: its rules go, nothing of its cluster is touched or given free, and later it leaves whole."""
    strike(settled)
    settled.commit({TENANTS[0]: None})
    before = writes_to(settled, TARGET)

    report = settled.settle()
    settled.world.advance(660)
    settled.settle()

    assert words in report.plan.refused[0].message
    assert 0 == writes_to(settled, TARGET) - before
    assert Verdict.DENIED is settled.send(CLUSTER, "default", "https://www.tigera.io").verdict
    assert Stage.ROUTED is settled.attachment("tenant1", CLUSTER).stage
    assert RecordKind.FREED not in {one.kind for one in settled.ledger.records}

    mend(settled)
    last = settled.settle()
    settled.world.advance(90_000)

    assert last.converged, describe(last)
    assert [] == [one for one in api(settled).objects("IPPool") if one["metadata"]["name"] == "tenant0-pool"]


def test_a_cluster_that_was_accepted_once_and_is_struck_later_keeps_its_connections(settled: Desk) -> None:
    """`forget` gives up what does not answer; a cluster that answers and lacks a licence is not given up."""
    settled.decide(DecisionKind.FORGET, CLUSTER)
    deleted("LicenseKey", "default")(settled)
    before = set(settled.world.hubs[HUB].route_server.connections)

    settled.settle()

    assert before == set(settled.world.hubs[HUB].route_server.connections)
    assert Verdict.ALLOWED is settled.send(CLUSTER, "default", "https://www.tigera.io").verdict


def test_a_migration_begins_and_another_cluster_gets_a_new_tenant(settled: Desk) -> None:
    """The ledger knows what is where, so only the migrating cluster waits."""
    migrating("Migrating")(settled)
    lab = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lab"}}
    settled.world.clusters["spoke2-aks"].api.create("Namespace", None, lab, manager="kubectl-create")
    tenant = yaml.safe_load(sample(TENANTS[0])[TENANTS[0]])
    tenant["metadata"]["name"] = "tenant2"
    attachment = {"cluster": "spoke2-aks", "cidr": "10.99.1.8/29", "namespaces": ["lab"]}
    tenant["spec"] |= {"attachments": [attachment], "expect": []}
    settled.commit({"tenants/tenant2.yaml": yaml.safe_dump(tenant)})

    report = settled.settle()

    assert [(RefusalCode.PREFLIGHT, TARGET)] == refusals(report), describe(report)
    assert Stage.ROUTED is settled.attachment("tenant2", "spoke2-aks").stage


def test_what_is_read_in_the_middle_of_a_migration_makes_no_hub_a_new_one(desk: Desk) -> None:
    """An empty ledger and pools that are on their way: no range is given out before the migration is Complete."""
    migrating("Migrating")(desk)
    desk.commit(sample(*TENANTS))

    report = desk.settle()

    assert report.stopped, describe(report)
    assert {RefusalCode.PREFLIGHT, RefusalCode.LEDGER_LOST} == {one.code for one in report.plan.refused}
    assert [] == desk.ledger.records

    migrating("Complete")(desk)
    last = desk.settle()

    assert last.converged, describe(last)


def test_a_cluster_without_egress_gateways_is_told_so(desk: Desk) -> None:
    """Without the CRD nothing can be known of gateways: unreadable for good, in words, while the other cluster goes on."""
    deleted("CustomResourceDefinition", "egressgateways.operator.tigera.io")(desk)
    desk.commit(sample(*TENANTS))

    report = desk.settle()

    assert (RefusalCode.TARGET_REJECTED, TARGET) in refusals(report), describe(report)
    assert any("EgressGateway is not served" in one.message for one in report.unreadable)
    assert 0 == writes_to(desk, TARGET)


def test_gateways_that_are_suddenly_not_served_are_not_gone(settled: Desk) -> None:
    """404 for the list of EgressGateways is no empty list: nothing is made again, pruned or given free."""
    settled.world.faults.add(
        Fault(target=TARGET, verb="list", kind="EgressGateway", action=Action.REFUSE, status=404, count=0)
    )
    settled.commit({TENANTS[0]: None})
    before = writes_to(settled, TARGET)

    report = settled.settle()

    assert report.stopped, describe(report)
    assert 0 == writes_to(settled, TARGET) - before
    assert RecordKind.FREED not in {one.kind for one in settled.ledger.records}
    settled.world.faults.clear()
    assert settled.settle().converged


def test_an_aggregated_api_server_that_is_down_is_named_and_waited_for(settled: Desk) -> None:
    """503 for Calico's kinds: the message says whose it is and where to look; when it is back, all is well without a person."""
    api(settled).calico_apiserver_down = True
    before = writes_to(settled, TARGET)

    report = settled.run_pass()

    assert ["Calico's aggregated API server does not answer"] == [one.message[:46] for one in report.unreadable]
    assert not report.stopped
    assert 0 == writes_to(settled, TARGET) - before
    api(settled).calico_apiserver_down = False
    assert settled.settle().converged


@pytest.mark.parametrize("status", [403, 503])
@pytest.mark.parametrize("kind", ["Installation", "LicenseKey", "TigeraStatus", "DatastoreMigration"])
def test_a_prerequisite_that_cannot_be_read_is_not_an_absent_one(settled: Desk, kind: str, status: int) -> None:
    """Only 404 says that there is none of a kind; anything else makes the cluster unreadable and writes nothing."""
    settled.world.faults.add(Fault(target=TARGET, verb="list", kind=kind, action=Action.REFUSE, status=status, count=0))
    api(settled).delete("PodDisruptionBudget", "tenant0-egw", "tenant0-egw")
    before = writes_to(settled, TARGET)

    report = settled.run_pass()

    assert [TARGET] == [str(one.target) for one in report.unreadable], describe(report)
    assert RefusalCode.PREFLIGHT not in {one.code for one in report.plan.refused}
    assert 0 == writes_to(settled, TARGET) - before


def test_a_degraded_part_of_calico_is_told_with_its_reason_and_stops_nothing(desk: Desk) -> None:
    """TigeraStatus is somebody's diagnosis, not ours: tenants are brought up all the same."""
    condition = {
        "type": "Degraded",
        "status": "True",
        "reason": "PodFailure",
        "message": "calico-node is\n" + "no " * 99,
    }
    created("TigeraStatus", "operator.tigera.io/v1", "calico", spec={})(desk)
    with_status("TigeraStatus", "calico", {"conditions": [condition]})(desk)
    desk.commit(sample(*TENANTS))

    report = desk.settle()

    assert report.converged, describe(report)
    told = [
        note for note in report.plan.notes if "TigeraStatus calico is Degraded, PodFailure: calico-node is no" in note
    ]
    assert [True] == [len(note) < 400 and note.startswith(f"{CLUSTER}: ") for note in told]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"expiry": "2026-11-01T00:00:00Z"}, "expired on 2026-11-01 and is tolerated until 2027-01-30"),
        ({"expiry": "2026-12-01T00:00:00Z"}, "expires on 2026-12-01"),
        ({"features": ["cnx", "tiers"]}, "lists its features one by one (cnx, tiers)"),
    ],
)
def test_a_licence_that_ends_soon_or_names_its_features_is_a_note(
    desk: Desk, status: dict[str, Any], words: str
) -> None:
    """What still works is not refused, and said in each pass until it is renewed."""
    patched("LicenseKey", "default", {"status": status})(desk)
    desk.commit(sample(*TENANTS))

    report = desk.settle()

    assert report.converged, describe(report)
    assert [CLUSTER] == [note.partition(":")[0] for note in report.plan.notes if words in note], report.plan.notes


def test_a_licence_leaves_the_cluster_without_its_key(desk: Desk) -> None:
    """Of a LicenseKey only name and status are kept; the key cannot reach a log, a report or a status."""
    patched("LicenseKey", "default", {"metadata": {"annotations": {"last-applied": "simulated"}}})(desk)

    seen = observe_cluster(desk.ports.clusters[CLUSTER], desk.ports.clock).get(Kind.LICENSE_KEY, "default")

    assert seen is not None
    assert seen.status["package"] == "Enterprise"
    assert "simulated" not in str(seen.body)


def test_what_grows_with_tenants_is_listed_first(desk: Desk) -> None:
    """Pages come one after the other: a long listing that is begun late would be waited for alone."""
    asked: list[object] = []

    def noted[A, B](act: Callable[[A], B], items: Iterable[A]) -> list[B]:
        here = list(items)
        asked.extend(here)
        return [act(one) for one in here]

    observe_cluster(desk.ports.clusters[CLUSTER], desk.ports.clock, each=noted)

    long = {Kind.POD, Kind.DEPLOYMENT, Kind.EGRESS_GATEWAY, Kind.IP_POOL}
    assert long == set(asked[: Patience().lists])


def test_who_sets_the_switch_of_egress_gateways_otherwise_is_named_before_and_during_the_fight(desk: Desk) -> None:
    """Before the first tenant it is told who holds the key; when that one changes it back each time, how often."""
    disabled = patched("FelixConfiguration", "default", {"spec": {"egressIPSupport": "Disabled"}})
    disabled(desk)
    first = desk.run_pass()
    desk.commit(sample(*TENANTS))
    desk.settle()
    for _ in range(5):
        disabled(desk)
        last = desk.run_pass()
        desk.world.advance(15)

    assert [True] == ["is Disabled, set by field manager kubectl-edit" in note for note in _about_switch(first)]
    assert [True] == [
        "changed back 4 times in a row, last by field manager kubectl-edit" in note for note in _about_switch(last)
    ]
    assert desk.settle().converged


def _about_switch(report: Report) -> list[str]:
    return [note for note in report.plan.notes if "egressIPSupport" in note]


def test_our_own_filter_in_a_form_that_nobody_reads_is_written_back(settled: Desk) -> None:
    """Somebody's edit holds up all filters of the cluster: it is ours, so it is repaired and not refused."""
    rule = {"action": "Reject", "matchOperator": "In", "cidr": "10.0.0.0/8", "prefixLength": {"min": 30, "max": 20}}
    patched("BGPFilter", "export-egress-ips", {"spec": {"importV4": [rule]}})(settled)

    report = settled.run_pass()

    assert [] == refusals(report)
    assert [note for note in report.plan.notes if "ours and was changed so that BIRD cannot read it" in note]
    assert settled.settle().converged


@pytest.mark.parametrize(
    "wrong", [{"asn": 65520}, {"peerIPs": ["10.0.1.4", "10.0.1.6"]}], ids=["AS number", "addresses"]
)
def test_peers_wait_while_route_server_is_another_than_the_one_defined(desk: Desk, wrong: dict[str, Any]) -> None:
    """Filter, pools and gateways are made, no peer is; the definition is corrected and the tenants are routed."""
    name = "hubs/hub1.yaml"
    hub = yaml.safe_load(sample(name)[name])
    hub["spec"]["routeServer"] |= wrong
    desk.commit({name: yaml.safe_dump(hub), **sample(*TENANTS)})

    report = desk.settle()

    assert report.stopped, describe(report)
    assert [(RefusalCode.PREFLIGHT, "route-server/hub1")] == refusals(report), describe(report)
    assert [] == [one for one in api(desk).objects("BGPPeer") if "peerIP" in one["spec"]]
    assert 0 == writes_to(desk, "route-server/hub1")
    assert Stage.SERVING is desk.attachment("tenant0", CLUSTER).stage

    desk.commit(sample(name))
    last = desk.settle()

    assert last.converged, describe(last)


def test_peers_that_stand_outlive_a_mistake_in_the_definition(settled: Desk) -> None:
    """The AS number of Route Server is mistyped: no session is dropped for it, tenants stay routed, the mistake is told."""
    name = "hubs/hub1.yaml"
    hub = yaml.safe_load(sample(name)[name])
    hub["spec"]["routeServer"]["asn"] = 65520
    before = api(settled).objects("BGPPeer")
    settled.commit({name: yaml.safe_dump(hub)})

    report = settled.settle()

    assert [(RefusalCode.PREFLIGHT, "route-server/hub1")] == refusals(report), describe(report)
    assert before == api(settled).objects("BGPPeer")
    assert Verdict.ALLOWED is settled.send(CLUSTER, "default", "https://www.tigera.io").verdict


def test_what_no_api_tells_is_named_once(desk: Desk) -> None:
    """A plan and the first pass name it; when something of ours stands, it is no news any more."""
    desk.commit(sample(*TENANTS))

    shown = preview(HUB, desk.tree(), desk.ports, IN_ORDER, draw=desk.draw)
    desk.settle()

    told = [["UDP 4790" in note for note in one.plan.notes].count(True) for one in (shown, *desk.reports)]
    assert [1, 1] == told[:2]
    assert 0 == told[-1]
