"""Histories that broke an invariant once, as short as they came: each taught something."""

from __future__ import annotations

import pytest
from stories.desk import HUB, Desk, sample

from function_app.model.ledger import RecordKind
from function_app.model.plan import RefusalCode, WaitsFor
from function_app.model.state import DecisionKind
from function_app.planning import generations
from search.actions import Action
from search.ending import rest
from search.history import History
from search.runner import replay
from search.stories import story
from search.worlds import Variant
from simulator.judge import Invariant
from simulator.model.packets import Verdict

COMES = Action("add", ("t0", "spoke1", 0, ("alpha",), ("s0.example",)))
GOES = Action("remove", ("t0",))
_SET_UP, _BARE = Variant(), Variant(bare=True)


def _holds(*actions: Action, variant: Variant = _SET_UP) -> None:
    run = replay(variant, actions)
    assert not run.violations, story(run)


def test_a_range_is_not_free_while_a_shard_with_its_rules_is_being_written() -> None:
    """A tenant that goes while its first rules are on their way: they come into force after everything else is gone."""
    _holds(COMES, Action("amid", (23, GOES)), Action("follow", (14,)))


def test_a_range_is_not_free_while_nobody_knows_what_is_in_force() -> None:
    """With the memory of a shard lost while it is written, what it shows is not yet what is in force."""
    other = Action("add", ("t2", "spoke2", 3, ("alpha",), ("s0.example", "s1.example", "s2.example")))
    _holds(
        COMES,
        Action("run"),
        GOES,
        other,
        Action("wait", (120,)),
        Action("run"),
        Action("lose_ledger", (True,)),
        Action("follow", (8,)),
    )


@pytest.mark.parametrize("passes", [1, 2, 4])
def test_a_removal_that_is_taken_back_leaves_nobody_waiting_for_ever(passes: int) -> None:
    """A tenant that comes back while its generation leaves takes it up again, however far the removal has come."""
    _holds(COMES, Action("follow", (16,)), GOES, Action("follow", (passes,)), Action("rewind", (1,)))


def test_a_removal_taken_back_while_its_cluster_could_not_be_read_is_undone() -> None:
    """The namespace still pointed at the gateway, so the leaving generation could neither go nor be given out again."""
    other = Action("add", ("t1", "spoke2", 1, ("beta",), ("s0.example",)))
    _holds(
        COMES,
        other,
        Action("follow", (16,)),
        Action("calico_down"),
        GOES,
        Action("run"),
        Action("rewind", (1,)),
        Action("run"),
        Action("wait", (61,)),
    )


def test_a_budget_that_lost_our_label_is_seen_and_not_written() -> None:
    """Kinds that we write are read whole: behind a label selector an object that lost the label seemed not to exist."""
    comes = Action("add", ("t3", "spoke1", 1, ("beta",), ("s0.example",)))
    _holds(comes, Action("run"), Action("unlabel", ("spoke1", "PodDisruptionBudget", "t3")))


def test_a_pool_that_somebody_disabled_is_enabled_again() -> None:
    """What may be switched off is rendered switched on, or nobody owns the field and nobody mends it."""
    _holds(COMES, Action("run"), Action("edit_part", ("spoke1", "IPPool", "t0", {"disabled": True})), Action("run"))


def test_a_leaving_gateway_that_lost_our_labels_is_named() -> None:
    """It is not ours to delete, and waiting for its pods would never end: a person is told."""
    moves = Action("renumber", ("t0", "spoke1", 4))
    _holds(COMES, Action("follow", (16,)), Action("unlabel", ("spoke1", "EgressGateway", "t0")), moves)


def test_a_range_and_a_namespace_that_wait_for_each_other_are_let_go() -> None:
    """A newcomer claims range and namespace of a tenant that leaves: the namespace does not hold the gateway it waits for."""
    heir = Action("add", ("t3", "spoke1", 0, ("alpha",), ("s0.example",)))
    stays = Action("add", ("t1", "spoke2", 3, ("gamma",), ()))
    _holds(COMES, stays, Action("run"), GOES, Action("run"), heir, Action("follow", (5,)))


def test_a_renamed_file_that_is_emptied_later_is_no_removal() -> None:
    """Nobody can tell whom an empty file was meant to define, so the tenant that it carried before stays."""
    _holds(
        COMES,
        Action("run"),
        Action("rename", ("t0",)),
        Action("run"),
        Action("break_file", ("t0", "empty")),
        Action("run"),
    )


def test_a_foreign_group_with_a_priority_of_our_band_is_passed_over() -> None:
    """A shard that can never be created is not asked for in every pass."""
    other = Action("add", ("t1", "spoke2", 1, ("beta",), ("s0.example",)))
    _holds(COMES, Action("run"), Action("portal_adds", (1002,)), other, Action("follow", (5,)))


def test_rules_outlive_a_lost_ledger_while_their_cluster_cannot_be_read() -> None:
    """What cannot be read cannot be rebuilt: until it is, the shards themselves tell whose rules they hold."""
    _holds(
        COMES, Action("follow", (14,)), Action("calico_down"), Action("lose_ledger", (True,)), Action("follow", (8,))
    )


def test_a_block_outlives_a_lost_ledger_while_its_cluster_cannot_be_read(desk: Desk) -> None:
    """The denial stays for the same reason for which the rules stay."""
    desk.commit(sample("tenants/tenant0.yaml"))
    desk.settle()
    desk.decide(DecisionKind.BLOCK, "tenant0")
    desk.settle()
    desk.world.clusters["spoke1-aks"].api.calico_apiserver_down = True
    desk.ledger.records.clear()

    for _ in range(12):
        desk.run_pass()
        desk.world.advance(120)

    packet = desk.send("spoke1-aks", "default", "https://www.tigera.io")
    assert (Verdict.DENIED, "egress-block") == (packet.verdict, packet.rule.group)


def test_rules_that_git_drops_go_even_then(desk: Desk) -> None:
    """A lost ledger and an unreadable cluster keep what Git asks for, and nothing else."""
    desk.commit(sample("tenants/tenant0.yaml"))
    desk.settle()
    desk.world.clusters["spoke1-aks"].api.calico_apiserver_down = True
    desk.ledger.records.clear()
    desk.commit({"tenants/tenant0.yaml": None})

    for _ in range(12):
        desk.run_pass()
        desk.world.advance(120)

    assert Verdict.DENIED is desk.send("spoke1-aks", "default", "https://www.tigera.io").verdict


