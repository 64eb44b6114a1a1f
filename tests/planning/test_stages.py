"""When each of the five conditions holds, and which words say why it does not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from planning_builders import (
    NOON,
    PODS,
    RANGE,
    a_deployment,
    a_gateway,
    a_generation,
    a_pod,
    a_pool,
    a_resource,
    learned,
    seen,
    the_attachment,
    the_cluster,
)

from function_app.model.names import TargetName
from function_app.model.resources import Kind, Resource, Unreadable
from function_app.planning.cluster_resources import FILTER_NAME
from function_app.planning.stages import advertised, pooled, serving

GENERATION = a_generation()
GOING = "2026-11-23T11:59:00Z"


def test_a_complete_gateway_is_pooled_serving_and_advertised() -> None:
    """The state from which every other story here departs."""
    found = (
        pooled(GENERATION, the_attachment(), seen(), ()),
        serving(GENERATION, seen()),
        advertised(GENERATION, the_cluster(), seen(), learned()),
    )

    assert [(True, "", False, NOON)] * 3 == [(one.met, one.detail, one.unknown, one.evidence_at) for one in found]


@pytest.mark.parametrize(
    ("pool", "words"),
    [
        pytest.param(a_pool(cidr="10.99.0.8/29"), "has the range 10.99.0.8/29, not 10.99.0.0/29", id="another range"),
        pytest.param(a_pool(blockSize=26), "has block size 26", id="another block size"),
        pytest.param(a_pool(disabled=True), "is disabled", id="disabled"),
        pytest.param(
            a_resource(
                Kind.IP_POOL,
                "tenant0-pool",
                spec={"cidr": str(RANGE), "blockSize": 32},
                deletionTimestamp=GOING,
            ),
            "is being deleted",
            id="terminating",
        ),
        pytest.param(
            a_resource(
                Kind.IP_POOL,
                "tenant0-pool",
                spec={"cidr": str(RANGE), "blockSize": 32},
                status={"conditions": [{"type": "Allocatable", "status": "False"}]},
            ),
            "cannot be allocated from",
            id="not allocatable",
        ),
        pytest.param(
            a_resource(Kind.IP_POOL, "tenant0-pool", spec={"cidr": str(RANGE)}),
            "has block size 26",
            id="default block size",
        ),
    ],
)
def test_a_pool_that_is_not_as_it_should_be_is_no_pool(pool: Resource, words: str) -> None:
    """Range, block size, disabled, terminating, Allocatable: each is named."""
    found = pooled(GENERATION, the_attachment(), seen(pool), ())

    assert (False, f"IPPool tenant0-pool {words}") == (found.met, found.detail)


@pytest.mark.parametrize(
    ("theirs", "person"),
    [
        pytest.param({"spec": {"cidr": "10.99.0.0/28"}}, True, id="somebody else's"),
        pytest.param({"spec": {"cidr": "10.99.0.8/29"}}, False, id="beside it"),
        pytest.param({"spec": {"cidr": "fd00::/64"}}, False, id="no IPv4"),
        pytest.param({"spec": {"cidr": "10.99.0.0/28", "disabled": True}}, False, id="disabled, which keeps nobody"),
        pytest.param({"spec": {"cidr": "10.99.0.0/28"}, "deletionTimestamp": GOING}, False, id="on its way out"),
    ],
)
def test_a_pool_that_somebody_elses_keeps_from_allocating_waits_for_a_person(
    theirs: dict[str, Any], person: bool
) -> None:
    """Passes take nobody's pool away; what goes by itself, or keeps nobody from anything, is not named."""
    conditions = [{"type": "Allocatable", "status": "False", "reason": "CIDROverlap"}]
    spec = {"cidr": str(RANGE), "blockSize": 32}
    ours = a_resource(Kind.IP_POOL, "tenant0-pool", spec=spec, status={"conditions": conditions})
    observed = seen(ours, a_resource(Kind.IP_POOL, "theirs", **theirs))

    found = pooled(GENERATION, the_attachment(), observed, (GENERATION,))
    of_ours = pooled(GENERATION, the_attachment(), observed, (GENERATION, a_generation(pool="theirs")))

    assert (False, person, person) == (found.met, found.person, "theirs (10.99.0.0/28)" in found.detail)
    assert (False, False) == (of_ours.met, of_ours.person)


def test_a_pool_that_says_allocatable_is_one() -> None:
    """Where the API says so it must say True; other conditions do not matter."""
    conditions = [{"type": "Other", "status": "False"}, {"type": "Allocatable", "status": "True"}]
    pool = a_resource(
        Kind.IP_POOL, "tenant0-pool", spec={"cidr": str(RANGE), "blockSize": 32}, status={"conditions": conditions}
    )

    assert pooled(GENERATION, the_attachment(), seen(pool), ()).met


