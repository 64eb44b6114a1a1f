"""Limits that only the whole of what is live can break."""

from __future__ import annotations

from dataclasses import replace

from planning_builders import a_gateway, a_generation, seen, the_sample

from function_app.model.ledger import Generation
from function_app.model.names import AttachmentKey, ClusterName, GenerationId, TenantName
from function_app.model.plan import RefusalCode
from function_app.model.tree import DefinedAttachment
from function_app.planning.limits import routes_over_limit, with_surge


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


def test_routes_of_all_gateways_of_a_cluster_count_with_their_surge() -> None:
    """Three routes stand and three are added: six are within six, and over five."""
    live = (a_generation(), elsewhere())

    assert None is routes_over_limit(newcomer(), live, seen(), 6)
    refusal = routes_over_limit(newcomer(), live, seen(), 5)

    assert refusal is not None
    assert (RefusalCode.ROUTES_PER_PEER, "tenant1@spoke1-aks") == (refusal.code, refusal.subject)
    assert "to 6: 3 stand, 3 are added (2 replicas and surge), the limit is 5 per peer" in refusal.message


def test_replicas_that_run_count_not_those_of_a_file() -> None:
    """A gateway that somebody scaled up has the routes that it has."""
    live = (a_generation(),)

    assert None is routes_over_limit(newcomer(), live, seen(a_gateway(8)), 13)
    assert None is not routes_over_limit(newcomer(), live, seen(a_gateway(8)), 12)
