"""Calico's aggregated API server as a client sees it: the recorded rows that are about statuses, headers and queries.

Recorded: calico-apiserver v3.32.1 behind an APIService of kube-apiserver 1.36.3. What an object becomes is tested row by row in
`tests/simulator/kubernetes/test_aggregated_rows.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest
from raw_client import Ask, Seen, Wire, walkthrough

CLUSTER = "/kubernetes/spoke1-aks"
CALICO = f"{CLUSTER}/apis/projectcalico.org/v3"
SPEC = {"cidr": "10.99.7.0/29", "blockSize": 32, "natOutgoing": False, "nodeSelector": "!all()", "vxlanMode": "Never"}
APPLY = "application/apply-patch+yaml"


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A fresh walkthrough; its first cluster is in aggregated mode."""
    with walkthrough() as running:
        yield running


@pytest.fixture
def ask(wire: Wire) -> Ask:
    """A raw client of it."""
    return wire.ask


def body(kind: str, name: str, spec: Mapping[str, Any], **metadata: Any) -> dict[str, Any]:
    """An object of projectcalico.org/v3."""
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": kind,
        "metadata": {"name": name, **metadata},
        "spec": dict(spec),
    }


def apply(ask: Ask, spec: Mapping[str, Any], *, name: str = "a-pool", query: str = "", **metadata: Any) -> Seen:
    """A server-side apply of a pool."""
    path = f"{CALICO}/ippools/{name}?fieldManager=egress-gitops{query}"
    return ask("PATCH", path, body("IPPool", name, spec, **metadata), content_type=APPLY)


def test_an_apply_is_201_then_200(ask: Ask) -> None:
    """And the same apply again leaves the version."""
    first, second = apply(ask, SPEC), apply(ask, SPEC)
    assert [201, 200] == [first.status, second.status]
    assert first.json["metadata"]["resourceVersion"] == second.json["metadata"]["resourceVersion"]


@pytest.mark.parametrize("validation", ["", "&fieldValidation=Strict", "&fieldValidation=Ignore"])
def test_an_unknown_field_of_an_apply_is_500_however_it_is_validated(ask: Ask, validation: str) -> None:
    """The typed patch cannot be made."""
    answer = apply(ask, {**SPEC, "nope": 1}, query=validation)
    assert 500 == answer.status
    assert "reason" not in answer.json
    assert ".spec.nope: field not declared in schema" in answer.json["message"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"cidr": "10.99.7.1/29"}, "error with field IPPool.Spec.CIDR = '10.99.7.1/29' ("),
        ({"cidr": "10.99.7.1/29", "blockSize": 33}, "error with the following fields:"),
    ],
)
def test_an_invalid_object_is_500_by_apply_and_422_by_post(ask: Ask, wrong: dict[str, Any], words: str) -> None:
    """500 without a reason is permanent here; nothing is stored either way."""
    applied = apply(ask, SPEC | wrong)
    posted = ask("POST", f"{CALICO}/ippools", body("IPPool", "a-pool", SPEC | wrong))
    assert (500, None) == (applied.status, applied.json.get("reason"))
    assert applied.json["message"].startswith(words)
    assert (422, "Invalid") == (posted.status, posted.json["reason"])
    assert 404 == ask("GET", f"{CALICO}/ippools/a-pool").status


@pytest.mark.parametrize("content_type", [APPLY, "application/merge-patch+json"])
def test_an_invalid_update_is_422(ask: Ask, content_type: str) -> None:
    """By apply as well, once the object exists."""
    apply(ask, SPEC)
    path = f"{CALICO}/ippools/a-pool?fieldManager=egress-gitops&force=true"
    answer = ask("PATCH", path, body("IPPool", "a-pool", {**SPEC, "nodeSelector": "has("}), content_type=content_type)
    assert (422, "Invalid") == (answer.status, answer.json["reason"])


def test_a_dry_run_of_a_create_is_201_and_stores_nothing(ask: Ask) -> None:
    """The answer shows the object without the server's defaults."""
    answer = apply(ask, SPEC, query="&dryRun=All")
    assert 201 == answer.status
    assert "assignmentMode" not in answer.json["spec"]
    assert 404 == ask("GET", f"{CALICO}/ippools/a-pool").status


def test_a_filter_in_use_is_deleted(ask: Ask) -> None:
    """200 and gone; it is the peer's next apply that is refused."""
    rules = body("BGPFilter", "in-use", {"exportV4": [{"action": "Reject"}]})
    peer = body("BGPPeer", "a-peer", {"peerIP": "10.0.1.4", "asNumber": 65515, "filters": ["in-use"]})
    filters, peers = (f"{CALICO}/{plural}?fieldManager=egress-gitops" for plural in ("bgpfilters", "bgppeers"))
    assert [201, 201] == [ask("POST", filters, rules).status, ask("POST", peers, peer).status]
    assert 200 == ask("DELETE", f"{CALICO}/bgpfilters/in-use").status
    assert 404 == ask("GET", f"{CALICO}/bgpfilters/in-use").status
    path = f"{CALICO}/bgppeers/a-peer?fieldManager=egress-gitops&force=true"
    assert 422 == ask("PATCH", path, {**peer, "spec": {**peer["spec"], "asNumber": 65516}}, content_type=APPLY).status


def test_a_list_ignores_pages_and_versions_and_heeds_selectors(ask: Ask) -> None:
    """All items without a token, the current ones whatever version is asked for."""
    for number in range(3):
        apply(ask, {**SPEC, "cidr": f"10.99.{number}.0/29"}, name=f"pool-{number}", labels={"number": str(number)})
    everything = ["default-ipv4-ippool", "pool-0", "pool-1", "pool-2"]
    asked = {
        "limit=2": everything,
        "resourceVersion=1&resourceVersionMatch=Exact": everything,
        "labelSelector=number%3D1": ["pool-1"],
        "fieldSelector=metadata.name%3Dpool-2": ["pool-2"],
    }
    answers = {query: ask("GET", f"{CALICO}/ippools?{query}") for query in asked}
    names = {query: sorted(item["metadata"]["name"] for item in seen.json["items"]) for query, seen in answers.items()}
    assert asked == names
    assert {None} == {seen.json["metadata"].get("continue") or None for seen in answers.values()}


def test_the_group_is_listed_while_nobody_answers_for_it(wire: Wire, ask: Ask) -> None:
    """Its version, its lists and its writes answer 503 in plain text; group and APIService look as ever."""
    wire.world.clusters["spoke1-aks"].api.calico_apiserver_down = True
    group = ask("GET", f"{CLUSTER}/apis/projectcalico.org")
    assert (200, "projectcalico.org") == (group.status, group.json["name"])
    service = ask("GET", f"{CLUSTER}/apis/apiregistration.k8s.io/v1/apiservices/v3.projectcalico.org").json
    assert ["True"] == [each["status"] for each in service["status"]["conditions"] if each["type"] == "Available"]
    for call in (
        partial(ask, "GET", CALICO),
        partial(ask, "GET", f"{CALICO}/ippools"),
        partial(apply, ask, SPEC),
        partial(ask, "DELETE", f"{CALICO}/ippools/default-ipv4-ippool"),
    ):
        answer = call()
        assert (503, "text/plain") == (answer.status, answer.headers.get_content_type())
        assert answer.body.startswith(b"error trying to reach service: ")
