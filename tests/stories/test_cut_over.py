"""When a namespace is pointed somewhere else, and when it stays where it is."""

from __future__ import annotations

from datetime import timedelta

from stories.desk import HUB, IN_ORDER, Desk, describe, sample

from function_app.applying import apply_plan
from function_app.model.ledger import fold
from function_app.model.names import cluster_target
from function_app.model.plan import Change, ChangeReason, MergePatch, Plan, Verb, WaitsFor
from function_app.model.report import Outcome, Result
from function_app.model.resources import Kind, ResourceId
from simulator.model.faults import Action, Fault
from simulator.model.packets import Packet, Verdict

CLUSTER = "spoke1-aks"
TARGET = "cluster/spoke1-aks"
SELECTOR = "egress.projectcalico.org/selector"


def annotations_of(desk: Desk, namespace: str) -> dict[str, str]:
    """Annotations of a namespace of spoke1."""
    found = desk.world.clusters[CLUSTER].api.objects("Namespace")
    body = next(one for one in found if one["metadata"]["name"] == namespace)
    return dict(body["metadata"].get("annotations", {}))


def tenant(name: str, cidr: str, *namespaces: str, like: str = "tenant0") -> dict[str, str | None]:
    """A tenant on spoke1 with the rules of another."""
    text = sample(f"tenants/{like}.yaml")[f"tenants/{like}.yaml"].replace(f"name: {like}", f"name: {name}")
    changed = text.replace("10.99.0.0/29", cidr).replace("[default]", f"[{', '.join(namespaces)}]")
    return {f"tenants/{name}.yaml": changed}


def test_without_a_way_back_no_namespace_is_pointed(desk: Desk) -> None:
    """Somebody's connections expect another AS number, so Azure learns nothing: the annotation waits until that is corrected."""
    standing = desk.world.hubs[HUB].route_server.connections.values()
    for connection in standing:
        connection.peer_asn = 64999
    desk.commit(sample("tenants/tenant0.yaml"))
    for _ in range(30):
        desk.run_pass()
        desk.world.advance(20)
    waiting = desk.attachment("tenant0", CLUSTER)
    before = annotations_of(desk, "default")
    notes = [note for note in desk.reports[-1].plan.notes if "expects AS number 64999, not 63400" in note]
    for connection in standing:
        connection.peer_asn = 63400

    last = desk.settle()

    assert (WaitsFor.PERSON,) == waiting.waiting_for
    assert "Route Server instance 0 has learned nothing" in waiting.detail
    assert SELECTOR not in before
    assert 4 == len(notes)
    assert last.converged, describe(last)


def test_a_gateway_that_never_becomes_available_is_waited_for(desk: Desk) -> None:
    """Its pods do not start: no cut-over, traffic is as before, and the status says what is waited for."""
    desk.world.clusters[CLUSTER].fail_pods("tenant0-egw")
    desk.commit(sample("tenants/tenant0.yaml"))
    for _ in range(30):
        desk.run_pass()
        desk.world.advance(20)

    waiting = desk.attachment("tenant0", CLUSTER)
    assert WaitsFor.SERVING in waiting.waiting_for
    assert "0 of 2 gateway pods available" in waiting.detail
    assert SELECTOR not in annotations_of(desk, "default")
    assert Verdict.DENIED == desk.send(CLUSTER, "default", "http://www.tigera.io").verdict


def test_a_renumbering_whose_new_gateway_never_starts_leaves_everything_where_it_is(settled: Desk) -> None:
    """For an hour no new gateway pod comes up: not a packet is lost, and the old gateway stays."""
    packets: list[Packet] = []
    settled.world.clusters[CLUSTER].fail_pods("tenant0-egw")
    settled.commit(tenant("tenant0", "10.99.0.16/29", "default"))
    for _ in range(60):
        settled.run_pass()
        packets.append(settled.send(CLUSTER, "default", "http://www.tigera.io"))
        settled.world.advance(60)

    assert {(Verdict.ALLOWED, "tenant0")} == {(packet.verdict, packet.range_tenant) for packet in packets}
    assert WaitsFor.SERVING in settled.attachment("tenant0", CLUSTER).waiting_for


