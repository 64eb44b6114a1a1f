"""What tenants and guardrails expect, against the policy that results; and against packets in a world that has converged."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from ipaddress import IPv4Network
from pathlib import Path

from reachability_builders import app, collection, group
from stories.desk import Desk, sample

from function_app.model.definitions import Expectation, Guardrails
from function_app.model.names import Commit, HubName
from function_app.model.tree import HubDefinitions, Tree, hub_definitions
from function_app.planning.intended_policy import Intended, intended
from function_app.planning.reachability.expectations import Decided, Standing, decide
from function_app.planning.reachability.policy import GroupBody, policy_of
from function_app.planning.reachability.reach import Destination, Says, ask, destination_of
from function_app.planning.reachability.traffic import addresses
from function_app.reading.definitions import read_directory
from simulator.model.packets import Verdict

TODAY = date(2026, 11, 23)
URLS = (
    "https://www.tigera.io",
    "http://www.tigera.io",
    "https://docs.tigera.io",
    "https://api.payments.example",
    "https://login.microsoftonline.com",
    "https://example.com",
    "tcp://198.51.100.20:443",
    "tcp://198.51.100.20:8443",
    "udp://198.51.100.20:443",
)


def the_sample() -> tuple[HubDefinitions, Guardrails | None]:
    """The project's sample definitions."""
    definitions, problems = read_directory(Path(__file__).parents[2] / "gitops", today=TODAY)
    assert definitions is not None, problems
    return hub_definitions(Tree(Commit("0" * 40), definitions), HubName("hub1")), definitions.guardrails


def resolved(url: str, destination: str) -> Destination:
    """The destination once DNS has answered."""
    asked, address = destination_of(url), IPv4Network(destination.rpartition(":")[0])
    return replace(asked, box=replace(asked.box, destinations=addresses([address])), by_name=False)


def decided(hub: HubDefinitions, guardrails: Guardrails | None, base: tuple[GroupBody, ...] = ()) -> list[Decided]:
    """All statements about the hub's tenants."""
    implied: Intended = intended(hub, TODAY)
    tenants = {key.tenant: one.tenant for key, one in hub.attachments.items()}
    return list(decide(policy_of(implied.groups, base), tenants, guardrails, implied.sources))


def test_the_samples_expectations_are_met() -> None:
    """Its two tenants and its guardrails say what its rules do."""
    found = decided(*the_sample())
    assert {Standing.MET} == {one.standing for one in found}
    assert {("tenant0", True), ("tenant0", False), ("tenant1", True), ("tenant1", False)} == {
        (str(one.tenant), one.by_guardrails) for one in found
    }


def test_the_base_policy_counts() -> None:
    """Its denial comes before the tenant's rule: the expectation is broken, and the rule that decides is named."""
    denial = group(collection(app("*.tigera.io", name="no-vendor", sources=["*"]), action="Deny"), name="platform")
    broken = [one for one in decided(*the_sample(), (denial,)) if one.standing is Standing.BROKEN]
    (one,) = broken
    assert "tenant0 to `https://www.tigera.io`: its own file expects allow, the firewall says deny" in str(one)
    assert "base policy, platform/tenant0-app/no-vendor" in str(one)


def test_guardrails_bind_every_tenant() -> None:
    """One tenant that may reach what nobody may is named, with the rule; the others are not."""
    hub, guardrails = the_sample()
    assert guardrails is not None
    demand = Expectation(reach="https://docs.tigera.io", verdict="deny")
    spec = guardrails.spec.model_copy(update={"expect": (demand,)})
    found = decided(hub, guardrails.model_copy(update={"spec": spec}))
    broken = [one for one in found if one.by_guardrails and one.standing is Standing.BROKEN]
    assert ["tenant1"] == [one.tenant for one in broken]
    assert "egress-000/tenant1-app/documentation" in str(broken[0])


def test_packets_get_what_the_answers_say() -> None:
    """In the settled sample each tenant's connections end as asked beforehand, and by the rule that was named."""
    desk = Desk.with_platform()
    desk.commit(sample("tenants/tenant0.yaml", "tenants/tenant1.yaml"))
    desk.settle()
    hub, _ = the_sample()
    implied = intended(hub, TODAY)
    enforced = desk.world.hubs["hub1"].policies.enforced()
    base = [{"name": each.group, "properties": each.properties} for each in enforced if each.policy == "platform"]
    policy = policy_of(implied.groups, base)
    found: list[tuple[bool, str, str]] = []
    for key, attachment in hub.attachments.items():
        for url in URLS:
            packet = desk.send(str(key.cluster), attachment.attachment.namespaces[0], url)
            if packet.destination:
                answer = ask(policy, implied.sources[key.tenant], resolved(url, packet.destination))
                rule = answer.rule.rule if answer.rule is not None else ""
                found.append((packet.verdict is Verdict.ALLOWED, packet.rule.rule, url))
                assert found[-1] == (answer.says is Says.ALLOW, rule, url)
    assert {True, False} == {allowed for allowed, _, _ in found}
    assert len(found) > len(URLS)
