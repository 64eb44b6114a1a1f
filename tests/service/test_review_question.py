"""GET /api/plan?ref=: the review of a branch with what the targets add, and how long the firewall took."""

from __future__ import annotations

from typing import Any, cast

import pytest
from service.service_desk import ServiceDesk
from stories.desk import sample

from function_app.reviewing import operation_seconds
from function_app.service.questions import plan
from function_app.service.requests import BadRequest
from simulator.model.faults import Action, Fault


def asked(service: ServiceDesk, before: str, after: str) -> dict[str, Any]:
    """The answer for two commits."""
    return cast("dict[str, Any]", plan({"base": before, "ref": after}, service).body)


def test_a_branch_is_reviewed_with_what_is_there() -> None:
    """The base policy was read, the pass that would follow is shown, and nothing is written."""
    service = ServiceDesk.with_platform()
    before = service.desk.repository.resolve("main")
    service.desk.commit(sample("tenants/tenant0.yaml"))
    after = service.desk.repository.resolve("main")
    found = asked(service, before, after)
    (hub,) = found["hubs"]
    assert (True, False) == (found["live"], found["refused"])
    assert ["tenant0"] == [one["tenant"] for one in hub["tenants"]]
    assert any("`EgressGateway/tenant0-egw/tenant0-egw`" in one for one in hub["live"]["changes"])
    assert not any("was not read" in one for one in hub["warnings"])
    assert "with what is on the targets" in found["comment"]
    assert not service.desk.ledger.read()


def test_what_others_left_counts_against_the_limits() -> None:
    """Collections of the base policy take room; addresses in quarantine are not free."""
    service = ServiceDesk.with_platform()
    before = service.desk.repository.resolve("main")
    service.desk.commit(sample("tenants/tenant0.yaml"))
    found = asked(service, before, service.desk.repository.resolve("main"))
    measures = {one["what"]: one for one in found["hubs"][0]["forecast"]}
    collections = len(service.desk.world.hubs["hub1"].list_groups("platform").value[0]["properties"]["ruleCollections"])
    assert 2 + collections == measures["rule collections, the block's included"]["after"]
    assert any(what.endswith("given out, quarantine included") for what in measures)


def test_what_cannot_be_read_is_said() -> None:
    """A firewall that does not answer: its base policy counts as unknown, the comment says so."""
    service = ServiceDesk.with_platform()
    before = service.desk.repository.resolve("main")
    service.desk.commit(sample("tenants/tenant0.yaml"))
    service.desk.world.faults.add(Fault(target="firewall/hub1", action=Action.UNREACHABLE, count=0))
    found = asked(service, before, service.desk.repository.resolve("main"))
    (hub,) = found["hubs"]
    assert any("firewall/hub1 could not be read" in note for note in hub["live"]["notes"])
    assert any("base policy, which was not read" in one for one in hub["warnings"])


def test_base_alone_is_no_question() -> None:
    """What is to be merged must be said."""
    with pytest.raises(BadRequest, match="goes with `ref`"):
        plan({"base": "main"}, ServiceDesk.with_platform())


def started(minute: int) -> dict[str, object]:
    """A pass that began a firewall write."""
    change = {"target": "firewall/hub1", "resource": "RuleCollectionGroup/egress-000", "outcome": "started"}
    return {"finished_at": f"2026-11-23T08:{minute:02d}:00+00:00", "changes": [change]}


def waiting(minute: int) -> dict[str, object]:
    """A pass that found the firewall busy."""
    change = {"target": "firewall/hub1", "resource": "RuleCollectionGroup/egress-001", "outcome": "pending"}
    return {"finished_at": f"2026-11-23T08:{minute:02d}:00+00:00", "changes": [change]}


def over(minute: int) -> dict[str, object]:
    """A pass with nothing left to do on the firewall."""
    return {"finished_at": f"2026-11-23T08:{minute:02d}:00+00:00", "changes": []}


def test_the_length_of_a_firewall_operation_is_the_median_of_what_was_seen() -> None:
    """From the pass that began a write to the first one that found the firewall free; odd entries are passed over."""
    seen: list[dict[str, object]] = [
        started(0),
        waiting(2),
        over(4),
        {"problem": "no repository"},
        started(10),
        started(16),
        over(18),
        started(50),
    ]
    assert (240.0, 3) == operation_seconds(seen)
    assert (0.0, 0) == operation_seconds([over(1), waiting(2)])