def test_a_block_whose_priority_somebody_else_bears_takes_the_rules_out_and_names_the_group(settled: Desk) -> None:
    """It was asked for in every pass, first in line, and kept every other shard from being written."""
    group = {"properties": {"priority": 1000, "ruleCollections": []}}
    settled.world.hubs[HUB].put_group("tenants", "theirs", group)
    settled.world.advance(600)
    settled.decide(DecisionKind.BLOCK, "tenant0")

    report = settled.settle()

    assert Verdict.DENIED is settled.send("spoke1-aks", "default", "https://www.tigera.io").verdict
    assert report.stopped
    assert [(RefusalCode.FOREIGN_RESOURCE, "firewall/hub1 theirs")] == [
        (one.code, one.subject) for one in report.plan.refused
    ]


def test_a_block_whose_priority_somebody_else_bears_is_made_once_it_is_free(settled: Desk) -> None:
    """The tenant's rules come back with it, behind the denial."""
    group = {"properties": {"priority": 1000, "ruleCollections": []}}
    settled.world.hubs[HUB].put_group("tenants", "theirs", group)
    settled.world.advance(600)
    settled.decide(DecisionKind.BLOCK, "tenant0")
    settled.settle()
    settled.world.hubs[HUB].delete_group("tenants", "theirs")
    settled.world.advance(600)

    assert settled.settle().converged

    packet = settled.send("spoke1-aks", "default", "https://www.tigera.io")
    assert (Verdict.DENIED, "egress-block") == (packet.verdict, packet.rule.group)


def test_a_policy_name_that_a_later_generation_bears_again_is_not_the_old_one() -> None:
    """A judge that went by the name alone took a tenant that came back for one that had never left."""
    back = Action("add", ("t0", "spoke1", 4, ("gamma",), ("s1.example",)))
    _holds(COMES, Action("follow", (8,)), GOES, Action("follow", (8,)), back, Action("shape", ("t0", 2, True, False)))


def test_a_cluster_that_nobody_can_connect_names_the_person_it_waits_for(desk: Desk) -> None:
    """Without a reflector there is no Route Server connection; passes stop and say so instead of looking for ever."""
    desk.world.hubs[HUB].route_server.connections.clear()
    api = desk.world.clusters["spoke1-aks"].api
    for node in list(api.objects("Node")):
        labels = {"metadata": {"labels": {"route-reflector": None}}}
        api.merge_patch("Node", None, node["metadata"]["name"], labels, manager="kubectl-label")
    desk.commit(sample("tenants/tenant0.yaml"))

    report = desk.settle()

    assert report.stopped
    waiting = desk.attachment("tenant0", "spoke1-aks")
    assert (WaitsFor.PERSON,) == waiting.waiting_for
    assert "Route Server has no BGP connection to a node of this cluster" in waiting.detail


def test_a_gateway_to_take_over_that_is_not_there_is_made() -> None:
    """Its namespace was left to somebody else to make, so that each pass asked in vain for a gateway in it."""
    _holds(Action("adopt", ("t3", "spoke1", 1, ("gamma",), ("s1.example",))), Action("follow", (9,)))


def test_a_condition_that_only_reported_drift_breaks_names_the_person_it_waits_for() -> None:
    """A filter that somebody deleted is not written where drift is only told, and nothing is advertised without it."""
    _holds(
        Action("add", ("t0", "spoke2", 0, ("alpha",), ("s0.example",))),
        Action("run"),
        Action("wait", (3,)),
        Action("run"),
        Action("drift", ("spoke2", "report")),
        Action("delete_shared", ("spoke2", "BGPFilter", "export-egress-ips")),
    )


def test_an_old_range_that_waits_for_a_refused_newcomer_names_the_person() -> None:
    """The newcomer asks for the old range and for a namespace on it: neither moves before somebody chooses another range."""
    newcomer = Action("add", ("t1", "spoke1", 0, ("alpha", "beta"), ()))
    moves = Action("renumber", ("t0", "spoke1", 2))
    _holds(COMES, Action("follow", (16,)), Action("claim", ("t0", "spoke1", ("gamma",))), moves, newcomer)


def test_a_leaving_range_that_waits_for_a_refused_newcomer_names_the_person() -> None:
    """The same with a tenant that goes, and a newcomer whose range somebody's own pool takes up."""
    theirs = Action("foreign_pool", ("spoke1", 3, False))
    newcomer = Action("add", ("t1", "spoke1", 3, ("alpha",), ()))
    _holds(COMES, Action("follow", (16,)), theirs, GOES, newcomer, Action("follow", (5,)))


def test_somebody_elses_filter_under_our_name_names_the_person_it_waits_for() -> None:
    """It is refused and left alone, and what cannot be advertised past it does not look again for ever."""
    twin = Action("foreign_twin", ("spoke1", "t0", "BGPFilter", "export-egress-ips"))
    _holds(COMES, twin, Action("follow", (14,)))


def test_somebody_elses_pods_in_a_leaving_range_name_a_person() -> None:
    """A gateway that was set up by hand on the same range takes the addresses as soon as ours are free of them."""
    _holds(
        Action("add", ("t1", "spoke2", 1, ("beta",), ("s1.example",))),
        Action("follow", (16,)),
        Action("by_hand", ("spoke2", "t3", 1, "gamma")),
        Action("remove", ("t1",)),
    )


def test_a_switch_that_somebody_turned_off_where_drift_is_only_reported_names_a_person() -> None:
    """Everything of a newcomer is ready, and its annotations would have no effect."""
    off = Action("edit_shared", ("spoke1", "FelixConfiguration", "default", {"egressIPSupport": "Disabled"}))
    _holds(COMES, Action("follow", (16,)), Action("drift", ("spoke1", "report")), off)


