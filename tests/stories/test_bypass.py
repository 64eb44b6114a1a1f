"""Destinations that do not go through the gateway: by a policy of the generation's own, written before anything names it."""

from __future__ import annotations

import pytest
from stories.desk import Desk, describe, sample

from function_app.model.plan import WaitsFor
from simulator.model.faults import Action, Fault
from simulator.model.packets import Packet, Verdict

CLUSTER = "spoke1-aks"


def with_bypass(*ranges: str) -> dict[str, str | None]:
    """Tenant0 with these destinations bypassed."""
    text = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"]
    line = f"    bypass: [{', '.join(ranges)}]\n" if ranges else ""
    return {"tenants/tenant0.yaml": text.replace("  expect:", f"{line}  expect:", 1)}


def egress_annotations(desk: Desk) -> dict[str, str]:
    """Egress annotations of namespace default."""
    namespace = next(
        one for one in desk.world.clusters[CLUSTER].api.objects("Namespace") if one["metadata"]["name"] == "default"
    )
    found = namespace["metadata"].get("annotations", {})
    return {
        key.rpartition("/")[2]: value for key, value in found.items() if key.startswith("egress.projectcalico.org/")
    }


def test_bypass_comes_and_goes_in_one_patch_each_without_a_lost_packet(settled: Desk) -> None:
    """From selector to policy and back: every connection on the way is allowed and attributed."""
    packets: list[Packet] = []

    def watch() -> None:
        packets.append(settled.send(CLUSTER, "default", "http://www.tigera.io"))

    settled.commit(with_bypass("192.168.0.0/16"))
    there = settled.settle(watch=watch)
    with_policy = egress_annotations(settled)
    settled.commit(with_bypass())
    back = settled.settle(watch=watch)

    assert there.converged, describe(there)
    assert back.converged, describe(back)
    assert {"egressGatewayPolicy": "tenant0-egw"} == with_policy
    assert {"selector", "namespaceSelector"} == set(egress_annotations(settled))
    assert {(Verdict.ALLOWED, "tenant0")} == {(packet.verdict, packet.range_tenant) for packet in packets}


def test_the_policy_goes_when_nobody_names_it_any_more(settled: Desk) -> None:
    """After the bypass is dropped no EgressGatewayPolicy of ours is left."""
    settled.commit(with_bypass("192.168.0.0/16"))
    settled.settle()
    settled.commit(with_bypass())
    settled.settle()

    assert not settled.world.clusters[CLUSTER].api.objects("EgressGatewayPolicy")


def test_bypassed_destinations_leave_as_the_node(settled: Desk) -> None:
    """A private destination inside the bypass is reached without the gateway."""
    settled.commit(with_bypass("198.51.100.0/24"))
    settled.settle()

    packet = settled.send(CLUSTER, "default", "https://198.51.100.20")

    assert "" == packet.range_tenant
    assert "10.1.0." in str(packet.source)


def test_a_policy_that_is_refused_is_not_named(settled: Desk) -> None:
    """Its write is forbidden: the annotation keeps its selectors, and no connection is lost."""
    packets: list[Packet] = []
    settled.world.faults.add(
        Fault(
            target=f"cluster/{CLUSTER}",
            kind="EgressGatewayPolicy",
            verb="apply",
            action=Action.REFUSE,
            status=403,
            count=0,
        )
    )
    settled.commit(with_bypass("192.168.0.0/16"))
    for _ in range(5):
        settled.run_pass()
        packets.append(settled.send(CLUSTER, "default", "http://www.tigera.io"))
        settled.world.advance(20)

    assert {"selector", "namespaceSelector"} == set(egress_annotations(settled))
    assert {(Verdict.ALLOWED, "tenant0")} == {(packet.verdict, packet.range_tenant) for packet in packets}


def test_a_policy_that_a_namespace_still_names_stays(settled: Desk) -> None:
    """The bypass goes, and the namespace cannot be changed: its policy stays, or all its traffic would be dropped."""
    settled.commit(with_bypass("192.168.0.0/16"))
    settled.settle()
    settled.world.faults.add(
        Fault(target=f"cluster/{CLUSTER}", kind="Namespace", verb="patch", action=Action.REFUSE, status=403, count=0)
    )
    settled.commit(with_bypass())
    packets: list[Packet] = []
    for _ in range(5):
        settled.run_pass()
        packets.append(settled.send(CLUSTER, "default", "http://www.tigera.io"))
        settled.world.advance(20)

    assert {"egressGatewayPolicy": "tenant0-egw"} == egress_annotations(settled)
    assert {(Verdict.ALLOWED, "tenant0")} == {(packet.verdict, packet.range_tenant) for packet in packets}


def test_a_policy_that_a_stranger_names_waits_for_him(settled: Desk) -> None:
    """Nobody but a person takes his annotation off: no pass looks for that every minute, and the policy stays meanwhile."""
    api = settled.world.clusters[CLUSTER].api
    settled.commit(with_bypass("192.168.0.0/16"))
    settled.settle()
    annotations = {"egress.projectcalico.org/egressGatewayPolicy": "tenant0-egw"}
    api.create("Namespace", None, {"metadata": {"name": "stranger", "annotations": annotations}}, manager="kubectl")
    settled.commit(with_bypass())

    resting = settled.settle()

    assert resting.stopped, describe(resting)
    assert [WaitsFor.FOREIGN] == [change.waits_for for change in resting.plan.changes]
    assert api.objects("EgressGatewayPolicy")


@pytest.mark.parametrize("lost", [False, True], ids=["it still has its selectors", "somebody took its annotations off"])
def test_a_policy_that_cannot_be_written_yet_is_not_named(settled: Desk, *, lost: bool) -> None:
    """The gateway's namespace is being deleted when a bypass comes: until it is back the selectors stay, or are restored."""
    api = settled.world.clusters[CLUSTER].api
    api.delete("Namespace", None, "tenant0-egw")
    if lost:
        gone = {f"egress.projectcalico.org/{one}": None for one in ("selector", "namespaceSelector")}
        api.merge_patch("Namespace", None, "default", {"metadata": {"annotations": gone}}, manager="kubectl-edit")
    settled.commit(with_bypass("192.168.0.0/16"))

    first = settled.run_pass()
    meanwhile = egress_annotations(settled)
    last = settled.settle()

    assert "EgressGatewayPolicy/tenant0-egw" not in {str(one.resource) for one in first.plan.changes}, describe(first)
    assert {"selector", "namespaceSelector"} == set(meanwhile)
    assert last.converged, describe(last)
    assert {"egressGatewayPolicy": "tenant0-egw"} == egress_annotations(settled)