def test_an_annotation_is_restored_at_once_though_its_gateway_is_down(settled: Desk) -> None:
    """Somebody takes it off while the gateway's pods have crashed: dropped traffic is an alarm, traffic as the node a leak."""
    cluster = settled.world.clusters[CLUSTER]
    cluster.crash_pods("tenant0-egw")
    off = {"metadata": {"annotations": {SELECTOR: None, "egress.projectcalico.org/namespaceSelector": None}}}
    cluster.api.merge_patch("Namespace", None, "default", off, manager="kubectl-edit")
    leaking = settled.send(CLUSTER, "default", "http://www.tigera.io")

    report = settled.run_pass()

    restored = [
        (str(one.change.resource), one.change.reason) for one in report.outcomes if one.result is Result.UPDATED
    ]
    assert "" == leaking.range_tenant
    assert [("Namespace/default", ChangeReason.DRIFT)] == restored
    assert Verdict.DROPPED == settled.send(CLUSTER, "default", "http://www.tigera.io").verdict


def test_while_a_renumbering_waits_an_annotation_is_restored_to_the_old_gateway(settled: Desk) -> None:
    """The new gateway does not start, and somebody takes the annotation off: the old gateway gets its traffic back at once."""
    cluster = settled.world.clusters[CLUSTER]
    before = annotations_of(settled, "default")
    cluster.fail_pods("tenant0-egw")
    settled.commit(tenant("tenant0", "10.99.0.16/29", "default"))
    for _ in range(3):
        settled.run_pass()
        settled.world.advance(20)
    off = {"metadata": {"annotations": {SELECTOR: None, "egress.projectcalico.org/namespaceSelector": None}}}
    cluster.api.merge_patch("Namespace", None, "default", off, manager="kubectl-edit")

    settled.run_pass()

    packet = settled.send(CLUSTER, "default", "http://www.tigera.io")
    assert before == annotations_of(settled, "default")
    assert (Verdict.ALLOWED, "tenant0") == (packet.verdict, packet.range_tenant)


def test_a_namespace_that_passes_to_another_tenant_is_redirected_in_one_patch(settled: Desk) -> None:
    """It stays with the first until the second is ready: every connection is somebody's, and none is dropped."""
    packets: list[Packet] = []
    api = settled.world.clusters[CLUSTER].api
    api.create("Namespace", None, {"metadata": {"name": "extra"}}, manager="kubectl")
    settled.commit({**tenant("tenant0", "10.99.0.0/29", "extra"), **tenant("tenant2", "10.99.0.32/29", "default")})

    last = settled.settle(watch=lambda: packets.append(settled.send(CLUSTER, "default", "http://www.tigera.io")))

    owners = [packet.range_tenant for packet in packets]
    assert last.converged, describe(last)
    assert {Verdict.ALLOWED} == {packet.verdict for packet in packets}
    assert ["tenant0", "tenant2"] == list(dict.fromkeys(owners))


def test_a_namespace_whose_next_tenant_gets_no_range_stays_where_it_is(settled: Desk) -> None:
    """Somebody's pool is in the way of the second tenant: the first keeps the namespace, nothing leaves as the node."""
    packets: list[Packet] = []
    api = settled.world.clusters[CLUSTER].api
    spec = {"cidr": "10.99.0.32/29", "blockSize": 31, "nodeSelector": "!all()", "vxlanMode": "Never"}
    body = {"apiVersion": "projectcalico.org/v3", "kind": "IPPool", "metadata": {"name": "theirs"}, "spec": spec}
    api.create("IPPool", None, body, manager="kubectl")
    api.create("Namespace", None, {"metadata": {"name": "extra"}}, manager="kubectl")
    settled.commit({**tenant("tenant0", "10.99.0.0/29", "extra"), **tenant("tenant2", "10.99.0.32/29", "default")})
    for _ in range(10):
        settled.run_pass()
        packets.append(settled.send(CLUSTER, "default", "http://www.tigera.io"))
        settled.world.advance(30)

    assert WaitsFor.FOREIGN in settled.attachment("tenant2", CLUSTER).waiting_for
    assert {(Verdict.ALLOWED, "tenant0")} == {(packet.verdict, packet.range_tenant) for packet in packets}