def test_a_generation_that_two_pools_bear_does_not_stop_a_rebuilt_ledger() -> None:
    """Somebody copied a pool with our labels; with the ledger lost, both claim the same generation."""
    _holds(
        COMES,
        Action("follow", (16,)),
        Action("foreign_pool", ("spoke1", 2, True)),
        Action("foreign_pool", ("spoke2", 2, True)),
        Action("lose_ledger", (False,)),
        Action("run"),
    )


def test_a_gateway_whose_namespace_waits_for_a_newcomer_that_cannot_go_on_names_the_person() -> None:
    """The newcomer has its range, but asks to take over a pool with another one: it never comes to take the namespace."""
    newcomer = Action("adopt", ("t0", "spoke1", 3, ("beta",), ("s0.example",)))
    other = Action("add", ("t1", "spoke1", 1, ("beta",), ()))
    _holds(COMES, other, Action("follow", (16,)), Action("empty_tenants"), newcomer)


def test_a_range_whose_holder_cannot_leave_before_a_person_acts_names_the_person() -> None:
    """The holder's pool lost our labels and is not ours to delete; whoever asks for its range waits behind it."""
    heir = Action("add", ("t2", "spoke1", 5, ("gamma",), ()))
    unlabelled = Action("unlabel", ("spoke1", "IPPool", "t0"))
    _holds(COMES, Action("run"), unlabelled, Action("detach", ("t0", "spoke1")), heir)


def test_the_pods_of_a_leaving_gateway_are_waited_for_beside_a_person() -> None:
    """Its pool lost our labels; passes rested on that while its pods terminated, and the filter was written after all."""
    comes = Action("add", ("t0", "spoke1", 0, ("alpha",), ()))
    _holds(
        comes,
        Action("run"),
        Action("unlabel", ("spoke1", "IPPool", "t0")),
        Action("run"),
        Action("overtake", (23, 61, 3)),
        Action("overtake", (80, 61, 1)),
        Action("empty_tenants"),
        variant=Variant(reviewed=True, bare=True),
    )


def test_a_gateway_that_gets_more_pods_tells_what_may_be_lost(settled: Desk) -> None:
    """A new pod takes connections as soon as it is ready, seconds before Route Server knows the way back to it."""
    text = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"]
    settled.commit({"tenants/tenant0.yaml": text.replace("replicas: 2", "replicas: 3")})

    report = settled.run_pass()

    words = (
        "tenant0@spoke1-aks: new connections through the 1 more gateway pods of 10.99.0.0/29 may be lost for the seconds until "
        "Route Server has learned them"
    )
    assert words in report.plan.notes
    assert not [note for note in settled.settle().plan.notes if "may be lost" in note]


def test_a_new_gateway_pod_is_given_the_seconds_until_it_is_known() -> None:
    """A judge that looked in those seconds took them for connections that we lost."""
    comes = Action("add", ("t1", "spoke1", 1, ("beta",), ("s0.example", "s1.example")))
    more = Action("shape", ("t1", 3, False, False))
    _holds(comes, Action("follow", (16,)), more, Action("run"), Action("wait", (3,)), Action("wait", (90000,)))


def test_a_namespace_is_not_kept_on_a_range_that_its_next_tenant_waits_for() -> None:
    """Its old tenant asked that traffic end with its removal, and the new one has nothing to carry it with before."""
    _holds(
        Action("add", ("t0", "spoke2", 3, ("gamma",), ("s2.example",))),
        Action("follow", (5,)),
        Action("shape", ("t0", 1, False, True)),
        Action("empty_tenants"),
        Action("add", ("t3", "spoke2", 3, ("beta", "gamma"), ())),
        Action("follow", (5,)),
    )


def test_what_somebody_builds_in_a_range_that_was_given_back_is_his() -> None:
    """A judge that looked for remains took a stranger's gateway for ours."""
    by_hand = Action("by_hand", ("spoke1", "t2", 0, "alpha"))
    _holds(COMES, Action("run"), Action("rewind", (1,)), Action("follow", (8,)), by_hand)


def test_a_pool_that_is_made_again_ends_a_leak_and_no_connection() -> None:
    """Somebody deleted it, and the gateway left as its node: fit, said a judge, while some tree named nobody for the namespaces."""
    _holds(
        Action("add", ("t0", "spoke1", 0, ("alpha", "beta", "gamma"), ("s0.example",))),
        Action("add", ("t1", "spoke1", 1, ("beta",), ())),
        Action("follow", (8,)),
        Action("damage_ledger"),
        GOES,
        Action("run"),
        Action("rewind", (2,)),
        Action("delete_part", ("spoke1", "IPPool", "t0")),
    )


def test_what_was_to_strike_in_a_pass_that_never_began_strikes_no_more() -> None:
    """The hub was busy, and the firewall's refusal came after all faults had been taken back."""
    refuses = Action("amid", (44, Action("refuse_content", ("s0.example",))))
    comes = Action("add", ("t3", "spoke1", 0, ("alpha", "beta"), ("s0.example", "s1.example")))
    _holds(Action("die_in_state"), Action("run"), refuses, comes)


def test_a_gateway_whose_pool_was_deleted_when_the_ledger_was_lost_is_known_again() -> None:
    """Only pools were looked at: the range was given out a second time under pods that still bore its addresses."""
    _holds(COMES, Action("run"), Action("lose_ledger", (False,)), Action("delete_part", ("spoke1", "IPPool", "t0")))


def test_a_range_that_forgotten_pods_bear_is_given_to_nobody() -> None:
    """Ledger and pool are gone and the definition too: only the pods themselves tell that somebody is still there."""
    heir = Action("add", ("t1", "spoke1", 0, ("beta",), ("s1.example",)))
    lost = Action("lose_ledger", (True,))
    _holds(COMES, Action("run"), lost, Action("delete_part", ("spoke1", "IPPool", "t0")), GOES, heir)


def test_who_was_removed_and_is_wanted_again_by_a_file_with_mistakes_stays() -> None:
    """Nothing of the new file was ever in force and its name is not the tenant's: only what it says tells whom it means."""
    back = Action("adopt", ("t1", "spoke2", 2, ("beta", "gamma"), ("*.example",)))
    comes = Action("add", ("t1", "spoke2", 1, ("beta",), ("s1.example",)))
    _holds(comes, Action("follow", (9,)), Action("remove", ("t1",)), back, Action("rename", ("t1",)))


