"""Moving over from the published example: what was made by hand is taken over as it is found, and packets flow throughout."""

from __future__ import annotations

from stories.desk import PLATFORM, Desk, describe, sample

from demo.published_example import CLUSTER, carry_out
from function_app.model.plan import ChangeReason, RefusalCode
from simulator.model.packets import Packet, Verdict


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