def test_an_old_gateway_is_not_retired_while_a_namespace_cannot_be_taken_off_it(settled: Desk) -> None:
    """A webhook refuses to let one namespace change: it keeps the old gateway, however long ago the others went."""
    api = settled.world.clusters[CLUSTER].api
    api.create("Namespace", None, {"metadata": {"name": "extra"}}, manager="kubectl")
    settled.commit(tenant("tenant0", "10.99.0.0/29", "default", "extra"))
    settled.settle()
    settled.world.faults.add(
        Fault(target=TARGET, verb="patch", kind="Namespace", name="extra", action=Action.REFUSE, status=403, count=0)
    )
    settled.commit(tenant("tenant0", "10.99.0.16/29", "default"))
    for _ in range(60):
        settled.run_pass()
        settled.world.advance(30)

    rules = str([one.properties for one in settled.world.hubs["hub1"].policies.enforced()])
    assert "10.99.0." in str(settled.send(CLUSTER, "default", "http://www.tigera.io").source)
    assert SELECTOR in annotations_of(settled, "extra")
    assert [one for one in api.objects("EgressGateway") if one["metadata"]["name"] == "tenant0-egw"]
    assert "10.99.0.0/29" in str(api.objects("BGPFilter"))
    assert "10.99.0.0/29" in rules


def test_a_change_whose_evidence_has_grown_old_is_left_for_the_next_pass(settled: Desk) -> None:
    """Slow writes came between reading and pointing: what was ready a minute ago may be gone."""
    now = settled.world.clock.now()
    resource = ResourceId(Kind.NAMESPACE, "default")
    write = MergePatch({"metadata": {"annotations": {SELECTOR: "late"}}})
    results: list[Outcome] = []
    for age in (61, 60):
        change = Change(
            Verb.UPDATE,
            cluster_target(CLUSTER),
            resource,
            ChangeReason.NEW,
            "a story",
            write,
            evidence_at=now - timedelta(seconds=age),
        )
        plan = settled.reports[-1].plan
        one = Plan(plan.plan_id, plan.hub, plan.commit, (change,), (), (), ())
        lease = settled.ports.leases.acquire(HUB, "story")
        assert lease is not None
        results.extend(apply_plan(one, settled.ports, lease, fold(settled.ledger.records), None, IN_ORDER))
        lease.release()

    assert [Result.SKIPPED, Result.UPDATED] == [one.result for one in results]


def test_nobody_is_first_pointed_at_a_gateway_that_the_same_pass_changes(settled: Desk) -> None:
    """One commit brings a third replica and another namespace: it waits until what was made to grow serves again."""
    api = settled.world.clusters[CLUSTER].api
    api.create("Namespace", None, {"metadata": {"name": "extra"}}, manager="kubectl")
    (file,) = tenant("tenant0", "10.99.0.0/29", "default", "extra").items()
    settled.commit({file[0]: str(file[1]).replace("replicas: 2", "replicas: 3")})

    first, before = settled.run_pass(), annotations_of(settled, "extra")
    last = settled.settle()

    assert Kind.EGRESS_GATEWAY in {one.change.resource.kind for one in first.outcomes}
    assert SELECTOR not in before
    assert SELECTOR in annotations_of(settled, "extra")
    assert last.converged, describe(last)