def test_whose_traffic_was_to_end_is_not_forgotten_with_the_ledger() -> None:
    """A judge that knew it from the ledger alone took the end that a tenant had asked for, for a connection that we lost."""
    _holds(
        COMES,
        Action("follow", (8,)),
        Action("shape", ("t0", 3, False, True)),
        Action("amid", (87, GOES)),
        Action("run"),
        Action("run"),
        Action("lose_ledger", (True,)),
        Action("wait", (700,)),
    )


@pytest.mark.parametrize("wrong", [("change_asn", ("spoke1", 64999)), ("drift", ("spoke1", "report"))])
def test_a_connection_goes_before_one_that_only_a_person_can_make_possible(
    wrong: tuple[str, tuple[object, ...]],
) -> None:
    """It waited for the new node's connection, which no pass makes while somebody else's AS number, or no filter, stands."""
    gone = Action("delete_shared", ("spoke1", "BGPFilter", "export-egress-ips"))
    broken = (Action(*wrong), *((gone,) if wrong[0] == "drift" else ()))
    _holds(COMES, Action("follow", (8,)), Action("replace_node", ("spoke1", 1)), *broken, variant=_BARE)


def test_a_namespace_may_pass_on_while_its_former_tenants_file_is_broken() -> None:
    """Its valid definition had moved away and another claims the namespace: a judge took the redirection for a removal."""
    _holds(
        Action("add", ("t0", "spoke1", 0, ("alpha", "beta", "gamma"), ("s0.example",))),
        Action("follow", (8,)),
        GOES,
        Action("add", ("t0", "spoke2", 1, ("alpha",), ("s0.example", "s1.example"))),
        Action("adopt", ("t1", "spoke1", 2, ("alpha", "beta"), ("s0.example", "s1.example"))),
        Action("break_file", ("t0", "unknown")),
    )


@pytest.mark.parametrize("doubt", [("break_file", ("t0", "empty")), ("rename", ("t0",))])
def test_a_removal_that_began_by_a_good_commit_goes_on_while_the_file_is_broken(
    doubt: tuple[str, tuple[object, ...]],
) -> None:
    """Its definition had moved off a cluster that did not answer until the file broke: a judge took the rest for a new removal."""
    _holds(
        Action("add", ("t0", "spoke1", 0, ("alpha", "beta", "gamma"), ("s0.example",))),
        Action("follow", (8,)),
        GOES,
        Action("trouble", ("cluster/spoke1", "*", "*", "timeout-before", 1, 0, 429)),
        Action("add", ("t0", "spoke2", 0, ("gamma",), ("s2.example",))),
        Action("follow", (3,)),
        Action(*doubt),
    )


def test_a_generation_drains_though_another_of_the_same_tenant_waits_for_a_person() -> None:
    """A namespace on the first range waits for a newcomer that cannot move; the second range drains meanwhile and is let go."""
    history = History.of(Variant())
    for action in (
        Action("add", ("t0", "spoke1", 0, ("alpha", "gamma"), ("s0.example",))),
        Action("follow", (16,)),
        Action("foreign_pool", ("spoke1", 3, False)),
        Action("claim", ("t0", "spoke1", ("alpha",))),
        Action("add", ("t1", "spoke1", 3, ("gamma",), ())),
        Action("renumber", ("t0", "spoke1", 2)),
        Action("follow", (12,)),
        Action("renumber", ("t0", "spoke1", 4)),
        Action("follow", (12,)),
    ):
        history.play(action)

    rests = rest(history)

    freed = [str(one.range) for one in history.ledger.records if one.kind is RecordKind.FREED]
    assert ["10.99.0.16/29"] == freed
    assert rests is not None
    assert (WaitsFor.PERSON,) == next(one.waiting_for for one in rests.plan.attachments if one.key.tenant == "t0")


@pytest.mark.parametrize("passes", [10, 11, 12])
def test_a_range_that_is_taken_back_while_its_rules_are_being_taken_out_is_not_pointed_at(passes: int) -> None:
    """What the firewall still allows is gone when its running operation ends: in force is not enough, it must stay so."""
    away, back = Action("renumber", ("t0", "spoke1", 1)), Action("renumber", ("t0", "spoke1", 0))
    _holds(COMES, Action("follow", (16,)), away, Action("follow", (passes,)), back, Action("follow", (16,)))


def test_a_range_is_not_free_while_a_write_that_nobody_saw_succeed_may_have() -> None:
    """Its first rules got in and somebody's failed deletion hid that: the shard said Failed, and nothing was thought in force."""
    _holds(
        Action("add", ("t1", "spoke2", 1, ("beta",), ("s1.example",))),
        Action("follow", (9,)),
        Action("add", ("t0", "spoke2", 0, ("alpha",), ("s0.example",))),
        Action("run"),
        Action("detach", ("t0", "spoke2")),
        Action("add", ("t3", "spoke2", 4, ("alpha", "gamma"), ("s0.example", "s1.example", "s2.example"))),
        Action("occupy", (900, False, "FirewallPolicyUpdateFailed")),
        Action("portal_deletes", ("egress-001",)),
        variant=Variant(tenants_per_shard=1),
    )


def test_a_range_is_not_free_while_a_write_that_nobody_saw_at_all_may_have_succeeded() -> None:
    """Somebody emptied the shard behind its first write, in vain, and no pass had seen what that write held, which stood."""
    _holds(
        Action("add", ("t0", "spoke2", 0, ("alpha",), ("s0.example",))),
        Action("run"),
        Action("occupy", (900, True, "FirewallPolicyUpdateFailed")),
        Action("portal_empties", ("egress-000",)),
        Action("detach", ("t0", "spoke2")),
        variant=Variant(tenants_per_shard=25),
    )


def test_who_is_given_nothing_yet_is_not_pointed_to_a_gateway_that_reaches_nothing() -> None:
    """Both versions of its rules share none while the newer waits for another cluster: pointed now, everything would be denied."""
    _holds(
        Action("add", ("t0", "spoke1", 0, ("alpha", "beta", "gamma"), ("s0.example",))),
        Action("add", ("t3", "spoke2", 2, ("beta",), ("s2.example",))),
        Action("amid", (55, Action("allow", ("t3", ("s1.example",), True, False)))),
        Action("pace", ("spoke2", "after the other")),
        variant=Variant(tenants_per_shard=1),
    )


