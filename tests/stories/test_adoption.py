"""Moving over from the published example: what was made by hand is taken over as it is found, and packets flow throughout."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from stories.desk import PLATFORM, Desk, describe, sample
from stories.fabric_worlds import cluster_ids, label, put_connection

from demo.published_example import CLUSTER, carry_out
from function_app.model.ledger import fold
from function_app.model.names import EGRESS_ANNOTATIONS
from function_app.model.plan import ChangeReason, RefusalCode, Stage, WaitsFor
from function_app.model.resources import Kind
from function_app.model.state import HubState
from simulator.model.packets import Packet, Verdict

TENANT = "tenants/tenant0.yaml"


def by_hand() -> Desk:
    """A world in which the published walkthrough was carried out by hand."""
    desk = Desk.at()
    carry_out(desk.world)
    return desk


def adopting() -> dict[str, str | None]:
    """The sample's definitions, written so that they take over what is found."""
    files: dict[str, str | None] = dict(sample(*PLATFORM))
    cluster = str(files["clusters/spoke1-aks.yaml"])
    at = cluster.index("  bgp:\n") + len("  bgp:\n")
    files["clusters/spoke1-aks.yaml"] = f"{cluster[:at]}    adopt: true\n{cluster[at:]}"
    tenant = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"]
    line = next(line for line in tenant.splitlines() if "gateway: {replicas: 2}" in line)
    gateway = "      gateway: {replicas: 2, blockSize: 31, terminationGraceSeconds: 0}\n"
    adopt = "      adopt: {gateway: tenant0-egw, pool: tenant0-pool, labels: {tenant: tenant0-egw}}"
    files["tenants/tenant0.yaml"] = tenant.replace(line, gateway + adopt)
    return files


def test_the_published_example_is_taken_over_without_a_dropped_connection() -> None:
    """Every new connection before, during and after the take-over is allowed and leaves from tenant0's range."""
    desk = by_hand()
    packets: list[Packet] = [desk.send(CLUSTER, "default", "http://www.tigera.io")]
    desk.commit(adopting())

    last = desk.settle(watch=lambda: packets.append(desk.send(CLUSTER, "default", "http://www.tigera.io")))

    assert last.converged, describe(last)
    assert {Verdict.ALLOWED} == {packet.verdict for packet in packets}
    assert {str(packet.source)[:8] for packet in packets} == {"10.99.0."}
    assert 0 == desk.run_pass().writes


def test_taking_over_is_its_own_kind_of_change() -> None:
    """The plan calls it adopted, so that a reviewer sees that nothing new is made."""
    desk = by_hand()
    desk.commit(adopting())

    report = desk.run_pass()

    adopted = {str(one.resource) for one in report.plan.changes if one.reason is ChangeReason.ADOPTED}
    expected = {
        "IPPool/tenant0-pool",
        "EgressGateway/tenant0-egw/tenant0-egw",
        "BGPPeer/azure-route-server-a",
        "BGPPeer/azure-route-server-b",
    }
    assert expected <= adopted


def test_without_being_asked_nothing_is_taken_over() -> None:
    """The plain sample against hand-made objects: everything is refused with words and stays as it was."""
    desk = by_hand()
    desk.commit(sample(*PLATFORM, "tenants/tenant0.yaml"))

    report = desk.settle()

    objects = desk.world.clusters[CLUSTER].api.objects("BGPPeer")
    assert {RefusalCode.FOREIGN_RESOURCE, RefusalCode.RANGE_HELD} <= {one.code for one in report.plan.refused}, (
        describe(report)
    )
    assert not [one for one in objects if one["spec"].get("filters")]


def test_another_block_size_than_the_one_found_is_refused() -> None:
    """A block size cannot change in place: the message says to write it as it is found."""
    desk = by_hand()
    files = adopting()
    files["tenants/tenant0.yaml"] = str(files["tenants/tenant0.yaml"]).replace("blockSize: 31, ", "")
    desk.commit(files)

    report = desk.settle()

    assert RefusalCode.IMMUTABLE in {one.code for one in report.plan.refused}, describe(report)
    assert Verdict.ALLOWED == desk.send(CLUSTER, "default", "http://www.tigera.io").verdict


