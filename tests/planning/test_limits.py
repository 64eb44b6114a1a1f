"""Limits that only the whole of what is live can break."""

from __future__ import annotations

from dataclasses import replace

from planning_builders import CLUSTER, a_gateway, a_generation, a_situation, seen, the_sample

from function_app.model.ledger import Generation, Ledger, RecordKind
from function_app.model.names import AttachmentKey, ClusterName, GenerationId, TenantName
from function_app.model.plan import RefusalCode
from function_app.model.tree import DefinedAttachment
from function_app.planning.claims import Claims
from function_app.planning.limits import routes_over_limit, standing_routes, with_surge


def newcomer() -> DefinedAttachment:
    """Tenant1 on spoke1: two replicas, so three routes with surge."""
    return the_sample().attachments[AttachmentKey(TenantName("tenant1"), ClusterName("spoke1-aks"))]


def elsewhere() -> Generation:
    """A generation on the other cluster."""
    return replace(
        a_generation(), id=GenerationId("ffffffff"), key=AttachmentKey(TenantName("tenant2"), ClusterName("spoke2-aks"))
    )


def test_a_rolling_gateway_has_a_quarter_more_pods() -> None:
    """Rounded up, as Kubernetes does."""
    assert [2, 3, 4, 5, 7, 10] == [with_surge(replicas) for replicas in (1, 2, 3, 4, 5, 8)]


def test_a_new_gateway_counts_with_its_surge() -> None:
    """Three routes stand and three are added: six are within six, and over five."""
    assert None is routes_over_limit(newcomer(), 3, 6)
    refusal = routes_over_limit(newcomer(), 3, 5)

    assert refusal is not None
    assert (RefusalCode.ROUTES_PER_PEER, "tenant1@spoke1-aks") == (refusal.code, refusal.subject)
    assert "to 6: 3 stand, 3 are added (2 replicas and surge), the limit is 5 per peer" in refusal.message


def test_replicas_that_run_count_not_those_of_a_file() -> None:
    """A gateway that somebody scaled up has the routes that it has; one that does not run yet is taken for two replicas."""
    assert [3, 10] == [standing_routes((a_generation(),), cluster) for cluster in (seen(), seen(a_gateway(8)))]


def test_what_is_given_out_in_a_pass_stands_for_the_next_that_asks() -> None:
    """Routes of this cluster's gateways stand, not of another's, and those of each new one are added to them."""
    known = {one.id: one for one in (a_generation(), elsewhere())}
    situation = a_situation(seen(), ledger=Ledger((), known))
    claims = Claims(situation, situation.ledger)
    reserved = situation.record(RecordKind.RESERVE, a_generation())
    other = replace(reserved, generation=GenerationId("eeeeeeee"), tenant=TenantName("tenant3"), pool="tenant3-pool")

    before = claims.standing_routes(CLUSTER)
    claims.give_out(other)

    assert (3, 6) == (before, claims.standing_routes(CLUSTER))
    assert 6 == Claims(situation, claims.ledger).standing_routes(CLUSTER)