def test_who_comes_after_a_cluster_on_which_something_is_refused_rests() -> None:
    """It has no tenant who could be seen to wait, so that the other one was looked at every fifteen seconds for ever."""
    _holds(Action("pace", ("spoke1", "after the other")), Action("rival_peering", ("spoke2",)))


def test_a_namespace_led_elsewhere_where_drift_is_only_reported_waits_for_a_person() -> None:
    """The tenant's row said that it is pointed in this pass, and every pass asked for the next one."""
    _holds(
        Action("add", ("t0", "spoke1", 0, ("alpha", "beta", "gamma"), ("s0.example",))),
        Action("follow", (8,)),
        Action("by_hand", ("spoke1", "t1", 1, "alpha")),
        Action("drift", ("spoke1", "report")),
    )


@pytest.mark.parametrize("cluster", ["spoke1", "spoke2"])
def test_somebody_elses_pool_in_a_range_that_was_given_out_names_a_person(cluster: str) -> None:
    """Ours was refused by one API and could not be allocated from on the other, in every pass, and nobody named the other pool."""
    comes = Action("add", ("t1", cluster, 2, ("beta",), ("s1.example",)))
    theirs = Action("foreign_pool", (cluster, 2, False))
    _holds(Action("die_in_ledger", ("after",)), comes, Action("run"), theirs)


@pytest.mark.parametrize("lookalike", [False, True])
def test_somebody_elses_pool_goes_and_the_range_it_lay_in_is_used(lookalike: bool) -> None:
    """Labels copied from ours make it no pool of a generation that anybody knows; without it nobody is waited for."""
    comes = Action("add", ("t1", "spoke2", 2, ("beta",), ("s1.example",)))
    theirs = Action("foreign_pool", ("spoke2", 2, lookalike))
    history = History.of(Variant())
    for action in (Action("die_in_ledger", ("after",)), comes, Action("run"), theirs):
        history.play(action)

    waiting = rest(history)
    history.play(Action("foreign_pool_gone", ("spoke2", 2)))
    rests = rest(history)

    assert waiting is not None
    assert [(RefusalCode.RANGE_HELD, (WaitsFor.PERSON,))] == [
        (one.code, waiting.plan.attachments[0].waiting_for) for one in waiting.plan.refused
    ]
    assert rests is not None
    assert rests.converged


def test_who_changed_unapproved_while_everything_was_lost_stays_as_it_is() -> None:
    """Without ledger and state the hub counted as new: an unapproved commit was put off and its running tenant was taken down."""
    _holds(
        Action("add", ("t1", "spoke1", 2, ("beta",), ("s2.example",))),
        Action("reviewed_so", ("approved without having been shown",)),
        Action("follow", (5,)),
        Action("shape", ("t1", 3, True, False)),
        Action("lose_ledger", (True,)),
        variant=Variant(reviewed=True),
    )


def test_annotations_that_are_ours_in_part_do_not_keep_a_leaving_gateway_for_ever() -> None:
    """A namespace was led by hand to both gateways of a renumbering tenant that left: the second one waited, and nobody looked."""
    _holds(
        Action("add", ("t1", "spoke2", 1, ("beta",), ("s0.example",))),
        Action("shape", ("t1", 1, True, False)),
        Action("follow", (9,)),
        Action("renumber", ("t1", "spoke2", 4)),
        Action("follow", (2,)),
        Action("shape", ("t1", 2, False, True)),
        Action("annotate", ("spoke2", "beta", "t1")),
        Action("detach", ("t1", "spoke2")),
    )


def test_namespaces_given_up_to_a_tenant_that_nobody_approved_stay_until_it_can_carry_them() -> None:
    """Their tenant gave them up and asks that traffic end with a removal: they were led nowhere, and somebody was to have them."""
    _holds(
        Action("add", ("t0", "spoke1", 0, ("alpha", "beta", "gamma"), ("s0.example",))),
        Action("follow", (8,)),
        Action("add", ("t2", "spoke1", 4, ("alpha", "beta"), ("s0.example", "s1.example"))),
        Action("claim", ("t0", "spoke1", ("gamma",))),
        Action("shape", ("t0", 3, False, True)),
        variant=Variant(tenants_per_shard=1, reviewed=True),
    )


def test_a_peer_does_not_come_back_under_an_open_filter_while_all_tenants_are_suspended() -> None:
    """All tenants of a cluster were suspended, so its filter stood as somebody had opened it; a deleted peer was made again."""
    _holds(
        Action("add", ("t1", "spoke1", 1, ("beta",), ("s1.example",))),
        Action("overtake", (17, 20, 3)),
        Action("edit_shared", ("spoke1", "BGPFilter", "export-egress-ips", {"exportV4": [{"action": "Accept"}]})),
        Action("suspend", ("tenant/t1", 7200)),
        Action("delete_shared", ("spoke1", "BGPPeer", "azure-route-server-a")),
    )


def test_a_node_that_lost_its_label_is_no_way_out_for_those_behind_the_last_reflector() -> None:
    """Route Server listed its routes for seconds still, and on their strength the last reflector was interrupted."""
    _holds(
        Action("add", ("t1", "spoke2", 2, ("beta",), ("s2.example",))),
        Action("follow", (8,)),
        Action("replace_node", ("spoke2", 1)),
        Action("wait", (60,)),
        Action("label_node", ("spoke2", 3, False)),
        Action("run"),
    )


def test_what_somebody_does_in_the_middle_of_a_pass_is_not_ours_when_it_converges() -> None:
    """A shard is deleted in the portal after the pass has read it: it finds all well, and Azure takes the rules away later."""
    _holds(
        Action("add", ("t1", "spoke2", 1, ("beta",), ("s1.example",))),
        Action("follow", (16,)),
        Action("amid", (57, Action("portal_deletes", ("egress-000",)))),
        Action("overtake", (109, 130, 2)),
    )