FILTER_BY_HAND = {
    "apiVersion": "projectcalico.org/v3",
    "kind": "BGPFilter",
    "metadata": {"name": "export-egress-ips"},
    "spec": {
        "exportV4": [
            {"action": "Accept", "matchOperator": "In", "cidr": "10.99.0.0/24"},
            {"action": "Reject"},
        ]
    },
}


def _with_a_filter_made_by_hand() -> Desk:
    desk = by_hand()
    api = desk.world.clusters[CLUSTER].api
    api.create("BGPFilter", None, FILTER_BY_HAND, manager="kubectl-create")
    for peer in ("azure-route-server-a", "azure-route-server-b"):
        api.merge_patch("BGPPeer", None, peer, {"spec": {"filters": ["export-egress-ips"]}}, manager="kubectl-edit")
    desk.world.advance(60)
    return desk


@pytest.mark.parametrize("made", [by_hand, _with_a_filter_made_by_hand], ids=["without a filter", "with a filter"])
def test_a_gateway_that_nobody_defines_yet_is_not_shut_out_by_taking_over(made: Callable[[], Desk]) -> None:
    """The cluster's file is merged first: filter and peers stay as they are, with the reason, until the tenant's comes too."""
    desk, files = made(), adopting()
    verdicts: list[Verdict] = []
    first = {path: text for path, text in files.items() if path != TENANT}
    desk.commit(first)

    stopped = desk.settle(watch=lambda: verdicts.append(desk.send(CLUSTER, "default", "http://www.tigera.io").verdict))
    desk.commit(files)
    last = desk.settle(watch=lambda: verdicts.append(desk.send(CLUSTER, "default", "http://www.tigera.io").verdict))

    assert stopped.stopped, describe(stopped)
    words = "EgressGateway/tenant0-egw/tenant0-egw, which Namespace/default uses, has 10.99.0.0/29, which no tenant is given"
    assert words in stopped.plan.refused[0].message
    assert last.converged, describe(last)
    assert {Verdict.ALLOWED} == set(verdicts)


def test_a_gateway_that_nobody_uses_holds_nothing_up() -> None:
    """Nothing points at a hand-made gateway that no file defines: filter and peers are taken over without it."""
    desk = by_hand()
    annotations = dict.fromkeys(EGRESS_ANNOTATIONS)
    body = {"metadata": {"annotations": annotations}}
    desk.world.clusters[CLUSTER].api.merge_patch("Namespace", None, "default", body, manager="kubectl-edit")
    desk.commit({path: text for path, text in adopting().items() if path != TENANT})

    last = desk.settle()

    assert last.converged, describe(last)
    peers = desk.world.clusters[CLUSTER].api.objects("BGPPeer")
    assert 2 == len([one for one in peers if one["spec"].get("filters") == ["export-egress-ips"]])


def test_the_mesh_is_left_first_where_no_hand_made_gateway_carries_traffic() -> None:
    """Nobody had given nodes a cluster id: the reflector without gateway pods goes first, the other one once the peering stands."""
    desk = by_hand()
    desk.commit({path: text for path, text in adopting().items() if path != TENANT})
    assert {"spoke1-0", "spoke1-2"} == set(_gateway_pods(desk).values())

    desk.run_pass()
    first = cluster_ids(desk)
    desk.world.advance(20)
    desk.run_pass()

    assert {"spoke1-1": "244.0.0.1"} == first
    assert "peer-with-route-reflectors" in {
        one["metadata"]["name"] for one in desk.world.clusters[CLUSTER].api.objects("BGPPeer")
    }
    assert {"spoke1-0", "spoke1-1"} == set(cluster_ids(desk))


def test_where_every_reflector_carries_a_hand_made_gateways_traffic_a_person_moves_it() -> None:
    """None of them is taken out of the mesh, and the words name the pod; it runs elsewhere, and passes go on by themselves."""
    desk = by_hand()
    label(desk, "spoke1-2", "true")
    put_connection(desk, "by-hand", "10.1.0.6")
    label(desk, "spoke1-1", None)
    desk.world.advance(300)
    desk.commit({path: text for path, text in adopting().items() if path != TENANT})

    stopped = desk.settle()
    changes = [one for one in stopped.plan.changes if one.resource.kind is Kind.NODE]
    moved = next(name for name in _gateway_pods(desk) if _gateway_pods(desk)[name] == "spoke1-2")
    desk.world.clusters[CLUSTER].cordon("spoke1-2")
    desk.world.clusters[CLUSTER].api.delete("Pod", "tenant0-egw", moved)
    desk.world.advance(60)
    desk.settle()

    assert {WaitsFor.PERSON} == {one.waits_for for one in changes}
    assert any(f"Pod/tenant0-egw/{moved} carries traffic there and is cut off" in one.because for one in changes)
    assert stopped.plan.look_again_seconds is None
    assert {"spoke1-0", "spoke1-2"} == set(cluster_ids(desk))


