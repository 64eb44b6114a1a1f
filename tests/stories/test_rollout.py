"""A commit goes from cluster to cluster and from hub to hub, each after the others have been at rest with it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from stories.desk import HUB, Desk, describe, sample
from stories.test_change_windows import allowed_from
from stories.test_firewall import edited
from stories.test_suspended import passes, resume

from function_app.model.names import HubName
from function_app.model.plan import WaitsFor
from function_app.model.state import DecisionKind

FIRST, SECOND = "spoke1-aks", "spoke2-aks"


def after(kind: str, name: str, before: str, wait: str = "30m") -> dict[str, str | None]:
    """A hub's or cluster's file that comes after another."""
    file = f"{kind}s/{name}.yaml"
    return {file: sample(file)[file].rstrip("\n") + f"\n  rollout: {{after: [{before}], wait: {wait}}}\n"}


@pytest.fixture
def ordered(settled: Desk) -> Desk:
    """The second cluster comes half an hour after the first, and everything is at rest for long."""
    settled.commit(after("cluster", SECOND, FIRST))
    settled.settle()
    settled.world.advance(3600)
    settled.run_pass()
    settled.reports.clear()
    return settled


def test_the_second_cluster_takes_a_commit_up_when_the_first_has_rested(ordered: Desk) -> None:
    """The new name is allowed from the first cluster's range at once, from the other's half an hour after that was at rest."""
    ordered.commit(edited("tenant1", "docs.", "help."))
    ordered.run_pass()
    at_first = ordered.attachment("tenant1", SECOND)
    passes(ordered)

    between = allowed_from(ordered, "help.tigera.io")
    row = ordered.attachment("tenant1", SECOND)
    rested = ordered.state.read().settled[FIRST].since
    last = ordered.settle()

    assert {"10.99.0.8/29"} == between
    assert (WaitsFor.ROLLOUT,) == row.waiting_for
    assert "comes after spoke1-aks (at rest for 30m): spoke1-aks has not come to" in at_first.detail
    assert "comes after spoke1-aks (at rest for 30m): spoke1-aks is at rest since" in row.detail
    assert last.converged, describe(last)
    assert {"10.99.0.8/29", "10.99.1.0/29"} == allowed_from(ordered, "help.tigera.io")
    assert rested + timedelta(minutes=30) <= ordered.world.clock.now()


def test_what_denies_goes_everywhere_at_once(ordered: Desk) -> None:
    """A name that the commit takes away goes on the second cluster too, without a wait."""
    ordered.commit(edited("tenant1", "docs.", "help."))

    passes(ordered)

    assert set() == allowed_from(ordered, "docs.tigera.io")


def test_trouble_on_the_first_stops_the_second(ordered: Desk) -> None:
    """The namespace that the commit names does not exist on the first cluster: the second waits, with these words."""
    text = sample("tenants/tenant1.yaml")["tenants/tenant1.yaml"]
    ordered.commit({"tenants/tenant1.yaml": text.replace("namespaces: [shop]", "namespaces: [shop, none-yet]")})

    last = ordered.settle()
    ordered.world.advance(7200)
    last = ordered.run_pass()

    row = ordered.attachment("tenant1", SECOND)
    assert last.stopped, describe(last)
    assert (WaitsFor.ROLLOUT,) == row.waiting_for
    assert "spoke1-aks is not at rest, which stops the rollout: tenant1@spoke1-aks waits for namespace" in row.detail


RIVAL = {
    "apiVersion": "projectcalico.org/v3",
    "kind": "BGPPeer",
    "metadata": {"name": "theirs"},
    "spec": {"nodeSelector": "all()", "peerSelector": "route-reflector == 'true'"},
}


def test_what_is_refused_on_the_first_stops_the_second_until_it_is_not(ordered: Desk) -> None:
    """No attachment on the first waits, somebody's peering is refused there: passes stop and name it, and go on without it."""
    first = ordered.world.clusters[FIRST].api
    first.create("BGPPeer", None, RIVAL, manager="kubectl")
    ordered.commit(edited("tenant1", "docs.", "help."))

    last = ordered.settle()
    row = ordered.attachment("tenant1", SECOND)
    first.delete("BGPPeer", None, "theirs")
    after = ordered.settle()

    assert last.stopped, describe(last)
    assert (WaitsFor.ROLLOUT,) == row.waiting_for
    assert (
        "spoke1-aks is not at rest, which stops the rollout: cluster/spoke1-aks is refused (foreign-peer)" in row.detail
    )
    assert after.converged, describe(after)
    assert {"10.99.0.8/29", "10.99.1.0/29"} == allowed_from(ordered, "help.tigera.io")


def test_a_suspension_without_an_end_stops_the_second_until_it_is_lifted(ordered: Desk) -> None:
    """Nothing of tenant0 differs, so the pass after it is lifted writes nothing; the second cluster's turn comes all the same."""
    ordered.decide(DecisionKind.SUSPEND, "tenant/tenant0")
    ordered.commit(edited("tenant1", "docs.", "help."))

    last = ordered.settle()
    row = ordered.attachment("tenant1", SECOND)
    resume(ordered, "tenant/tenant0")
    after = ordered.settle()

    assert last.stopped, describe(last)
    assert "which stops the rollout: tenant/tenant0 is not taken up: " in row.detail
    assert after.converged, describe(after)


def test_a_commit_that_leaves_the_first_alone_goes_out_with_its_rest(ordered: Desk) -> None:
    """What changes only the second cluster need not wait again: the first has seen that commit and rests as before."""
    text = sample("tenants/tenant1.yaml")["tenants/tenant1.yaml"]
    ordered.commit({"tenants/tenant1.yaml": text.replace("      cidr: 10.99.1.0/29", "      cidr: 10.99.1.64/29")})
    began = ordered.world.clock.now()

    last = ordered.settle()

    assert last.converged, describe(last)
    assert "10.99.1.64/29" == ordered.attachment("tenant1", SECOND).cidr
    assert ordered.world.clock.now() - began < timedelta(minutes=30)