def test_peers_of_a_leaving_cluster_go_under_whatever_filter_somebody_left() -> None:
    """Somebody opened the filter as its cluster was to leave: the peers that carry it go, and that lets nothing out."""
    _holds(
        Action("run"),
        Action("edit_shared", ("spoke2", "BGPFilter", "export-egress-ips", {"exportV4": []})),
        Action("leave", ("spoke2", True)),
    )


def test_a_gateway_does_not_shrink_to_pods_of_which_nobody_knows_the_way() -> None:
    """Its node was replaced, two pods came again under addresses whose old routes stay for a while; the third alone is reached."""
    _holds(
        Action("add", ("t1", "spoke1", 1, ("beta",), ("s1.example",))),
        Action("follow", (9,)),
        Action("replace_node", ("spoke1", 2)),
        Action("shape", ("t1", 3, False, False)),
        Action("run"),
        Action("shape", ("t1", 2, False, True)),
    )


def test_a_generation_that_has_drained_is_no_attachment_that_goes() -> None:
    """A renumbered tenant's removal waits for a window, its old generation goes all the same, and another tenant leaves."""
    _holds(
        Action("add", ("t0", "spoke1", 0, ("alpha",), ("s0.example",))),
        Action("follow", (8,)),
        Action("amid", (94, Action("block", ("t0",)))),
        Action("remove", ("t0",)),
        Action("add", ("t3", "spoke2", 0, ("gamma",), ("s0.example",))),
        Action("add", ("t0", "spoke1", 3, ("beta", "gamma"), ("s0.example",))),
        Action("follow", (14,)),
        Action("amid", (64, Action("remove", ("t0",)))),
        Action("detach", ("t3", "spoke2")),
        Action("pace", ("spoke1", "in a window")),
    )


def test_a_denial_that_was_being_written_may_come_after_the_unblock() -> None:
    """Azure takes minutes for a write: what a pass was asked to deny is denied for a while, though nobody asks for it any more."""
    _holds(
        Action("add", ("t0", "spoke1", 0, ("alpha",), ("s0.example",))),
        Action("follow", (4,)),
        Action("run"),
        Action("block", ("t0",)),
        Action("run"),
        Action("unblock", ("t0",)),
        Action("wait", (700,)),
    )


def test_a_denial_that_came_in_the_middle_of_a_pass_may_come_after_the_unblock_too() -> None:
    """The pass began before anybody was blocked, learned of it, and wrote it; Azure was still at it when the block was lifted."""
    _holds(
        Action("add", ("t0", "spoke1", 0, ("alpha",), ("s0.example",))),
        Action("follow", (16,)),
        Action("amid", (61, Action("block", ("t0",)))),
        Action("unblock", ("t0",)),
        Action("wait", (90,)),
    )


def test_a_tenant_that_is_blocked_no_more_is_not_pointed_before_the_firewall_knows() -> None:
    """Blocked and unblocked within seconds: its rules stood, and the denial that was being written came after the cut-over."""
    _holds(
        COMES,
        Action("overtake", (50, 130, 2)),
        Action("run"),
        Action("amid", (103, Action("block", ("t0",)))),
        Action("run"),
        Action("wait", (20,)),
        Action("run"),
        Action("unblock", ("t0",)),
        Action("run"),
        Action("wait", (60,)),
    )


def test_what_adopts_and_gets_another_range_does_not_wait_for_itself() -> None:
    """Both its generations bore the adopted names: what pointed at the new gateway kept the old one waiting for ever."""
    _holds(
        COMES,
        Action("adopt", ("t3", "spoke1", 4, ("alpha", "gamma"), ("s0.example", "s1.example", "s2.example"))),
        Action("adopt", ("t1", "spoke1", 3, ("beta",), ("s1.example",))),
        Action("amid", (30, Action("allow", ("t1", ("s2.example",), True, False)))),
        Action("swap", ("t3", "t1", "spoke1")),
    )


def test_nobody_lets_in_the_last_rules_of_whom_git_has_no_more() -> None:
    """All records were lost and a person let in what Git has: a tenant removed before got all that its last file had asked for."""
    _holds(
        COMES,
        Action("run"),
        Action("foreign_pool", ("spoke1", 1, True)),
        Action("add", ("t1", "spoke1", 2, ("beta",), ("s0.example", "s1.example"))),
        Action("lose_ledger", (True,)),
        Action("allow", ("t0", ("s2.example",), True, True)),
        GOES,
        variant=Variant(reviewed=True, bare=True),
    )


def test_while_it_leaves_nobody_lets_in_what_its_last_file_asked_for() -> None:
    """Its removal began when a person let in what Git has, and its gateway had the rules of its last file until it was gone."""
    _holds(
        COMES,
        Action("follow", (4,)),
        Action("reviewed_so", ("approved before more is pushed",)),
        Action("adopt", ("t3", "spoke1", 3, ("gamma",), ("s0.example", "s1.example"))),
        Action("amid", (40, Action("fail_gateways", ("spoke1", "t0")))),
        Action("run"),
        Action("allow", ("t0", ("s0.example", "s1.example"), False, False)),
        Action("lose_state"),
        Action("detach", ("t0", "spoke1")),
        variant=Variant(reviewed=True, bare=True),
    )


def test_whom_a_force_push_dropped_keeps_the_rules_that_were_approved() -> None:
    """Git said nothing of it any more, somebody opened its shard, and the next write, for another tenant, carried that along."""
    _holds(
        Action("add", ("t1", "spoke1", 1, ("beta",), ("s1.example",))),
        COMES,
        Action("follow", (9,)),
        Action("rewind", (3,)),
        Action("adopt", ("t0", "spoke1", 5, ("gamma",), ("s1.example",))),
        Action("remove", ("t0",)),
        Action("portal_opens", ("egress-000",)),
        variant=Variant(tenants_per_shard=25, reviewed=True, bare=True),
    )


def test_who_comes_back_otherwise_and_unapproved_does_not_wait_for_itself() -> None:
    """Its leaving gateway waits for the namespaces that it claims anew, with another range: a pass came each minute, for ever."""
    _holds(
        Action("add", ("t0", "spoke1", 0, ("alpha", "beta", "gamma"), ("s0.example",))),
        Action("follow", (8,)),
        Action("trouble", ("cluster/spoke1", "*", "*", "timeout-before", 1, 0, 429)),
        GOES,
        Action("follow", (14,)),
        Action("reviewed_so", ("approved without having been shown",)),
        Action("adopt", ("t0", "spoke1", 4, ("alpha",), ("s0.example",))),
        variant=Variant(reviewed=True),
    )


