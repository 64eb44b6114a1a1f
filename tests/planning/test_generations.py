"""What a range is given out to, and why none is: in words, and to whom it is left to act."""

from __future__ import annotations

from dataclasses import replace

import pytest
from planning_builders import CLUSTER, HUB, KEY, NOON, a_generation, a_situation, learned, seen, the_sample

from function_app.model.definitions import Adopt
from function_app.model.ledger import RecordKind
from function_app.model.names import Commit, firewall_target
from function_app.model.plan import RefusalCode, WaitsFor
from function_app.model.resources import Kind, Observations, Unreadable
from function_app.model.tree import Provenance
from function_app.planning.generations import Intent, decide_generations


def waiting(*, permanent: bool) -> Intent:
    """Tenant0 on a hub with an empty ledger whose firewall cannot be read, for a moment or for good."""
    firewall = Unreadable(firewall_target(HUB), NOON, "not allowed", permanent=permanent)
    situation = a_situation(seen(), observations=Observations({str(CLUSTER): seen()}, firewall, learned()))
    return decide_generations(situation, removals_waived=False, give_out=False).intents[KEY]


def test_what_will_be_read_later_is_waited_for() -> None:
    """A firewall that does not answer for a moment needs nobody."""
    intent = waiting(permanent=False)

    assert WaitsFor.LEDGER is intent.waiting
    assert "until somebody acts" not in intent.detail


def test_a_target_that_refuses_us_for_good_is_named() -> None:
    """Waiting does not help: a person must act, and is told where."""
    intent = waiting(permanent=True)

    assert WaitsFor.PERSON is intent.waiting
    assert "firewall/hub1 cannot be read until somebody acts" in intent.detail


@pytest.mark.parametrize("permanent", [False, True])
def test_only_what_needs_a_person_is_refused(permanent: bool) -> None:
    """A refusal stands in the report until somebody acts; a wait goes by itself."""
    firewall = Unreadable(firewall_target(HUB), NOON, "not allowed", permanent=permanent)
    situation = a_situation(seen(), observations=Observations({str(CLUSTER): seen()}, firewall, learned()))

    refused = decide_generations(situation, removals_waived=False, give_out=False).refused

    assert permanent is ((RefusalCode.LEDGER_LOST, str(KEY)) in {(one.code, one.subject) for one in refused})


@pytest.mark.parametrize(
    ("written", "where"),
    [("edge/gateway-a", ("edge", "gateway-a")), ("gateway-a", ("gateway-a", "gateway-a"))],
)
def test_an_adopted_gateway_is_looked_for_where_the_definition_says(written: str, where: tuple[str, str]) -> None:
    """NAMESPACE/NAME, or a name alone, whose namespace then bears the same name."""
    hub = the_sample()
    defined = hub.attachments[KEY]
    adopt = Adopt(gateway=written, pool="their-pool", labels={"tenant": "a"})
    attachment = defined.attachment.model_copy(update={"adopt": adopt})
    adopting = replace(hub, attachments={KEY: replace(defined, attachment=attachment)})

    found = a_situation(seen(without=(Kind.IP_POOL, Kind.POD)), hub=adopting)
    free = replace(found, observations=replace(found.observations, route_server=learned({})))
    decided = decide_generations(free, removals_waived=False, give_out=True)

    target = decided.intents[KEY].target
    assert target is not None
    assert (*where, "their-pool") == (target.gateway_namespace, target.gateway, target.pool)


def test_who_asked_for_a_range_and_by_which_review_stands_in_the_ledger() -> None:
    """Commit, author, approver and pull request are those of the file that is in force."""
    hub = the_sample()
    asked = Provenance(Commit("c" * 40), "ann", "bea", "#12")
    situation = a_situation(
        seen(), hub=replace(hub, attachments={KEY: replace(hub.attachments[KEY], provenance=asked)})
    )

    record = situation.record(RecordKind.RESERVE, a_generation())

    assert asked == Provenance(record.commit, record.author, record.approver, record.pull_request)
