"""A range is free only when nothing of its former holder is left anywhere: pods, blocks, routes, rules."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from stories.desk import HUB, Desk, describe, sample

from function_app.model.ledger import RecordKind
from function_app.model.names import MANAGED_BY_LABEL
from function_app.model.plan import WaitsFor
from simulator.model.azure.groups import State

CLUSTER = "spoke1-aks"
RANGE = "10.99.0.0/29"


def with_grace(seconds: int) -> dict[str, str | None]:
    """Tenant0 whose gateway pods take that long to go."""
    text = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"]
    changed = text.replace("{replicas: 2}", f"{{replicas: 2, terminationGraceSeconds: {seconds}}}")
    assert changed != text
    return {"tenants/tenant0.yaml": changed}


def without_rules() -> dict[str, str | None]:
    """Tenant0 that may reach nothing."""
    text = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"]
    return {"tenants/tenant0.yaml": text[: text.index("  egress:")]}


def pods(desk: Desk) -> list[str]:
    """Gateway pods of tenant0, terminating ones included."""
    found = desk.world.clusters[CLUSTER].api.objects("Pod")
    return [one["metadata"]["name"] for one in found if one["metadata"]["namespace"] == "tenant0-egw"]


def accepted(desk: Desk) -> bool:
    """The filter on spoke1 accepts tenant0's range."""
    return RANGE in str(desk.world.clusters[CLUSTER].api.objects("BGPFilter"))


def pool_stands(desk: Desk) -> bool:
    """Tenant0's pool exists."""
    return "tenant0-pool" in str(desk.world.clusters[CLUSTER].api.objects("IPPool"))


def enforced(desk: Desk) -> bool:
    """Some rule that the firewall applies allows the range."""
    return RANGE in str([one.properties for one in desk.world.hubs["hub1"].policies.enforced()])


def freed(desk: Desk) -> bool:
    """The ledger says that tenant0's range is free."""
    return RecordKind.FREED in {one.kind for one in desk.ledger.records if one.tenant == "tenant0"}


@pytest.fixture
def slow_to_go(desk: Desk) -> Desk:
    """Both tenants settled; tenant0's gateway pods need ten minutes to terminate."""
    desk.commit({**sample("tenants/tenant1.yaml"), **with_grace(600)})
    desk.settle()
    return desk


def test_pool_and_filter_entry_outlive_the_pods(slow_to_go: Desk) -> None:
    """Pods in their grace period still send: their route and their pool stay as long as they do."""
    seen: list[tuple[bool, bool, bool]] = []
    slow_to_go.commit({"tenants/tenant0.yaml": None})

    def look() -> None:
        if pods(slow_to_go):
            seen.append((accepted(slow_to_go), pool_stands(slow_to_go), freed(slow_to_go)))

    last = slow_to_go.settle(watch=look)

    assert last.converged, describe(last)
    assert len(seen) > 50
    assert {(True, True, False)} == set(seen)
    assert (False, False, True) == (accepted(slow_to_go), pool_stands(slow_to_go), freed(slow_to_go))


def test_no_pass_rests_on_a_person_while_pods_are_going(slow_to_go: Desk) -> None:
    """A pool that lost our labels is a person's; the pods go by themselves, and the filter entry goes with them."""
    api = slow_to_go.world.clusters[CLUSTER].api
    api.merge_patch(
        "IPPool", None, "tenant0-pool", {"metadata": {"labels": {MANAGED_BY_LABEL: None}}}, manager="kubectl-edit"
    )
    slow_to_go.commit({"tenants/tenant0.yaml": None})
    waits: set[tuple[WaitsFor, ...]] = set()

    def look() -> None:
        if pods(slow_to_go) and accepted(slow_to_go):
            waits.add(slow_to_go.attachment("tenant0", CLUSTER).waiting_for)

    last = slow_to_go.settle(watch=look)
    slow_to_go.world.advance(3600)
    later = slow_to_go.run_pass()

    assert (WaitsFor.FOREIGN, WaitsFor.PODS_GONE) in waits
    assert (WaitsFor.FOREIGN,) not in waits
    assert (None, (WaitsFor.FOREIGN,)) == (
        last.plan.look_again_seconds,
        slow_to_go.attachment("tenant0", CLUSTER).waiting_for,
    )
    assert (False, True, 0) == (accepted(slow_to_go), pool_stands(slow_to_go), later.writes)


@pytest.mark.parametrize("still_there", [enforced, accepted, pool_stands], ids=lambda one: str(one.__name__))
def test_nothing_is_freed_while_something_is_left(settled: Desk, still_there: Callable[[Desk], bool]) -> None:
    """At no moment does the ledger call a range free that firewall, filter or pool still know."""
    contradictions: list[bool] = []
    settled.commit({"tenants/tenant0.yaml": None})

    settled.settle(watch=lambda: contradictions.append(freed(settled) and still_there(settled)))

    assert freed(settled)
    assert not any(contradictions)


def test_a_range_whose_rules_are_being_rewritten_is_not_free(settled: Desk) -> None:
    """While the shard without the tenant is still Updating the old rules hold, and so does the range."""
    settled.commit({"tenants/tenant0.yaml": None})
    waits: set[WaitsFor] = set()
    contradictions: list[bool] = []
    for _ in range(12):
        settled.run_pass()
        waits.update(settled.attachment("tenant0", CLUSTER).waiting_for)
        contradictions.append(freed(settled) and enforced(settled))
        settled.world.advance(15)

    assert WaitsFor.RULES_GONE in waits
    assert not any(contradictions)


