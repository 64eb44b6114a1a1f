"""Everything that is known of an address: gateway pod and node, review, rules, gaps, overlaps and nodes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest
from service.service_desk import ServiceDesk, sample
from service.test_operators import settled

from function_app.service.questions import whois
from function_app.service.requests import BadRequest

QUARANTINE = timedelta(hours=25)


def ask(service: ServiceDesk, address: str, at: str = "") -> dict[str, Any]:
    """The answer over HTTP."""
    asked = {"address": address, **({"at": at} if at else {})}
    return cast("dict[str, Any]", whois(asked, service).body)


def renumber(service: ServiceDesk) -> None:
    """Tenant0 asks for another range."""
    text = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"]
    assert text is not None
    service.desk.commit({"tenants/tenant0.yaml": text.replace("10.99.0.0/29", "10.99.0.16/29")})


def a_gateway_pod(service: ServiceDesk) -> dict[str, Any]:
    """What the newest report says of tenant0's first gateway pod."""
    report = cast("Any", service.desk.ports.status.latest(cast("Any", "hub1")))
    row = next(row for row in report["attachments"] if row["tenant"] == "tenant0")
    return cast("dict[str, Any]", row["gateways"][0])


def test_the_pod_and_the_node_behind_an_address_are_named() -> None:
    """A pod keeps its address, so the newest sighting holds back to when the pod was made, and no further."""
    service = settled("tenant0")
    pod = a_gateway_pod(service)

    (now,) = ask(service, pod["address"])["held_by"]
    (whole,) = ask(service, "10.99.0.0/29")["held_by"]
    other = next(address for address in ("10.99.0.5", "10.99.0.6") if address != pod["address"])

    assert [pod] == now["pods"]
    assert pod["node"].startswith("spoke1-")
    assert 2 == len(whole["pods"])
    assert [] == ask(service, other)["held_by"][0]["pods"]


def test_a_pod_that_is_younger_than_the_question_is_not_named() -> None:
    """Who asks about the time before it was made is told the tenant alone."""
    service = settled("tenant0")
    pod = a_gateway_pod(service)
    reserved = ask(service, pod["address"])["held_by"][0]["since"]

    (then,) = ask(service, pod["address"], reserved)["held_by"]

    assert ("tenant0", []) == (then["tenant"], then["pods"] if reserved < pod["since"] else [])


def test_rules_in_force_are_told_as_far_back_as_they_are_known() -> None:
    """Those that the firewall last showed, from when it first did."""
    service = settled("tenant0")

    (now,) = ask(service, "10.99.0.1")["held_by"]
    (before,) = ask(service, "10.99.0.1", now["since"])["held_by"]

    assert ["www.tigera.io"] in [rule["to"] for rule in now["rules"]]
    assert now["since"] < now["rules_since"]
    assert (None, now["rules_since"]) == (before["rules"], before["rules_since"])


def test_rules_of_another_tenants_commit_keep_their_age() -> None:
    """They share a shard; what changes for one is no news of the other."""
    service = settled("tenant0")
    first = ask(service, "10.99.0.1")["held_by"][0]["rules_since"]
    service.desk.world.advance(3600)
    service.desk.commit(sample("tenants/tenant1.yaml"))
    service.desk.settle()

    (other,) = ask(service, "10.99.0.9")["held_by"]

    assert first == ask(service, "10.99.0.1")["held_by"][0]["rules_since"]
    assert first < other["rules_since"]


def test_while_the_old_range_drains_both_have_an_answer() -> None:
    """The new one with its namespaces, the old one with those whose connections may still run over it."""
    service = settled("tenant0")
    renumber(service)
    for _ in range(200):
        service.desk.run_pass()
        service.desk.world.advance(10)
        (new,) = ask(service, "10.99.0.17")["held_by"] or [{"namespaces": []}]
        if new["namespaces"]:
            break

    (old,) = ask(service, "10.99.0.1")["held_by"]

    assert ("tenant0", ["default"]) == (new["tenant"], new["namespaces"])
    assert ("tenant0", "held", [], ["default"]) == (old["tenant"], old["holding"], old["namespaces"], old["formerly"])
    assert new["generation"] != old["generation"]


def test_a_gap_names_who_held_the_range_last() -> None:
    """In quarantine, and when it is over."""
    service = settled("tenant0")
    renumber(service)
    service.desk.settle()

    (quarantined,) = ask(service, "10.99.0.1")["held_by"]
    service.desk.world.advance(QUARANTINE.total_seconds())
    service.desk.run_pass()
    (ended,) = ask(service, "10.99.0.1")["held_by"]

    assert ("tenant0", "quarantined") == (quarantined["tenant"], quarantined["holding"])
    assert ("tenant0", "ended") == (ended["tenant"], ended["holding"])


def test_a_nodes_address_is_unattributed_with_the_namespaces_that_may_be_behind_it() -> None:
    """By the newest pass: those of its cluster that leave as nodes."""
    service = settled("tenant0")
    report = cast("Any", service.desk.ports.status.latest(cast("Any", "hub1")))
    name, address = next(iter(report["clusters"]["spoke1-aks"]["nodes"].items()))

    answer = ask(service, address)
    (node,) = answer["nodes"]
    (stranger,) = ask(service, "10.1.3.250")["nodes"]

    assert [] == answer["held_by"]
    assert ("spoke1-aks", name) == (node["cluster"], node["node"])
    assert "default" not in node["namespaces"]
    assert "" == stranger["node"]


def test_a_namespace_stands_behind_the_commit_that_changed_its_tenant() -> None:
    """Not behind whatever was merged meanwhile."""
    service = settled("tenant0")
    mine = ask(service, "10.99.0.1")["held_by"][0]["commit"]
    renumber(service)
    service.desk.settle()
    changed = service.desk.repository.resolve("main")
    service.desk.commit(sample("tenants/tenant1.yaml"))
    service.desk.settle()

    assert [mine, changed] == [ask(service, one)["held_by"][0]["commit"] for one in ("10.99.0.1", "10.99.0.17")]


def test_the_future_is_not_known() -> None:
    """It is refused in words, with the time that it is."""
    service = settled("tenant0")
    later = (service.clock.now() + timedelta(hours=1)).isoformat()

    with pytest.raises(BadRequest, match="lies in the future"):
        ask(service, "10.99.0.1", later)


def test_an_answer_follows_a_growing_ledger() -> None:
    """What was put in order once is continued, not asked again."""
    service = settled("tenant0")
    ask(service, "10.99.0.17")
    renumber(service)
    service.desk.settle()

    assert ["tenant0"] == [row["tenant"] for row in ask(service, "10.99.0.17")["held_by"]]