def test_another_as_number_waits_for_who_uses_a_hand_made_gateway() -> None:
    """No tenant is attached yet, and every session of the cluster would drop: refused with the number that stands."""
    desk = by_hand()
    files = {path: text for path, text in adopting().items() if path != TENANT}
    files["clusters/spoke1-aks.yaml"] = str(files["clusters/spoke1-aks.yaml"]).replace("asn: 63400", "asn: 63401")
    desk.commit(files)

    stopped = desk.settle()

    refused = next(one for one in stopped.plan.refused if one.code is RefusalCode.IMMUTABLE)
    assert (
        "AS number of spoke1-aks is 63400, the definition asks for 63401, and traffic is routed there"
        in refused.message
    )
    assert Verdict.ALLOWED == desk.send(CLUSTER, "default", "http://www.tigera.io").verdict


def _gateway_pods(desk: Desk) -> dict[str, str]:
    """The nodes of the hand-made gateway's pods by their names."""
    pods = desk.world.clusters[CLUSTER].api.objects("Pod")
    return {
        one["metadata"]["name"]: one["spec"]["nodeName"]
        for one in pods
        if one["metadata"]["namespace"] == "tenant0-egw"
    }


def test_a_filter_that_hand_made_peers_lack_is_not_made_while_it_would_shut_a_gateway_out() -> None:
    """They name it, it was deleted, and so they let out everything: a gateway in use is defined first."""
    desk = _with_a_filter_made_by_hand()
    desk.world.clusters[CLUSTER].api.delete("BGPFilter", None, "export-egress-ips")
    desk.world.advance(60)
    desk.commit(dict(sample(*PLATFORM)))

    stopped = desk.settle()
    verdict = desk.send(CLUSTER, "default", "http://www.tigera.io").verdict
    desk.commit(adopting())
    last = desk.settle()

    refused = [one for one in stopped.plan.refused if one.subject == f"cluster/{CLUSTER} BGPPeer/azure-route-server-a"]
    assert "names BGPFilter export-egress-ips, which does not exist" in refused[0].message
    assert "10.99.0.0/29, which no tenant is given here" in refused[0].message
    assert Verdict.ALLOWED == verdict
    assert last.converged, describe(last)
    assert Verdict.ALLOWED == desk.send(CLUSTER, "default", "http://www.tigera.io").verdict


def _with_range(text: object, cidr: str) -> str:
    assert "cidr: 10.99.0.0/29" in str(text)
    return str(text).replace("cidr: 10.99.0.0/29", f"cidr: {cidr}")


def _without_adopt(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if "adopt:" not in line)


@pytest.mark.parametrize("passes", [1, 4])
def test_a_range_that_was_written_wrong_can_be_corrected(passes: int) -> None:
    """Another range than the pool has is refused; once it is written as found, all is taken over and nothing waits for anything."""
    desk = by_hand()
    files = adopting()
    desk.commit({**files, TENANT: _with_range(files[TENANT], "10.99.0.64/29")})
    verdicts: list[Verdict] = []
    for _ in range(passes):
        refused = desk.run_pass().plan.refused
        desk.world.advance(20)
        verdicts.append(desk.send(CLUSTER, "default", "http://www.tigera.io").verdict)
    desk.commit({TENANT: files[TENANT]})

    last = desk.settle(watch=lambda: verdicts.append(desk.send(CLUSTER, "default", "http://www.tigera.io").verdict))

    assert {RefusalCode.IMMUTABLE, RefusalCode.FOREIGN_RESOURCE} == {one.code for one in refused}
    assert last.converged, describe(last)
    assert Stage.ROUTED is desk.attachment("tenant0", CLUSTER).stage
    assert {Verdict.ALLOWED} == set(verdicts)
    assert {"10.99.0.0/29"} == {str(one.range) for one in fold(desk.ledger.read()).live()}