@pytest.mark.parametrize("state", [State.UPDATING, State.FAILED])
def test_a_range_is_not_free_while_what_a_shard_holds_cannot_be_told(slow_to_go: Desk, state: State) -> None:
    """No rule for it is shown or remembered; while a shard does not say Succeeded there may be one all the same."""
    groups = slow_to_go.world.hubs["hub1"].policies.policy("tenants").groups
    slow_to_go.commit({"tenants/tenant0.yaml": None})
    for _ in range(20):
        slow_to_go.run_pass()
        slow_to_go.world.advance(15)
    assert (True, False) == (bool(pods(slow_to_go)), enforced(slow_to_go))
    too_early = False
    for _ in range(40):
        for group in groups.values():
            group.state = state if group.name.startswith("egress-") else group.state
        slow_to_go.run_pass()
        too_early = too_early or freed(slow_to_go)
        slow_to_go.world.advance(15)
    assert not too_early
    waits = slow_to_go.attachment("tenant0", CLUSTER).waiting_for

    for group in groups.values():
        group.state = State.SUCCEEDED
    slow_to_go.settle()

    assert ((WaitsFor.RULES_GONE,), True) == (waits, freed(slow_to_go))


def test_a_range_that_azure_still_routes_is_not_free(desk: Desk) -> None:
    """Both reflectors die as the tenant goes: Route Server keeps its routes for the hold time, and the range is held so long."""
    desk.commit(without_rules())
    desk.settle()
    desk.commit({"tenants/tenant0.yaml": None})
    desk.run_pass()
    for node in ("spoke1-0", "spoke1-1"):
        desk.world.clusters[CLUSTER].set_node_ready(node, ready=False)
    waits: set[WaitsFor] = set()
    for _ in range(10):
        desk.world.advance(10)
        desk.run_pass()
        waits.update(desk.attachment("tenant0", CLUSTER).waiting_for)
    too_early = freed(desk)
    desk.world.advance(120)
    for node in ("spoke1-0", "spoke1-1"):
        desk.world.clusters[CLUSTER].set_node_ready(node, ready=True)

    last = desk.settle()

    assert WaitsFor.ROUTES_GONE in waits
    assert not too_early
    assert last.converged, describe(last)
    assert freed(desk)


def test_a_range_is_not_free_while_the_connection_that_taught_it_is_being_deleted(desk: Desk) -> None:
    """A reflector died, only its routes are left, and somebody deletes its connection: what that teaches cannot be asked."""
    desk.commit(without_rules())
    desk.settle()
    desk.commit({"tenants/tenant0.yaml": None})
    desk.run_pass()
    desk.world.clusters[CLUSTER].set_node_ready("spoke1-0", ready=False)
    for _ in range(10):
        desk.world.advance(10)
        desk.run_pass()
    server = desk.world.hubs[HUB].route_server
    (left,) = {connection for connection, _, _ in server.learned()}
    server.delete(left)

    desk.run_pass()
    waits, too_early = desk.attachment("tenant0", CLUSTER).waiting_for, freed(desk)
    desk.world.advance(15)
    desk.run_pass()

    assert ((WaitsFor.ROUTES_GONE,), False) == (waits, too_early)
    assert freed(desk)


def test_a_block_that_ipam_forgot_holds_its_range(settled: Desk) -> None:
    """A block inside the range outlives its pool: whoever got the range next would share addresses with it."""
    api = settled.world.clusters[CLUSTER].api
    ipam = api.component("calico-ipam", direct=True)
    spec = {"cidr": "10.99.0.6/32", "affinity": "host:spoke1-3", "allocations": {"10.99.0.6": "x/x"}}
    block = {"kind": "IPAMBlock", "metadata": {"name": "10-99-0-6-32"}, "spec": spec}
    settled.commit({"tenants/tenant0.yaml": None})
    settled.run_pass()
    waits: set[WaitsFor] = set()
    for _ in range(60):
        if "10-99-0-6-32" not in str(api.objects("IPAMBlock")):
            ipam.create("IPAMBlock", block)
        settled.run_pass()
        waits.update(settled.attachment("tenant0", CLUSTER).waiting_for)
        settled.world.advance(10)

    assert WaitsFor.BLOCKS_GONE in waits
    assert not freed(settled)


def test_a_range_is_not_given_out_while_its_former_holder_is_leaving(slow_to_go: Desk) -> None:
    """The newcomer waits for quarantine, and nothing is reserved for it."""
    slow_to_go.commit({"tenants/tenant0.yaml": None})
    for _ in range(5):
        slow_to_go.run_pass()
        slow_to_go.world.advance(10)
    newcomer = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"].replace("name: tenant0", "name: tenant2")
    slow_to_go.commit({"tenants/tenant2.yaml": newcomer.replace("[default]", "[other]")})

    slow_to_go.run_pass()

    waiting = slow_to_go.attachment("tenant2", CLUSTER)
    assert (WaitsFor.QUARANTINE,) == waiting.waiting_for
    assert "leaving" in waiting.detail
    assert "tenant2" not in {str(one.tenant) for one in slow_to_go.ledger.records}