def test_a_pool_without_a_block_size_has_calicos_own() -> None:
    """It is 26 (Tigera docs, reference/resources/ippool), which is what an adopted pool may have."""
    attachment = the_attachment()
    wide = attachment.model_copy(update={"gateway": attachment.gateway.model_copy(update={"block_size": 26})})
    standing = seen(a_resource(Kind.IP_POOL, "tenant0-pool", spec={"cidr": str(RANGE)}))

    assert [True, False] == [pooled(GENERATION, each, standing, ()).met for each in (wide, attachment)]


def test_a_gateway_that_names_no_replicas_wants_one() -> None:
    """That is the operator's default: its Deployment of one is not taken for a half rolled out one."""
    gateway = a_gateway()
    body = {**gateway.body, "spec": {key: value for key, value in gateway.spec.items() if key != "replicas"}}

    assert serving(GENERATION, seen(Resource(gateway.id, body), a_deployment(1))).met


def test_without_a_pool_nothing_is_pooled() -> None:
    """The detail names it."""
    found = pooled(GENERATION, the_attachment(), seen(without=(Kind.IP_POOL,)), ())

    assert (False, "IPPool tenant0-pool does not exist", NOON) == (found.met, found.detail, found.evidence_at)


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        pytest.param(a_deployment(pool="tenant0-pool-1"), "still uses another pool", id="another pool"),
        pytest.param(a_deployment(3), "still has another number of replicas", id="another number of replicas"),
        pytest.param(
            a_deployment(labels={"egress-gitops.io/tenant": "tenant0"}), "still has other pod labels", id="labels"
        ),
        pytest.param(
            a_deployment(status={"observedGeneration": 2}),
            "has not been acted on since its last change",
            id="stale status",
        ),
        pytest.param(
            a_deployment(status={"updatedReplicas": 1}), "1 of 2 gateway pods available", id="in the middle of a roll"
        ),
        pytest.param(
            a_deployment(status={"availableReplicas": 0}), "0 of 2 gateway pods available", id="none available"
        ),
    ],
)
def test_a_deployment_that_has_not_rolled_out_our_spec_serves_nothing(resource: Resource, words: str) -> None:
    """Another pool, other labels, an old generation, a roll under way: each is named."""
    found = serving(GENERATION, seen(resource))

    assert not found.met
    assert words in found.detail
    assert found.detail.startswith("Deployment tenant0-egw/tenant0-egw")


def test_an_earlier_pod_template_is_not_ours_yet() -> None:
    """The operator has seen the new grace period only when the Deployment carries it."""
    gateway = a_gateway(terminationGracePeriodSeconds=60)

    assert not serving(GENERATION, seen(gateway, a_deployment(terminationGracePeriodSeconds=0))).met
    assert serving(GENERATION, seen(gateway, a_deployment(terminationGracePeriodSeconds=60))).met


def test_a_gateway_without_replicas_serves_nothing() -> None:
    """All of its none pods are available."""
    found = serving(GENERATION, seen(a_gateway(0), a_deployment(0), without=(Kind.POD,)))

    assert (False, "Deployment tenant0-egw/tenant0-egw has no replicas") == (found.met, found.detail)


@pytest.mark.parametrize(
    ("kind", "word"), [(Kind.EGRESS_GATEWAY, "EgressGateway"), (Kind.DEPLOYMENT, "Deployment")], ids=str
)
def test_what_is_missing_or_going_serves_nothing(kind: Kind, word: str) -> None:
    """EgressGateway and Deployment must both be there to stay."""
    going = a_resource(kind, "tenant0-egw", "tenant0-egw", deletionTimestamp=GOING)
    expected = (False, f"{word} tenant0-egw/tenant0-egw does not exist yet")

    missing = serving(GENERATION, seen(without=(kind,)))
    terminating = serving(GENERATION, seen(going))

    assert expected == (missing.met, missing.detail)
    assert expected == (terminating.met, terminating.detail)


def test_a_pod_with_an_address_of_another_range_spoils_the_gateway() -> None:
    """It would send the tenant's traffic under a stranger's address."""
    found = serving(GENERATION, seen(a_pod("egw-2", "10.99.0.9", "node-b")))

    assert (False, "gateway pod egw-2 has an address outside 10.99.0.0/29") == (found.met, found.detail)


@pytest.mark.parametrize(
    "pod",
    [
        pytest.param(a_pod("egw-2", "10.99.0.2", "node-b", ready=False), id="not ready"),
        pytest.param(a_pod("egw-2", "10.99.0.2", "node-b", deletionTimestamp=GOING), id="terminating"),
    ],
)
def test_every_replica_must_be_ready(pod: Resource) -> None:
    """A Deployment that counts a pod which does not take traffic is behind the times."""
    found = serving(GENERATION, seen(pod))

    assert (False, "1 of 2 gateway pods ready") == (found.met, found.detail)