_DENIAL_GOES = (
    COMES,
    Action("follow", (16,)),
    Action("deny", ("s1.example",)),
    Action("wait", (300,)),
    Action("allow_again"),
    Action("wait", (50,)),
)
_WIDER = Action("allow", ("t0", ("s1.example",), False, False))


def test_what_was_shown_open_was_not_denied_when_the_firewall_was_read() -> None:
    """The first answer to a review took 20 s, and the last of somebody's denial had gone before the groups were listed."""
    slow = Action("trouble", ("firewall/hub1", "get", "*", "slow", 1, 1, 404))
    _holds(*_DENIAL_GOES, slow, _WIDER, Action("follow", (4,)), variant=Variant(reviewed=True))


def test_what_was_shown_denied_was_denied_when_the_firewall_was_read() -> None:
    """The answer took 20 s, in which the denial went, and somebody denied the name again: all is as it was approved."""
    slow = Action("trouble", ("firewall/hub1", "list", "*", "slow", 1, 1, 404))
    again = Action("deny", ("s1.example",))
    _holds(*_DENIAL_GOES, slow, _WIDER, again, Action("follow", (8,)), variant=Variant(reviewed=True))


def test_what_comes_back_while_the_ledger_cannot_be_read_is_asked_about() -> None:
    """It had all but left and came back unapproved; in the one pass without a ledger it counted as what it had been."""
    _holds(
        COMES,
        Action("overtake", (50, 20, 1)),
        Action("remove", ("t0",)),
        Action("follow", (3,)),
        Action("reviewed_so", ("approved, and the approval is taken back",)),
        Action("damage_ledger"),
        Action("restore", (1,)),
        Action("run"),
        Action("restore_ledger"),
        Action("follow", (3,)),
        variant=Variant(reviewed=True),
    )


def test_a_home_that_somebody_deletes_where_drift_is_only_reported_keeps_nobody_busy() -> None:
    """The gateway was applied into the missing namespace in each pass, as new, and refused, for ever."""
    _holds(
        Action("add", ("t3", "spoke2", 2, ("beta",), ())),
        Action("overtake", (61, 20, 1)),
        Action("run"),
        Action("drift", ("spoke2", "report")),
        Action("delete_home", ("spoke2", "t3")),
        Action("follow", (8,)),
    )


def test_what_an_operator_gave_up_is_not_free_while_a_shard_with_its_rules_is_written() -> None:
    """A pass freed the range of a forgotten cluster and wrote, for another tenant, the shard that still allowed it."""
    _holds(
        Action("add", ("t0", "spoke1", 0, ("alpha", "beta", "gamma"), ("s0.example",))),
        Action("add", ("t1", "spoke2", 1, ("beta",), ("s0.example",))),
        Action("follow", (16,)),
        Action("add", ("t2", "spoke2", 2, ("alpha",), ("s1.example",))),
        GOES,
        Action("remove", ("t1",)),
        Action("forget", ("spoke1",)),
        Action("calico_down"),
        Action("follow", (3,)),
        Action("overtake", (64, 130, 3)),
        variant=Variant(tenants_per_shard=25),
    )


@pytest.mark.parametrize("scope", ["tenant/t0", "cluster/spoke2"])
def test_what_is_not_taken_up_on_one_cluster_takes_nothing_on_another_without_a_ledger(scope: str) -> None:
    """A further attachment waited and had no rules yet, and with the ledger unreadable that went for the running one as well."""
    _holds(
        COMES,
        Action("follow", (16,)),
        Action("suspend", (scope, 600)),
        Action("attach", ("t0", "spoke2", 4, ("alpha",))),
        Action("damage_ledger"),
        Action("follow", (3,)),
    )


@pytest.mark.parametrize(
    "then",
    [
        (Action("remove", ("t2",)),),
        (Action("lose_ledger", (True,)), Action("remove", ("t2",))),
        (Action("renumber", ("t2", "spoke2", 3)), Action("run")),
    ],
    ids=["removed", "removed, with everything forgotten", "renumbered, and nothing adopted any more"],
)
def test_a_gateway_made_by_hand_is_not_taken_from_under_whoever_used_it_before(then: tuple[Action, ...]) -> None:
    """Its namespace had not been taken over yet, so it counted as foreign, and a day later the gateway was deleted under it."""
    _holds(
        Action("by_hand", ("spoke2", "t2", 1, "alpha")),
        Action("adopt", ("t2", "spoke2", 1, ("alpha",), ("s0.example", "s1.example"))),
        Action("run"),
        *then,
    )


def test_a_range_is_free_once_the_connection_that_still_taught_it_is_gone() -> None:
    """A dead reflector's connection had been deleted, ARM knew no such connection, and the world had its routes for seconds."""
    _holds(
        Action("add", ("t0", "spoke1", 0, ("alpha", "beta", "gamma"), ("s0.example",))),
        Action("follow", (16,)),
        Action("rewind", (2,)),
        Action("run"),
        Action("replace_node", ("spoke1", 1)),
        Action("run"),
        Action("overtake", (16, 61, 3)),
        Action("run"),
        variant=Variant(routes_per_peer=500, tenants_per_shard=25, bare=True),
    )


def test_what_is_found_again_in_a_pass_counts_for_the_limit_on_removals() -> None:
    """Two of two were refused while a cluster was silent; the pass that found its attachment again began two of three."""
    _holds(
        Action("add", ("t1", "spoke2", 1, ("beta",), ("s1.example",))),
        Action("add", ("t0", "spoke1", 0, ("alpha",), ())),
        Action("run"),
        Action("lose_ledger", (True,)),
        Action("foreign_pool", ("spoke2", 3, True)),
        Action("trouble", ("cluster/spoke1", "*", "*", "timeout-before", 1, 0, 409)),
        Action("remove", ("t1",)),
        Action("run"),
    )