def test_a_removal_before_the_namespace_was_taken_over_waits_for_whoever_pointed_it() -> None:
    """However long it takes, the gateway stays, the row says whose turn it is, and with the annotations gone the removal ends."""
    desk = by_hand()
    desk.commit(adopting())
    desk.run_pass()
    desk.commit({TENANT: None})
    verdicts: list[Verdict] = []

    for _ in range(8):
        desk.run_pass()
        desk.world.advance(6 * 3600)
        verdicts.append(desk.send(CLUSTER, "default", "http://www.tigera.io").verdict)
    waiting = desk.attachment("tenant0", CLUSTER)
    body = {"metadata": {"annotations": dict.fromkeys(EGRESS_ANNOTATIONS)}}
    desk.world.clusters[CLUSTER].api.merge_patch("Namespace", None, "default", body, manager="kubectl-edit")
    last = desk.settle()

    assert {Verdict.ALLOWED} == set(verdicts)
    assert (WaitsFor.FOREIGN,) == waiting.waiting_for
    assert "default still points at tenant0-egw by annotations that we did not set" in waiting.detail
    assert last.converged, describe(last)
    assert () == fold(desk.ledger.read()).live()


@pytest.mark.parametrize("kept", [True, False], ids=["adopt is left in the file", "adopt is taken out"])
def test_who_was_taken_over_is_renumbered_like_any_other(kept: bool) -> None:
    """`adopt` names what has the former range: the next one gets a gateway of our making, the hand-made one goes."""
    desk = by_hand()
    desk.commit(adopting())
    desk.settle()
    text = _with_range(adopting()[TENANT], "10.99.0.64/29")
    packets: list[Packet] = []
    desk.commit({TENANT: text if kept else _without_adopt(text)})

    last = desk.settle(400, watch=lambda: packets.append(desk.send(CLUSTER, "default", "http://www.tigera.io")))

    assert last.converged, describe(last)
    assert {Verdict.ALLOWED} == {packet.verdict for packet in packets}
    assert str(packets[-1].source).startswith("10.99.0.6")
    api = desk.world.clusters[CLUSTER].api
    names = {one["metadata"]["name"] for kind in ("IPPool", "EgressGateway") for one in api.objects(kind)}
    assert names.isdisjoint({"tenant0-pool", "tenant0-egw"})
    assert "tenant0-egw" in {one["metadata"]["name"] for one in api.objects("Namespace")}


def _renumbered() -> Desk:
    """Tenant0 was taken over and got another range since: its gateway lives in a namespace named for its generation."""
    desk = by_hand()
    desk.commit(adopting())
    desk.settle()
    desk.commit({TENANT: _with_range(adopting()[TENANT], "10.99.0.64/29")})
    desk.settle(400)
    return desk


def _taken_over() -> Desk:
    """Tenant0's gateway and pool were taken over; these bear names of their own."""
    desk = by_hand()
    desk.commit(adopting())
    desk.settle()
    return desk


@pytest.mark.parametrize("namespace", ["stays", "goes as well"])
@pytest.mark.parametrize("come_to", [_renumbered, _taken_over], ids=["renumbered", "taken over"])
def test_a_gateway_that_went_with_the_ledger_is_made_again_where_it_was(
    come_to: Callable[[], Desk], namespace: str
) -> None:
    """Somebody deletes the gateway, and the ledger is lost: it is recorded where it was, and who points at it leaves by it."""
    desk = come_to()
    (before,) = fold(desk.ledger.read()).live()
    api = desk.world.clusters[CLUSTER].api
    api.delete("EgressGateway", before.gateway_namespace, before.gateway)
    desk.world.advance(5)
    if namespace != "stays":
        api.delete("Namespace", None, before.gateway_namespace)
        desk.world.advance(60)
    desk.ledger.records.clear()
    desk.state.state = HubState()

    desk.settle(400)

    (after,) = fold(desk.ledger.read()).live()
    assert (before.gateway_namespace, before.gateway) == (after.gateway_namespace, after.gateway)
    assert (before.pool, before.labels) == (after.pool, after.labels)
    assert Stage.ROUTED is desk.attachment("tenant0", CLUSTER).stage
    packet = desk.send(CLUSTER, "default", "http://www.tigera.io")
    assert (Verdict.ALLOWED, "tenant0") == (packet.verdict, packet.tenant)