def test_the_filter_must_accept_the_range_and_end_in_a_reject() -> None:
    """An Accept alone, a Reject alone, another range, and a filter that is going are not enough."""
    accept = {"action": "Accept", "matchOperator": "In", "cidr": str(RANGE)}
    reject = {"action": "Reject"}
    lists = [
        [accept],
        [reject],
        [],
        [{**accept, "cidr": "10.99.0.8/29"}, reject],
        [{**accept, "matchOperator": "NotIn"}, reject],
        [{**accept, "action": "Reject"}, reject],
        [accept, {"action": "Reject", "matchOperator": "NotIn", "cidr": "10.0.0.0/8"}],
    ]
    filters = [a_resource(Kind.BGP_FILTER, FILTER_NAME, spec={"exportV4": rules}) for rules in lists]
    going = a_resource(Kind.BGP_FILTER, FILTER_NAME, spec={"exportV4": [accept, reject]}, deletionTimestamp=GOING)

    found = [advertised(GENERATION, the_cluster(), seen(one), learned()) for one in (*filters, going)]
    missing = advertised(GENERATION, the_cluster(), seen(without=(Kind.BGP_FILTER,)), learned())

    words = f"BGPFilter {FILTER_NAME} does not accept 10.99.0.0/29"
    assert {(False, words)} == {(one.met, one.detail) for one in (*found, missing)}


def test_a_route_by_way_of_another_node_is_no_way_back() -> None:
    """Its next hop must be the pod's own node, or the answers go to a reflector."""
    routes = learned({"10.99.0.1/32": "10.1.0.6", "10.99.0.2/32": "10.1.0.4"})

    found = advertised(GENERATION, the_cluster(), seen(), routes)

    expected = "Route Server instance 0 has learned by way of 10.1.0.4 for 10.99.0.2 on node node-b"
    assert (False, expected) == (found.met, found.detail)


def test_both_instances_must_know_the_way() -> None:
    """Azure uses either."""
    found = advertised(GENERATION, the_cluster(), seen(), learned(instances=("RouteServiceRole_IN_0",)))

    expected = "Route Server instance 1 has learned nothing for 10.99.0.1 on node node-a"
    assert (False, expected) == (found.met, found.detail)


def test_every_gateway_pod_needs_its_route() -> None:
    """A pod that Azure does not know is a pod whose answers are lost."""
    found = advertised(GENERATION, the_cluster(), seen(), learned({"10.99.0.1/32": "10.1.0.6"}))

    assert (False, True) == (found.met, "nothing for 10.99.0.2" in found.detail)


def test_a_route_for_a_block_that_holds_the_pod_will_do() -> None:
    """Blocks larger than one address are announced as a whole by the node that owns them."""
    pods = (PODS[0], a_pod("egw-2", "10.99.0.3", "node-b"))
    routes = learned({"10.99.0.0/31": "10.1.0.6", "10.99.0.2/31": "10.1.0.7"})

    assert advertised(GENERATION, the_cluster(), seen(*pods), routes).met


def test_a_pod_on_a_node_that_is_gone_has_no_way_back() -> None:
    """A node without an address never equals a next hop that is missing."""
    pods = (PODS[0], a_pod("egw-2", "10.99.0.2", "node-x"))

    assert not advertised(GENERATION, the_cluster(), seen(*pods), learned()).met
    assert not advertised(GENERATION, the_cluster(), seen(*pods), learned({"10.99.0.1/32": "10.1.0.6"})).met


def test_what_was_not_read_is_unknown_and_never_met() -> None:
    """Neither an unreadable Route Server nor a listing that still runs says anything."""
    unreadable = Unreadable(TargetName("route-server/hub1"), NOON, "no answer")
    found = [advertised(GENERATION, the_cluster(), seen(), one) for one in (unreadable, learned(running=True))]

    assert [(False, True), (False, True)] == [(one.met, one.unknown) for one in found]
    assert "Route Server: no answer" == found[0].detail


def test_connections_to_other_clusters_say_nothing() -> None:
    """Only peers among this cluster's nodes count."""
    found = advertised(GENERATION, the_cluster(), seen(), learned(peer_ip="10.2.0.4"))

    assert (False, False) == (found.met, found.unknown)
    assert "no BGP connection to a node of this cluster" in found.detail


def test_evidence_is_as_old_as_its_oldest_part() -> None:
    """Routes that were answered a minute before the cluster was read make it a minute old."""
    before = NOON - timedelta(minutes=1)

    assert before == advertised(GENERATION, the_cluster(), seen(), learned(at=before)).evidence_at
    assert NOON == advertised(GENERATION, the_cluster(), seen(), learned(at=NOON + timedelta(minutes=1))).evidence_at
