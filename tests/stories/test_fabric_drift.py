"""What people change by hand in the fabric is put right, and what would hurt is not."""

from __future__ import annotations

import pytest
from stories.desk import HUB, Desk
from stories.fabric_worlds import (
    CLUSTER,
    OLD,
    OTHER,
    annotate,
    cluster_ids,
    connections,
    mesh,
    put_connection,
    stored,
    watched,
    written,
)

from function_app.model.plan import ChangeReason, Verb
from function_app.model.resources import Kind
from simulator.model.packets import Packet, Verdict


def test_a_cluster_id_that_a_person_removed_comes_back(routed: Desk) -> None:
    """Drift; meanwhile the other reflector carries everything."""
    packets: list[Packet] = []
    since = len(routed.reports)
    annotate(routed, "spoke1-1", None)

    watched(routed, packets)

    assert {"spoke1-0", "spoke1-1"} == set(cluster_ids(routed))
    assert [(Kind.NODE, ChangeReason.DRIFT)] == [
        (one.change.resource.kind, one.change.reason) for one in written(routed, since)
    ]
    assert {Verdict.ALLOWED} == {one.verdict for one in packets}


@pytest.mark.parametrize(
    "patch", [{"nodeToNodeMeshEnabled": True}, {"asNumber": 64999}, {"nodeToNodeMeshEnabled": True, "asNumber": 1}]
)
def test_bgp_configuration_that_a_person_changed_is_put_right(routed: Desk, patch: dict[str, object]) -> None:
    """Of somebody else's object two keys are ours; the rest of it stays as it is."""
    api = routed.world.clusters[CLUSTER].api
    body = {"spec": {**patch, "logSeverityScreen": "Debug"}}
    api.merge_patch("BGPConfiguration", None, "default", body, manager="kubectl-edit")
    since = len(routed.reports)

    watched(routed, [])

    spec = stored(routed, "BGPConfiguration")["default"]["spec"]
    assert (63400, False, "Debug") == (spec["asNumber"], spec["nodeToNodeMeshEnabled"], spec["logSeverityScreen"])
    assert {ChangeReason.DRIFT} == {one.change.reason for one in written(routed, since)}


def test_bgp_configuration_that_a_person_deleted_is_made_again(routed: Desk) -> None:
    """With the mesh on at first: it goes when the sessions are seen."""
    routed.world.clusters[CLUSTER].api.delete("BGPConfiguration", None, "default")
    since = len(routed.reports)

    watched(routed, [])

    assert (63400, False) == (stored(routed, "BGPConfiguration")["default"]["spec"]["asNumber"], mesh(routed))
    assert [Verb.CREATE, Verb.UPDATE] == [one.change.verb for one in written(routed, since)]


def test_a_connection_of_ours_that_a_person_deleted_is_made_again(routed: Desk) -> None:
    """And one whose AS number was changed gets its own again."""
    server = routed.world.hubs[HUB].route_server
    server.delete(OLD)
    routed.world.advance(20)
    put_connection(routed, OTHER, "10.1.0.5", 64999)

    watched(routed, [])

    assert {OLD: ("10.1.0.4", 63400), OTHER: ("10.1.0.5", 63400)} == {
        name: one for name, one in connections(routed).items() if CLUSTER in name
    }