def test_a_lost_state_takes_everything_up(ordered: Desk) -> None:
    """Nobody remembers who was at rest: the order is no reason to stop for good."""
    ordered.state.state = type(ordered.state.read())()
    ordered.commit(edited("tenant1", "docs.", "help."))

    assert ordered.settle().converged


def test_a_commit_in_force_that_a_force_push_dropped_stops_no_order_for_good(ordered: Desk) -> None:
    """Nobody can read any more what was in force, which is the same as nobody remembering it: what Git has now is taken up."""
    ordered.commit(edited("tenant1", "docs.", "help."))
    ordered.settle()
    ordered.repository.rewind(1, gone=True)
    ordered.commit(sample("tenants/tenant0.yaml", "tenants/tenant1.yaml"))
    ordered.commit(after("cluster", SECOND, FIRST, "10m"))

    assert ordered.settle().converged


@pytest.fixture
def second_hub(settled: Desk) -> Desk:
    """This hub comes after one of which the status is all that is known."""
    platform = sample("hubs/hub1.yaml")["hubs/hub1.yaml"]
    canary = platform.replace("name: hub1", "name: canary").replace("demo-hub-network", "canary-network")
    canary = canary.replace("10.0.0.0/16", "10.8.0.0/16").replace("10.0.", "10.8.")
    settled.commit({"hubs/canary.yaml": canary, **after("hub", "hub1", "canary", "10m")})
    publish(settled, settled_since=settled.world.clock.now() - timedelta(hours=1))
    settled.settle()
    return settled


def publish(desk: Desk, **report: object) -> None:
    """The other hub's pass publishes its report."""
    newest = {"commit": desk.repository.resolve("main"), "refused": [], "attachments": [], "look_again_seconds": 9.0}
    newest |= report
    since = newest.get("settled_since")
    shown = {**newest, "settled_since": since.isoformat() if hasattr(since, "isoformat") else since}
    desk.ports.status.record(HubName("canary"), shown, 1)


def test_a_hub_waits_for_another_to_come_to_the_commit_and_rest(second_hub: Desk) -> None:
    """First it has not seen the commit, then it is at rest for too short a time, then we follow."""
    second_hub.commit(edited("tenant1", "docs.", "help."))
    passes(second_hub, 2)
    words = [second_hub.attachment("tenant1", FIRST).detail]
    publish(second_hub, settled_since=second_hub.world.clock.now())
    passes(second_hub, 2)
    words.append(second_hub.attachment("tenant1", FIRST).detail)
    given = allowed_from(second_hub, "help.tigera.io")

    last = second_hub.settle()

    assert "canary has not come to" in words[0]
    assert "canary is at rest since" in words[1]
    assert set() == given
    assert last.converged, describe(last)
    assert {"10.99.0.8/29", "10.99.1.0/29"} == allowed_from(second_hub, "help.tigera.io")


@pytest.mark.parametrize(
    ("report", "said"),
    [
        pytest.param(
            {"refused": [{"code": "removals", "message": "3 of 4 would go."}]},
            "in trouble, which stops the rollout: 3 of 4",
            id="refused",
        ),
        pytest.param(
            {
                "attachments": [{"tenant": "a", "cluster": "c", "waiting_for": ["rollout"]}],
                "look_again_seconds": None,
            },
            "a@c waits for rollout",
            id="stuck",
        ),
    ],
)
def test_trouble_on_another_hub_stops_until_a_person_acts(
    second_hub: Desk, report: dict[str, object], said: str
) -> None:
    """The pass ends at a wait that needs a person, and says what is wrong there; what denies has gone through."""
    second_hub.commit(edited("tenant1", "docs.", "help."))
    publish(second_hub, **report)

    last = second_hub.settle()

    assert last.stopped, describe(last)
    assert said in second_hub.attachment("tenant1", FIRST).detail
    assert set() == allowed_from(second_hub, "docs.tigera.io")


def test_a_file_held_back_is_no_trouble_of_the_other_hub(second_hub: Desk) -> None:
    """It is held back everywhere: while the other one is not at rest we ask again instead of giving up, and then we follow."""
    second_hub.commit(edited("tenant1", "docs.", "help."))
    publish(second_hub, refused=[{"code": "definition-held", "message": "x"}])
    moving = passes(second_hub)
    assert not moving.stopped
    assert "canary is not at rest yet" in second_hub.attachment("tenant1", FIRST).detail
    now = second_hub.world.clock.now()
    publish(second_hub, refused=[{"code": "definition-held", "message": "x"}], settled_since=now - timedelta(hours=1))

    assert second_hub.settle().converged


def test_a_hub_says_since_when_it_rests(settled: Desk) -> None:
    """In its published report, and no longer once something moves; a file that is held back moves nothing."""
    settled.run_pass()
    resting = settled.ports.status.latest(HUB) or {}
    settled.commit(edited("tenant1", "docs.", "help."))
    settled.run_pass()
    moving = settled.ports.status.latest(HUB) or {}

    settled.settle()
    settled.commit({"tenants/broken.yaml": "kind: [Tenant"})
    last = settled.run_pass()
    held = settled.ports.status.latest(HUB) or {}

    assert ["definition-held"] == [one.code for one in last.plan.refused]
    assert held["settled_since"] is not None
    assert resting["settled_since"] is not None
    assert moving["settled_since"] is None
