"""One object of ours, as it is found and as it is wanted: what is written, and what is only told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from planning_builders import (
    CLUSTER,
    HUB,
    NOON,
    PODS,
    RANGE,
    a_gateway,
    a_generation,
    a_resource,
    a_situation,
    managed,
    seen,
    the_attachment,
)

from function_app.model.plan import Apply, ChangeReason, RefusalCode, Verb
from function_app.model.resources import Kind, Resource, ResourceId
from function_app.model.state import HubState
from function_app.planning import RELEASE
from function_app.planning.cluster_resources import FILTER_NAME, export_filter, generation_resources
from function_app.planning.facts import cluster_facts
from function_app.planning.keeping import Draft, keep, rendered_key

GENERATION = a_generation()
POOL = next(one for one in generation_resources(HUB, GENERATION, the_attachment(), ()) if one.id.kind is Kind.IP_POOL)
FILTER = export_filter(HUB, [RANGE])
KEY = rendered_key(CLUSTER, POOL.id)
GOING: dict[str, Any] = {"deletionTimestamp": NOON.isoformat()}
THEIRS = a_resource(Kind.POD, "x", "theirs", status={"podIP": str(RANGE[1])})


def found(wanted: Resource, spec: Mapping[str, Any], **metadata: Any) -> Resource:
    """The object as it stands, ours, with other fields in its spec."""
    body = managed(wanted.body)
    body["metadata"] = {**body["metadata"], "uid": "uid-7", "resourceVersion": "42", **metadata}
    body["spec"] = {**wanted.body["spec"], **spec}
    return Resource(wanted.id, body)


def kept(
    wanted: Resource,
    *standing: Resource,
    rendered: Mapping[str, tuple[str, str]] | None = None,
    without: tuple[Kind, ...] = (),
) -> tuple[bool, Draft]:
    """What becomes of it."""
    cluster = seen(*standing, without=(Kind.IP_POOL, Kind.BGP_FILTER, *without))
    situation = a_situation(cluster, state=HubState(rendered=rendered or {}))
    facts = cluster_facts(situation, (GENERATION,))[CLUSTER]
    draft = Draft()
    return keep(situation, facts, draft, wanted, source="source", born=GENERATION), draft


def test_what_is_missing_is_created() -> None:
    """It is new, unless it stood there once: then somebody deleted it."""
    fine, draft = kept(POOL)
    again, repaired = kept(POOL, rendered={KEY: ("source", RELEASE)})

    assert fine
    assert again
    assert [(Verb.CREATE, ChangeReason.NEW, Apply(POOL.body))] == [(c.verb, c.reason, c.write) for c in draft.changes]
    assert [ChangeReason.DRIFT] == [change.reason for change in repaired.changes]
    assert {KEY} == draft.wanted


@pytest.mark.parametrize(
    ("standing", "keeper"),
    [
        ((a_gateway(), *PODS), "EgressGateway/"),
        ((a_resource(Kind.EGRESS_GATEWAY, "tenant0-egw", "tenant0-egw", **GOING), *PODS), ""),
        (PODS, ""),
        ((THEIRS,), "Pod/"),
        ((Resource(THEIRS.id, {**THEIRS.body, "metadata": {**THEIRS.metadata, **GOING}}),), ""),
        ((), ""),
    ],
    ids=["gateway", "going-gateway", "pods-of-a-gateway-that-went", "somebodys-pod", "somebodys-going-pod", "nothing"],
)
def test_a_pool_that_is_being_deleted_is_a_persons_only_while_somebody_keeps_it(
    standing: tuple[Resource, ...], keeper: str
) -> None:
    """Nobody who goes by himself keeps it; whoever does is named."""
    fine, draft = kept(POOL, found(POOL, {}, **GOING), *standing, without=(Kind.EGRESS_GATEWAY, Kind.POD))

    assert (False, []) == (fine, draft.changes)
    assert [RefusalCode.IMMUTABLE][: bool(keeper)] == [one.code for one in draft.refused]
    assert all(keeper in one.message for one in draft.refused)


def test_what_stands_as_wanted_is_remembered_and_not_written() -> None:
    """With the definition and the release that it was rendered from."""
    fine, draft = kept(POOL, found(POOL, {}))

    assert fine
    assert ([], [], {KEY: ("source", RELEASE)}) == (draft.changes, draft.refused, draft.rendered)


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        (None, ChangeReason.EDITED),
        (("another", RELEASE), ChangeReason.EDITED),
        (("source", "0"), ChangeReason.RELEASE),
        (("source", RELEASE), ChangeReason.DRIFT),
    ],
)
def test_a_difference_is_an_edit_a_release_or_drift(before: tuple[str, str] | None, reason: ChangeReason) -> None:
    """By what it was rendered from when it last stood as wanted."""
    fine, draft = kept(POOL, found(POOL, {"natOutgoing": True}), rendered={KEY: before} if before else {})

    assert fine
    assert [(Verb.UPDATE, reason, Apply(POOL.body, force=True))] == [(c.verb, c.reason, c.write) for c in draft.changes]


@pytest.mark.parametrize("spec", [{"blockSize": 26}, {"cidr": "10.99.0.0/28"}])
def test_what_cannot_change_in_place_is_told_and_not_written(spec: dict[str, Any]) -> None:
    """A write would be refused in every pass."""
    fine, draft = kept(POOL, found(POOL, {**spec, "natOutgoing": True}))

    assert not fine
    assert ([], [RefusalCode.IMMUTABLE]) == (draft.changes, [one.code for one in draft.refused])
    assert f"spec.{next(iter(spec))} of IPPool/tenant0-pool" in draft.refused[0].message


def test_a_pool_that_is_going_cannot_be_brought_back() -> None:
    """Told with the way out; nothing is written."""
    fine, draft = kept(POOL, found(POOL, {}, deletionTimestamp="2026-11-23T11:59:00Z"))

    assert not fine
    assert ([], [RefusalCode.IMMUTABLE]) == (draft.changes, [one.code for one in draft.refused])


@pytest.mark.parametrize(
    "standing",
    [
        pytest.param({"labels": {}}, id="no labels"),
        pytest.param({"managedFields": [{"manager": "kubectl"}]}, id="another manager"),
        pytest.param({"labels": {**POOL.labels, "egress-gitops.io/hub": "hub2"}}, id="another hub"),
        pytest.param({"labels": {**POOL.labels, "egress-gitops.io/generation": "deadbeef"}}, id="another generation"),
        pytest.param({"labels": {**POOL.labels, "app.kubernetes.io/managed-by": "helm"}}, id="another tool"),
    ],
)
def test_what_lacks_one_of_our_marks_is_foreign(standing: dict[str, Any]) -> None:
    """All three marks at once, or it is somebody else's."""
    fine, draft = kept(POOL, found(POOL, {"natOutgoing": True}, **standing))

    assert not fine
    assert ([], [RefusalCode.FOREIGN_RESOURCE]) == (draft.changes, [one.code for one in draft.refused])


def test_a_shared_list_is_written_onto_the_version_that_was_read() -> None:
    """The filter holds every tenant's range: a write from an older reading would undo somebody's."""
    _, shared = kept(FILTER, found(FILTER, {"exportV4": []}))
    _, own = kept(POOL, found(POOL, {"natOutgoing": True}))

    expected = [Apply(FILTER.body, force=True, resource_version="42")]
    assert expected == [change.write for change in shared.changes]
    assert [""] == [change.write.resource_version for change in own.changes if isinstance(change.write, Apply)]
    assert ResourceId(Kind.BGP_FILTER, FILTER_NAME) == shared.changes[0].resource


def test_nothing_waits_where_drift_is_corrected() -> None:
    """The sample corrects drift."""
    _, draft = kept(POOL, found(POOL, {"natOutgoing": True}), rendered={KEY: ("source", RELEASE)})

    assert [None] == [change.waits_for for change in draft.changes]