def test_a_policy_that_somebody_unapproved_is_to_take_a_namespace_from_waits_for_his_approval() -> None:
    """It came back without bypass and without that namespace, and passes looked for ever whether it still named the policy."""
    _holds(
        COMES,
        Action("follow", (8,)),
        Action("shape", ("t0", 1, True, False)),
        Action("amid", (24, Action("detach", ("t0", "spoke1")))),
        Action("add", ("t0", "spoke1", 0, ("gamma",), ("*.example",))),
        Action("allow", ("t0", (), False, False)),
        Action("trouble", ("firewall/hub1", "*", "*", "timeout-before", 1, 0, 409)),
        Action("add", ("t2", "spoke1", 1, ("alpha",), ("s0.example", "s1.example", "s2.example"))),
        variant=Variant(routes_per_peer=500, tenants_per_shard=25, reviewed=True, bare=True),
    )


def test_the_removal_of_all_in_the_pass_that_rebuilds_the_ledger_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge compared with a ledger that was still empty, and two of nothing exceeded no limit."""
    monkeypatch.setattr(generations, "_removals", lambda situation, **_: (generations._undefined(situation), ()))

    run = replay(
        _SET_UP,
        (
            COMES,
            Action("add", ("t1", "spoke2", 1, ("beta",), ("s1.example",))),
            Action("run"),
            Action("lose_ledger", (True,)),
            GOES,
            Action("remove", ("t1",)),
            Action("run"),
        ),
    )

    assert Invariant.LIMITS is run.violations[0].invariant, story(run)


def test_what_was_held_on_a_forgotten_cluster_ends_whatever_becomes_of_the_file() -> None:
    """A person said that the cluster is gone, its tenant moved on, and then its file was copied under another name."""
    _holds(
        Action("add", ("t0", "spoke1", 0, ("spare",), ("s0.example",))),
        Action("follow", (9,)),
        Action("forget", ("spoke1",)),
        Action("restore", (1,)),
        Action("undefine", ("spoke1",)),
        Action("adopt", ("t0", "spoke2", 2, ("alpha",), ("s2.example",))),
        Action("rename", ("t0",)),
    )


def test_a_write_that_is_refused_for_somebody_elses_is_no_write_of_what_stands() -> None:
    """The filter was edited between our reading and our write, which was refused for that, as it should be."""
    closed = {"exportV4": [{"action": "Reject"}]}
    _holds(
        Action("add", ("t1", "spoke1", 2, ("beta",), ("s0.example", "s1.example", "s2.example"))),
        Action("follow", (16,)),
        Action("add", ("t3", "spoke1", 1, ("gamma",), ("*.example",))),
        Action("allow", ("t3", ("s0.example", "s1.example"), False, False)),
        Action("amid", (114, Action("edit_shared", ("spoke1", "BGPFilter", "export-egress-ips", closed)))),
    )


def test_what_somebody_opened_and_azure_refused_does_not_come_into_force_by_us() -> None:
    """The state was lost, the tree was in doubt, and a pass that may only take away wrote the failed opening again."""
    _holds(
        COMES,
        Action("run"),
        Action("lose_state"),
        Action("empty_tree"),
        Action("occupy", (200, False, "FirewallPolicyUpdateFailed")),
        Action("portal_opens", ("egress-000",)),
        variant=Variant(tenants_per_shard=25, reviewed=True),
    )


@pytest.mark.parametrize(
    ("moment", "deed"),
    [
        pytest.param(111, Action("delete_shared", ("spoke2", "BGPFilter", "export-egress-ips")), id="deleted"),
        pytest.param(
            88, Action("edit_shared", ("spoke1", "BGPFilter", "export-egress-ips", {"exportV4": []})), id="opened"
        ),
    ],
)
def test_a_filter_that_somebody_spoils_between_our_writes_is_not_our_leak(moment: int, deed: Action) -> None:
    """A peer names a filter that was sound when it was planned; the next pass makes it so again."""
    _holds(
        Action("amid", (moment, deed)),
        variant=Variant(routes_per_peer=500, tenants_per_shard=25, bare=True),
    )


def test_whom_a_force_push_dropped_while_the_ledger_could_not_be_read_had_rules_all_the_same() -> None:
    """That pass asked the ledger who holds something, got no answer, and moved on past the commit that told his rules."""
    _holds(
        Action("add", ("t0", "spoke2", 0, ("spare",), ("s0.example",))),
        Action("follow", (9,)),
        Action("damage_ledger"),
        Action("portal_opens", ("egress-000",)),
        Action("rewind", (2,)),
        Action("run"),
        Action("add", ("t2", "spoke2", 4, ("gamma",), ("s0.example", "s1.example"))),
        Action("rename", ("t2",)),
        variant=Variant(routes_per_peer=500, tenants_per_shard=25, max_bytes=1400000, reviewed=True),
    )


_BELOW = Action("allow", ("t0", ("api.s1.example",), False, False))
_A_WHILE = (Action("follow", (14,)), Action("wait", (120,)), Action("follow", (14,)), Action("wait", (120,)))


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param((Action("add", ("t1", "spoke1", 2, ("beta",), ("s2.example",))), _BELOW), id="another's rule"),
        pytest.param((Action("allow", ("t0", ("api.s1.example", "s2.example"), False, False)),), id="one of its own"),
    ],
)
def test_a_wildcard_that_narrows_keeps_the_name_while_a_rule_is_refused(meanwhile: tuple[Action, ...]) -> None:
    """The commit before and this one both let the name in, and whose rule the firewall refuses takes some writes to find out."""
    _holds(
        Action("add", ("t0", "spoke1", 0, ("alpha",), ("*.s1.example",))),
        Action("follow", (14,)),
        Action("refuse_content", ("s2.example",)),
        *meanwhile,
        *_A_WHILE,
    )


def test_a_wildcard_that_narrows_to_the_refused_name_is_no_loss_of_ours() -> None:
    """Nothing is left of it that the firewall takes, and what it let in besides goes all the same."""
    _holds(
        Action("add", ("t0", "spoke1", 0, ("alpha",), ("*.s1.example",))),
        Action("follow", (14,)),
        Action("refuse_content", ("api.s1.example",)),
        Action("add", ("t1", "spoke1", 2, ("beta",), ("s2.example",))),
        _BELOW,
        *_A_WHILE,
    )
