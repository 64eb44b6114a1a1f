"""A body is decoded once for each content: the same bytes give the same object, and any other byte another one."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest
from answering import AnsweringServer, Outcome, Reply, Seen, answering
from hypothesis import given, settings
from hypothesis import strategies as st

from function_app.adapters.answers import Call, RequestLimits
from function_app.adapters.kubernetes_access import ApiServerAccess
from function_app.adapters.kubernetes_bodies import body_of
from function_app.adapters.kubernetes_cluster import KubernetesCluster
from function_app.model.errors import TargetUnavailable
from function_app.model.leaning import KEPT, lean
from function_app.model.names import cluster_target
from function_app.model.resources import Kind

TARGET = cluster_target("spoke1")
CALL = Call(TARGET, "list", "Pod", listing=True)


def cluster(server: AnsweringServer) -> KubernetesCluster:
    """The cluster behind a server."""
    return KubernetesCluster(TARGET, lambda: ApiServerAccess(server.url, None, lambda: "t"), RequestLimits())


def pools(*cidrs: str, version: str = "1") -> Reply:
    """A listing of pools with these ranges."""
    items = [
        {"metadata": {"name": f"pool-{number}", "uid": f"u-{number}"}, "spec": {"cidr": cidr}}
        for number, cidr in enumerate(cidrs)
    ]
    return Reply(200, {"kind": "IPPoolList", "metadata": {"resourceVersion": version}, "items": items})


def test_what_has_not_changed_is_the_same_object_and_what_has_is_seen() -> None:
    """Somebody edits one of three pools: that one is read anew, the other two are the bodies that they were."""
    with answering([pools("a", "b", "c"), pools("a", "edited", "c", version="2")]) as server:
        api = cluster(server)
        before, now = api.list(Kind.IP_POOL), api.list(Kind.IP_POOL)

    assert ["a", "edited", "c"] == [one["spec"]["cidr"] for one in now]
    assert [True, False, True] == [one is two for one, two in zip(before, now, strict=True)]


def test_only_the_last_listing_is_kept() -> None:
    """What was gone for one listing is read anew when it is back."""
    with answering([pools("a", "b"), pools("a"), pools("a", "b")]) as server:
        api = cluster(server)
        first, _, third = api.list(Kind.IP_POOL), api.list(Kind.IP_POOL), api.list(Kind.IP_POOL)

    assert [True, False] == [one is two for one, two in zip(first, third, strict=True)]


def test_a_listing_that_breaks_off_leaves_what_was_known_before() -> None:
    """The second page never comes; the next listing that does is compared with the last whole one."""
    broken = Reply(200, {"kind": "IPPoolList", "metadata": {"continue": "more"}, "items": []})

    def answers(seen: Seen) -> Outcome:
        place = len(listings)
        listings.append(seen.path)
        return (pools("a"), broken, Reply(200, b"<html>"), pools("a"))[place]

    listings: list[str] = []
    with answering(answers) as server:
        api = cluster(server)
        before = api.list(Kind.IP_POOL)
        with pytest.raises(TargetUnavailable):
            api.list(Kind.IP_POOL)
        now = api.list(Kind.IP_POOL)

    assert before[0] is now[0]


def test_of_a_cluster_that_is_closed_nothing_is_kept() -> None:
    """Other hubs need the room: the connection ends, and who lists all the same connects and reads anew."""
    with answering(lambda _: pools("a")) as server:
        api = cluster(server)
        before = api.list(Kind.IP_POOL)
        api.close()
        now = api.list(Kind.IP_POOL)

    assert 2 == len(server.connections)
    assert before == now
    assert before[0] is not now[0]


def test_kinds_do_not_share_bodies() -> None:
    """The same bytes listed as another kind are another body, with its own kind."""
    item = {"metadata": {"name": "x"}}
    listing = {kind: Reply(200, {"kind": f"{kind}List", "items": [item]}) for kind in (Kind.IP_POOL, Kind.BGP_PEER)}
    with answering([listing[Kind.IP_POOL], listing[Kind.BGP_PEER]]) as server:
        api = cluster(server)
        found = [api.list(kind)[0]["kind"] for kind in listing]

    assert ["IPPool", "BGPPeer"] == found


def test_who_owns_which_fields_is_kept_without_the_times() -> None:
    """Manager, operation, subresource and fields stand as they were sent."""
    fields: dict[str, Any] = {"f:spec": {"f:cidr": {}}}
    entry = {
        "manager": "m",
        "operation": "Apply",
        "apiVersion": "v3",
        "time": "2026-01-01T00:00:00Z",
        "fieldsV1": fields,
    }
    item = {"metadata": {"name": "x", "managedFields": [entry, entry | {"subresource": "status"}]}}

    body = body_of(CALL, Kind.IP_POOL, "v3", msgspec.Raw(orjson.dumps(item)))

    known = {"manager": "m", "operation": "Apply", "fieldsV1": fields}
    assert [known, known | {"subresource": "status"}] == body["metadata"]["managedFields"]


_leaves = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3)
_trees = st.recursive(
    _leaves,
    lambda below: (
        st.lists(below, max_size=2)
        | st.dictionaries(
            st.sampled_from(["metadata", "spec", "status", "template", "labels", "replicas", "x"]), below, max_size=4
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150)
@given(
    kind=st.sampled_from(sorted(KEPT)),
    metadata=st.dictionaries(st.sampled_from(["labels", "managedFields", "uid"]), _trees, max_size=3),
    spec=st.none() | st.dictionaries(st.sampled_from(["replicas", "nodeName", "containers"]), _trees, max_size=3),
    status=st.none()
    | st.dictionaries(st.sampled_from(["podIP", "conditions", "containerStatuses"]), _trees, max_size=3),
    template=st.none()
    | st.dictionaries(st.sampled_from(["metadata", "spec"]), st.none() | st.just({"x": 1}), max_size=2),
)
def test_what_is_left_out_on_arrival_is_what_a_search_leaves_out(
    kind: Kind, metadata: dict[str, Any], spec: dict[str, Any] | None, status: Any, template: Any
) -> None:
    """On bytes and on trees the same part of an object is kept, nulls included."""
    whole = {
        "metadata": {**metadata, "name": "x"},
        "spec": None if spec is None else {**spec, "template": template},
        "status": status,
    }

    found = body_of(CALL, kind, "v1", msgspec.Raw(orjson.dumps(whole)))

    assert lean(whole, KEPT[kind]) | {"apiVersion": "v1", "kind": kind.value} == found
