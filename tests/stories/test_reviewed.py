"""A hub that applies what was approved: the plan that the service answered, an approval, a merge; and what comes in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from service.service_desk import ServiceDesk
from stories.desk import HUB, PLATFORM, Desk, describe, sample
from stories.test_suspended import names_of, passes
from web_services import json_answers, web_service

from function_app.adapters.git_hosts import RepositoryPlace
from function_app.adapters.git_reviews import GitHubApprovals
from function_app.adapters.git_tokens import fixed_token
from function_app.adapters.web import Web
from function_app.gathering import Patience
from function_app.model.approval import Approval, PullRequest
from function_app.model.errors import SourceError
from function_app.model.names import Commit
from function_app.model.plan import RefusalCode, Stage, WaitsFor
from function_app.model.resources import Body, Kind
from function_app.model.state import Decision, DecisionKind, HubState
from function_app.service.callers import Caller, Right
from function_app.service.decisions import resync
from function_app.service.questions import plan
from function_app.service.requests import BadRequest
from search.rule_collections import rule_collection
from simulator.model.faults import Action, Fault
from simulator.model.packets import Verdict

CLUSTER = "spoke1-aks"
HUB_FILE, TENANT0, TENANT1 = "hubs/hub1.yaml", "tenants/tenant0.yaml", "tenants/tenant1.yaml"
NEW = "blog.tigera.io"
OPERATOR = Caller("op", frozenset({Right.OPERATE}))


@dataclass
class GitHost:
    """`Approvals` in memory."""

    merged: dict[Commit, PullRequest] = field(default_factory=dict)
    problem: str = ""
    asked: int = 0

    def of(self, commit: Commit) -> tuple[PullRequest, ...]:
        """Whatever was merged as that commit."""
        self.asked += 1
        if self.problem:
            raise SourceError(self.problem)
        return (self.merged[commit],) if commit in self.merged else ()


@dataclass
class Reviewing:
    """A desk whose hub applies what was approved, its service, and its Git host."""

    desk: Desk
    service: ServiceDesk
    host: GitHost

    def shown(self, files: Mapping[str, str | None]) -> Commit:
        """A branch with these files, whose plan the pipeline asks of the service; its head."""
        head = self.desk.repository.propose(files)
        self.show(head)
        return head

    def show(self, head: Commit) -> dict[str, Any]:
        """What the service answers for a head, a minute later."""
        self.desk.world.advance(60)
        answer: Any = plan({"ref": head}, self.service).body
        return dict(answer)

    def approval(self, head: Commit, by: str = "sec") -> Approval:
        """One that is given now."""
        self.desk.world.advance(60)
        return Approval(by, head, self.desk.world.clock.now())

    def merge(
        self, files: Mapping[str, str | None], head: Commit, *approvals: Approval, discounted: str = ""
    ) -> Commit:
        """The branch with these files is merged."""
        self.desk.world.advance(60)
        self.desk.commit(files)
        commit = self.desk.repository.resolve("main")
        told = (discounted,) if discounted else ()
        self.host.merged[commit] = PullRequest(f"#{len(self.host.merged) + 1}", head, approvals, told)
        return commit

    def approved(self, files: Mapping[str, str | None]) -> Commit:
        """A branch that is shown, approved and merged."""
        head = self.shown(files)
        return self.merge(files, head, self.approval(head))

    def detail(self, tenant: str) -> str:
        """What a tenant's row says on the first cluster."""
        return self.desk.attachment(tenant, CLUSTER).detail

    def deny(self, name: str) -> None:
        """Somebody denies a name to everybody in front of all tenants' rules, by hand."""
        rule = {
            "ruleType": "ApplicationRule",
            "name": "no-docs",
            "sourceAddresses": ["*"],
            "targetFqdns": [name],
            "protocols": [{"protocolType": "Https", "port": 443}],
        }
        collection = rule_collection("by-hand", "Deny", rule)
        properties = {"priority": 500, "ruleCollections": [collection]}
        self.desk.world.hubs["hub1"].put_group("tenants", "theirs", {"properties": properties})
        self.desk.world.advance(600)


def reviewed_hub() -> dict[str, str]:
    """The sample's hub, applying what was approved."""
    text = sample(HUB_FILE)[HUB_FILE]
    return {HUB_FILE: text.replace("\nspec:\n", "\nspec:\n  apply: reviewed\n", 1)}


def wider(path: str = TENANT0, name: str = NEW) -> dict[str, str]:
    """A tenant of the sample that may reach one name more."""
    text = sample(path)[path]
    entry = f"    allow:\n      - {{name: wider, fqdns: [{name}]}}\n"
    return {path: text.replace("    allow:\n", entry, 1)}


def over(desk: Desk) -> Reviewing:
    """That desk, reviewed."""
    host, service = GitHost(), ServiceDesk(desk)
    desk.ports = replace(desk.ports, approvals=host, shown=service.shown)
    return Reviewing(desk, service, host)


@pytest.fixture
def reviewing(settled: Desk) -> Reviewing:
    """A settled hub that from now on applies what was approved."""
    found = over(settled)
    settled.commit(reviewed_hub())
    settled.settle()
    return found


def test_what_was_shown_and_approved_is_applied(reviewing: Reviewing) -> None:
    """The plan was asked of the service, somebody else approved it, it was merged, it comes about."""
    reviewing.approved(wider())

    last = reviewing.desk.settle()

    assert last.converged, describe(last)
    assert NEW in names_of(reviewing.desk, "tenant0")


def test_a_hub_that_does_not_ask_for_it_asks_nobody(settled: Desk) -> None:
    """Without `apply: reviewed` everything that is merged is applied, and the Git host hears nothing."""
    found = over(settled)
    settled.commit(wider())

    assert settled.settle().converged
    assert NEW in names_of(settled, "tenant0")
    assert 0 == found.host.asked
    assert {} == found.service.shown.kept


def test_nothing_to_approve_asks_nobody(reviewing: Reviewing) -> None:
    """A settled hub, and a commit that only says the same otherwise."""
    text = sample(TENANT0)[TENANT0]
    renamed = text.replace("tigera-website", "vendor").replace("contact: payments", "contact: pay")
    assert text != renamed
    reviewing.desk.commit({TENANT0: renamed})

    assert reviewing.desk.settle().converged
    assert 0 == reviewing.host.asked


def test_a_firewall_that_was_changed_meanwhile_stops_that_tenant_alone(reviewing: Reviewing) -> None:
    """Of two tenants of one merge, the one whose new name somebody now denies waits, with the rule; the other one goes."""
    files = wider() | wider(TENANT1, "help.tigera.io")
    head = reviewing.shown(files)
    approval = reviewing.approval(head)
    reviewing.deny(NEW)
    reviewing.merge(files, head, approval)

    passes(reviewing.desk)

    row = reviewing.desk.attachment("tenant0", CLUSTER)
    assert (Stage.ROUTED, False, (WaitsFor.UNAPPROVED,)) == (row.stage, row.current, row.waiting_for)
    assert "tenant0 is not as sec approved it in #1" in row.detail
    assert f"{NEW} on HTTPS 443 from 10.99.0.0/29 is now denied, was allowed" in row.detail
    assert "theirs/by-hand/no-docs" in row.detail
    assert NEW not in names_of(reviewing.desk, "tenant0")
    assert "help.tigera.io" in names_of(reviewing.desk, "tenant1")


def test_approved_again_it_goes(reviewing: Reviewing) -> None:
    """The same files in a second pull request, shown as the firewall is now."""
    head = reviewing.shown(wider())
    approval = reviewing.approval(head)
    reviewing.deny(NEW)
    reviewing.merge(wider(), head, approval)
    passes(reviewing.desk, 3)
    assert WaitsFor.UNAPPROVED in reviewing.desk.attachment("tenant0", CLUSTER).waiting_for

    again = {TENANT0: f"{wider()[TENANT0]}# approved as it is\n"}
    reviewing.approved(again)

    assert reviewing.desk.settle().converged
    assert NEW in names_of(reviewing.desk, "tenant0")


def test_a_waiver_for_that_very_plan_lets_it_go(reviewing: Reviewing) -> None:
    """By the digest that the row names; one for another plan does nothing."""
    reviewing.desk.commit(wider())
    passes(reviewing.desk, 2)
    digest = reviewing.detail("tenant0").split("--plan ")[1].split()[0]
    now = reviewing.desk.world.clock.now()

    def waive(subject: str) -> None:
        end = now + timedelta(days=1)
        reviewing.desk.state.decide(Decision(DecisionKind.WAIVER, subject, "urgent", "op", now, end, code="unapproved"))

    waive("0" * 16)
    passes(reviewing.desk, 2)
    assert WaitsFor.UNAPPROVED in reviewing.desk.attachment("tenant0", CLUSTER).waiting_for
    waive(digest)
    assert reviewing.desk.settle().converged
    assert NEW in names_of(reviewing.desk, "tenant0")


def test_an_operator_waives_what_the_status_names(reviewing: Reviewing) -> None:
    """POST /api/resync with the digest that waits; any other is refused, and the waiver ends after a day."""
    reviewing.desk.commit(wider())
    passes(reviewing.desk, 2)
    (deferral,) = reviewing.desk.reports[-1].plan.deferrals
    asked = {"hub": "hub1", "code": "unapproved", "reason": "ticket 4711"}
    with pytest.raises(BadRequest, match="no tenant's plan that waits on hub1"):
        resync({**asked, "waive": "0" * 16}, OPERATOR, reviewing.service)

    answer: Any = resync({**asked, "waive": deferral.plan}, OPERATOR, reviewing.service).body

    assert ("op", "unapproved") == (answer["waiver"]["by"], answer["waiver"]["code"])
    assert reviewing.desk.settle().converged
    assert NEW in names_of(reviewing.desk, "tenant0")


def test_what_is_answered_is_noted_for_our_branch_alone(reviewing: Reviewing) -> None:
    """Asked with our branch by name it is; against another base, or with the firewall unread, it is not, which the answer says."""
    head = reviewing.desk.repository.propose(wider())
    base = reviewing.desk.repository.resolve("main")
    plan({"ref": head, "base": base}, reviewing.service)
    assert 1 == len(reviewing.service.shown.of(HUB, head))
    older = reviewing.desk.repository.first_parents(base, None)[0].commit
    other = reviewing.desk.repository.propose(wider(name="x.example"))
    elsewhere: Any = plan({"ref": other, "base": older}, reviewing.service).body
    assert "no approval of this counts" in elsewhere["comment"]
    reviewing.desk.world.faults.add(Fault(target="firewall/hub1", action=Action.UNREACHABLE, count=0))
    unread: Any = plan({"ref": other}, reviewing.service).body
    assert "its firewall could not be read: no approval of this counts" in unread["comment"]
    assert () == reviewing.service.shown.of(HUB, other)


def test_what_is_said_and_what_is_noted_rest_on_one_reading(reviewing: Reviewing) -> None:
    """One call to the firewall fails: nothing is read again behind the comment that says so, and nothing is noted."""
    head, calls = reviewing.desk.repository.propose(wider()), reviewing.desk.world.faults.calls
    listed = ("firewall/hub1", "list", Kind.RULE_COLLECTION_GROUP)
    reviewing.desk.world.faults.add(Fault(target="firewall/hub1", verb="list", action=Action.REFUSE, status=503))
    before = calls[listed]

    unread = reviewing.show(head)
    noted, failed = len(reviewing.service.shown.of(HUB, head)), calls[listed]
    read = reviewing.show(head)

    assert "firewall/hub1 could not be read" in unread["comment"]
    assert "no approval of this counts" in unread["comment"]
    assert (0, 1) == (noted, failed - before)
    assert "could not be read" not in read["comment"]
    assert (1, 2) == (len(reviewing.service.shown.of(HUB, head)), calls[listed] - failed), (
        "its own groups, the base policy's"
    )


def test_a_review_waits_for_a_firewall_that_is_late(reviewing: Reviewing, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass plans without it and once more when it answers; a review is answered once, and is to be approved as it is."""
    head, firewall = reviewing.desk.repository.propose(wider()), reviewing.desk.ports.firewall
    policy = firewall.policy

    def late() -> Body:
        Event().wait(0.3)
        return policy()

    monkeypatch.setattr(firewall, "policy", late)
    reviewing.service.patience = Patience(grace=0.0, limit=20.0)

    read = reviewing.show(head)

    assert "could not be read" not in read["comment"]
    assert 1 == len(reviewing.service.shown.of(HUB, head))


def test_while_the_firewall_cannot_be_read_nothing_new_is_taken_up(reviewing: Reviewing) -> None:
    """What was approved cannot be compared then; afterwards it goes by itself."""
    reviewing.approved(wider())
    fault = Fault(target="firewall/hub1", action=Action.UNREACHABLE, count=0)
    reviewing.desk.world.faults.add(fault)
    passes(reviewing.desk, 3)
    assert "cannot be told while the firewall policy cannot be read" in reviewing.detail("tenant0")
    reviewing.desk.world.faults.clear()
    assert reviewing.desk.settle().converged


def test_another_tenants_merge_in_between_changes_nothing(reviewing: Reviewing) -> None:
    """Shown and approved, then another tenant's change is merged first: the approval stands."""
    head = reviewing.shown(wider())
    approval = reviewing.approval(head)
    other = wider(TENANT1, "help.tigera.io")
    reviewing.approved(other)
    reviewing.desk.settle()
    reviewing.merge(wider() | other, head, approval)

    assert reviewing.desk.settle().converged
    assert {NEW, "help.tigera.io"} <= names_of(reviewing.desk, "tenant0") | names_of(reviewing.desk, "tenant1")


@pytest.mark.parametrize("discounted", ["", "mallory proposed it", "mallory may not write to the repository"])
def test_without_an_approval_that_counts_it_waits(reviewing: Reviewing, discounted: str) -> None:
    """Nobody, its author, a stranger: the row says which pull request it was and who does not count."""
    head = reviewing.shown(wider())
    reviewing.merge(wider(), head, discounted=discounted)

    passes(reviewing.desk, 5)

    assert "nobody entitled has approved #1, which changed tenant0" in reviewing.detail("tenant0")
    assert discounted in reviewing.detail("tenant0")
    assert NEW not in names_of(reviewing.desk, "tenant0")


def test_a_rule_set_that_many_include_is_approved_once(reviewing: Reviewing) -> None:
    """Both tenants gain a name by one pull request of the rule set; without an approval both wait, with it both go."""
    path = "rulesets/baseline.yaml"
    text = sample(path)[path].replace("[login.microsoftonline.com]", f"[login.microsoftonline.com, {NEW}]")
    reviewing.desk.commit({path: text})
    passes(reviewing.desk, 3)
    waiting = [one for one in reviewing.desk.reports[-1].plan.attachments if WaitsFor.UNAPPROVED in one.waiting_for]
    assert {"tenant0", "tenant1"} == {str(one.key.tenant) for one in waiting}
    assert 3 == reviewing.host.asked, "one question a pass: what did not change is not asked about"

    reviewing.approved({path: f"{text}# again\n"})

    assert reviewing.desk.settle().converged
    assert NEW in names_of(reviewing.desk, "tenant0") & names_of(reviewing.desk, "tenant1")


def test_a_push_past_all_review_waits(reviewing: Reviewing) -> None:
    """A commit that no pull request brought."""
    reviewing.desk.commit(wider())

    passes(reviewing.desk, 5)

    assert "came in without a pull request" in reviewing.detail("tenant0")
    assert NEW not in names_of(reviewing.desk, "tenant0")


def test_an_approval_of_what_was_not_shown_counts_nothing(reviewing: Reviewing) -> None:
    """Approved before the service was asked, as on a fork, whose branches it does not read."""
    head = reviewing.desk.repository.propose(wider())
    approval = reviewing.approval(head)
    reviewing.show(head)
    reviewing.merge(wider(), head, approval)

    passes(reviewing.desk, 5)

    assert "until then no plan of tenant0 had been asked of this service" in reviewing.detail("tenant0")
    assert NEW not in names_of(reviewing.desk, "tenant0")


def test_an_approval_in_the_second_of_the_answer_counts_nothing(reviewing: Reviewing) -> None:
    """Which of the two came first cannot be told, since clocks may tell whole seconds; a second later it counts."""
    head = reviewing.shown(wider())
    shown_at = reviewing.service.shown.of(HUB, head)[-1].at
    reviewing.merge(wider(), head, Approval("sec", head, shown_at))
    passes(reviewing.desk, 5)
    told = reviewing.detail("tenant0"), NEW in names_of(reviewing.desk, "tenant0")
    reviewing.host.merged[reviewing.desk.repository.resolve("main")] = PullRequest(
        "#1", head, (Approval("sec", head, shown_at + timedelta(seconds=1)),)
    )

    passes(reviewing.desk, 5)

    assert ("until then no plan of tenant0 had been asked of this service" in told[0], told[1]) == (True, False)
    assert NEW in names_of(reviewing.desk, "tenant0")


def test_more_was_pushed_after_the_approval(reviewing: Reviewing) -> None:
    """What was approved was less than what was merged: the row says what nobody approved."""
    head = reviewing.shown(wider())
    approval = reviewing.approval(head)
    more = wider(name=f"{NEW}, evil.example")
    last = reviewing.shown(more)
    reviewing.merge(more, last, approval)

    passes(reviewing.desk, 5)

    assert "evil.example on HTTPS 443 from 10.99.0.0/29 is now allowed, was denied" in reviewing.detail("tenant0")
    assert not {NEW, "evil.example"} & names_of(reviewing.desk, "tenant0")


def test_what_was_pushed_after_the_approval_and_means_the_same_is_applied(reviewing: Reviewing) -> None:
    """A comment in the file, and a change of another tenant that then waits alone."""
    head = reviewing.shown(wider())
    approval = reviewing.approval(head)
    more = {TENANT0: f"{wider()[TENANT0]}# why\n"} | wider(TENANT1, "help.tigera.io")
    reviewing.merge(more, reviewing.shown(more), approval)

    passes(reviewing.desk)

    assert NEW in names_of(reviewing.desk, "tenant0")
    assert "help.tigera.io" not in names_of(reviewing.desk, "tenant1")
    assert WaitsFor.UNAPPROVED in reviewing.desk.attachment("tenant1", CLUSTER).waiting_for


def test_a_host_that_does_not_answer_keeps_it_waiting(reviewing: Reviewing) -> None:
    """Its name and the problem stand in the row, it is asked again within a minute, and then it goes."""
    reviewing.approved(wider())
    reviewing.host.problem = "GitHub does not answer (ConnectTimeoutError)."

    report = passes(reviewing.desk, 5)

    assert "GitHub does not answer" in reviewing.detail("tenant0")
    assert NEW not in names_of(reviewing.desk, "tenant0")
    assert (report.plan.look_again_seconds or 1e9) <= 60
    reviewing.host.problem = ""
    assert reviewing.desk.settle().converged
    assert NEW in names_of(reviewing.desk, "tenant0")


def test_what_takes_away_goes_in_the_same_merge(reviewing: Reviewing) -> None:
    """Unapproved, a tenant trades one name for another and a tenant leaves: what goes, goes; what comes, waits."""
    text = sample(TENANT0)[TENANT0].replace("[www.tigera.io]", f"[{NEW}]").split("  expect:")[0]
    reviewing.desk.commit({TENANT0: text, TENANT1: None})

    passes(reviewing.desk)

    assert not {"www.tigera.io", NEW} & names_of(reviewing.desk, "tenant0")
    assert "login.microsoftonline.com" in names_of(reviewing.desk, "tenant0")
    assert set() == names_of(reviewing.desk, "tenant1")


def test_who_leaves_gains_nothing_on_the_way(reviewing: Reviewing) -> None:
    """Widened and then removed, before any pass and approved by nobody: while it leaves it may what it might, and no more."""
    reviewing.desk.commit(wider())
    reviewing.desk.commit({TENANT0: None})
    before = names_of(reviewing.desk, "tenant0")

    passes(reviewing.desk, 3)

    assert Stage.LEAVING is reviewing.desk.attachment("tenant0", CLUSTER).stage
    assert NEW not in names_of(reviewing.desk, "tenant0") <= before
    reviewing.desk.settle()
    assert set() == names_of(reviewing.desk, "tenant0")


@pytest.mark.parametrize("late", [False, True])
def test_files_that_come_back_before_the_removal_began_bring_nothing_new(reviewing: Reviewing, *, late: bool) -> None:
    """All tenants are removed by mistake, the limit refuses and asks for the files: nobody approves them, and nothing is lost."""
    desk = reviewing.desk
    before = names_of(desk, "tenant0"), names_of(desk, "tenant1")
    desk.commit({TENANT0: None, TENANT1: None})
    passes(desk, 3)
    assert RefusalCode.REMOVALS in [one.code for one in desk.reports[-1].plan.refused]
    if late:
        desk.commit({"unrelated.md": "x"})
        passes(desk, 3)
    desk.commit(sample(TENANT1) | wider())

    passes(desk, 20)

    assert (WaitsFor.UNAPPROVED,) == desk.attachment("tenant0", CLUSTER).waiting_for
    assert () == desk.attachment("tenant1", CLUSTER).waiting_for
    assert before == (names_of(desk, "tenant0"), names_of(desk, "tenant1"))
    assert Verdict.ALLOWED is desk.send(CLUSTER, "default", "https://www.tigera.io").verdict
    assert not desk.state.read().recalled


def test_a_namespace_stays_with_who_leaves_until_its_next_tenant_is_approved(reviewing: Reviewing) -> None:
    """Tenant0 leaves to tenant1, which nobody approved: its traffic goes on, its row names who it waits for, approved it passes."""
    desk, text = reviewing.desk, sample(TENANT1)[TENANT1]
    heir = {TENANT1: text.replace("namespaces: [", "namespaces: [default, ", 1)}
    desk.commit({TENANT0: None, **heir})

    passes(desk, 5)

    assert desk.send(CLUSTER, "default", "https://www.tigera.io").gateway.startswith("tenant0-egw/")
    assert (WaitsFor.PERSON,) == desk.attachment("tenant0", CLUSTER).waiting_for
    assert "it waits for tenant1@spoke1-aks" in reviewing.detail("tenant0")
    assert desk.reports[-1].stopped

    reviewing.approved({TENANT1: f"{heir[TENANT1]}# so be it\n"})
    assert desk.settle().converged
    assert desk.send(CLUSTER, "default", "https://www.tigera.io").gateway.startswith("tenant1-egw/")


def test_whoever_waits_for_days_for_the_next_tenants_approval_keeps_its_rules(reviewing: Reviewing) -> None:
    """Nobody approves tenant1 for two days: what leaves through tenant0's gateway meanwhile is allowed what it was."""
    desk, text = reviewing.desk, sample(TENANT1)[TENANT1]
    desk.commit({TENANT0: None, TENANT1: text.replace("namespaces: [", "namespaces: [default, ", 1)})
    passes(desk, 5)
    before = names_of(desk, "tenant0")

    desk.world.advance(48 * 3600)
    passes(desk, 5)

    assert before == names_of(desk, "tenant0")
    packet = desk.send(CLUSTER, "default", "https://www.tigera.io")
    assert packet.gateway.startswith("tenant0-egw/")
    assert Verdict.ALLOWED is packet.verdict


def test_a_new_hubs_first_tenants_wait_as_well() -> None:
    """Nothing was ever admitted there: unapproved tenants stay out, however many passes come."""
    desk = Desk.with_platform()
    reviewing = over(desk)
    desk.commit(reviewed_hub())
    desk.settle()
    desk.commit(sample(TENANT0))

    passes(desk, 10)

    assert Stage.ABSENT is desk.attachment("tenant0", CLUSTER).stage
    assert set() == names_of(desk, "tenant0")
    reviewing.approved({TENANT0: f"{sample(TENANT0)[TENANT0]}# again\n"})
    assert desk.settle().converged


def test_who_was_never_taken_up_is_asked_about_after_every_merge() -> None:
    """A hub's first tenant waits, another commit is merged: its pull request is known all the same, and approved it goes."""
    desk = Desk.with_platform()
    reviewing = over(desk)
    desk.commit(reviewed_hub())
    head = reviewing.shown(sample(TENANT0))
    commit = reviewing.merge(sample(TENANT0), head)
    passes(desk, 2)
    other = sample("guardrails.yaml")["guardrails.yaml"]

    desk.commit({"guardrails.yaml": f"{other}# one\n"})
    passes(desk, 1)
    assert "nobody entitled has approved #1, which changed tenant0" in reviewing.detail("tenant0")

    reviewing.host.merged[commit] = PullRequest("#1", head, (reviewing.approval(head),))
    desk.commit({"guardrails.yaml": f"{other}# two\n"})
    passes(desk, 1)
    assert WaitsFor.UNAPPROVED not in desk.attachment("tenant0", CLUSTER).waiting_for


def test_a_hub_that_begins_with_its_tenants_waits_for_all_of_them() -> None:
    """Hub, clusters and an unapproved tenant in the very first commit: the second pass lets no more in than the first."""
    desk = Desk.with_platform()
    over(desk)
    desk.commit(reviewed_hub() | sample(TENANT0))

    passes(desk, 10)

    assert Stage.ABSENT is desk.attachment("tenant0", CLUSTER).stage
    assert set() == names_of(desk, "tenant0")


def test_taking_it_off_needs_somebody_else_too(reviewing: Reviewing) -> None:
    """One commit that takes `apply: reviewed` off and widens a tenant changes nothing; approved, the next one does."""
    files = sample(HUB_FILE) | wider()
    reviewing.desk.commit(files)

    passes(reviewing.desk, 5)

    assert NEW not in names_of(reviewing.desk, "tenant0")
    assert "takes `apply: reviewed` off hub1" in reviewing.detail("tenant0")
    again = {HUB_FILE: f"{files[HUB_FILE]}# by agreement\n"}
    head = reviewing.shown(again)
    reviewing.merge(again, head, reviewing.approval(head))
    assert reviewing.desk.settle().converged
    assert NEW in names_of(reviewing.desk, "tenant0")


def test_who_was_removed_before_it_was_taken_off_gains_nothing(reviewing: Reviewing) -> None:
    """Both were widened and removed, approved by nobody, and stay for the limit: whoever lets in what Git has does not see that."""
    desk, files = reviewing.desk, sample(HUB_FILE)
    before = names_of(desk, "tenant0"), names_of(desk, "tenant1")
    desk.commit(wider() | wider(TENANT1))
    desk.commit({TENANT0: None, TENANT1: None})
    passes(desk, 3)
    head = reviewing.shown(files)
    reviewing.merge(files, head, reviewing.approval(head))

    passes(desk, 5)

    assert RefusalCode.REMOVALS in [one.code for one in desk.reports[-1].plan.refused]
    assert before == (names_of(desk, "tenant0"), names_of(desk, "tenant1"))
    desk.commit(wider())
    passes(desk, 5)
    assert NEW in names_of(desk, "tenant0")


def test_who_was_removed_before_the_state_was_forgotten_gains_nothing(reviewing: Reviewing) -> None:
    """A person lets in what Git has, a widened tenant1; tenant0, widened and removed, leaves with what it had."""
    desk = reviewing.desk
    desk.commit(wider() | wider(TENANT1))
    desk.commit({TENANT0: None})
    desk.state.state = HubState()
    passes(desk, 3)
    assert RefusalCode.STANDING_UNKNOWN in [one.code for one in desk.reports[-1].plan.refused]
    desk.commit(sample(HUB_FILE))
    stages, allowed = set(), set[str]()

    for _ in range(8):
        passes(desk, 1)
        allowed |= names_of(desk, "tenant0")
        stages |= {one.stage for one in desk.reports[-1].plan.attachments if one.key.tenant == "tenant0"}

    assert Stage.LEAVING in stages
    assert NEW not in allowed
    assert NEW in names_of(desk, "tenant1")
    desk.settle()
    assert not desk.state.read().doubtful


def test_a_forgotten_state_opens_nothing(reviewing: Reviewing) -> None:
    """Which commit was in force is not known any more: only what denies goes on, and the report says how that ends."""
    reviewing.desk.commit(wider())
    reviewing.desk.state.state = HubState()

    report = passes(reviewing.desk, 3)

    assert NEW not in names_of(reviewing.desk, "tenant0")
    assert any("once it is merged without that line and a pass was made" in one.message for one in report.plan.refused)
    reviewing.desk.commit(sample(HUB_FILE))
    assert reviewing.desk.settle().converged


def test_a_commit_in_force_that_is_gone_names_each_step_out() -> None:
    """A force-push threw it away and nobody knows what stands: the line must go, and as the state knows of it, with an approval."""
    desk = Desk.at()
    reviewing = over(desk)
    desk.commit(sample(*PLATFORM) | reviewed_hub())
    reviewing.approved(sample(TENANT0, TENANT1))
    desk.settle()
    reviewing.approved(wider())
    desk.settle()
    desk.repository.rewind(2, gone=True)

    def refused() -> str:
        return next(one.message for one in passes(desk, 3).plan.refused if one.code is RefusalCode.STANDING_UNKNOWN)

    assert (
        "once it is merged without that line, which somebody else must have approved, and a pass was made." in refused()
    )
    off = sample(HUB_FILE)
    desk.commit(off)
    assert "once somebody else has approved the commit that takes it off." in refused()
    again = {HUB_FILE: f"{off[HUB_FILE]}# by agreement\n"}
    head = reviewing.shown(again)
    reviewing.merge(again, head, reviewing.approval(head))
    assert desk.settle().converged


def test_the_real_host_is_asked_by_its_own_routes(reviewing: Reviewing, tmp_path: Path) -> None:
    """Over HTTPS, in GitHub's shapes: unanswered the tenant waits, answered it goes."""
    head = reviewing.shown(wider())
    approval = reviewing.approval(head)
    commit = reviewing.merge(wider(), head)
    who = {"login": "sec", "id": 2, "type": "User"}
    base = {"ref": "main", "repo": {"full_name": "octo/egress"}}
    pull = {
        "number": 12,
        "user": {"login": "ada", "id": 1, "type": "User"},
        "merged_at": "2026-11-23T09:30:00Z",
        "head": {"sha": head},
        "base": base,
    }
    review = {"user": who, "state": "APPROVED", "commit_id": head, "submitted_at": approval.at.isoformat()}
    answers: dict[str, object] = {
        f"/repos/octo/egress/commits/{commit}/pulls": [pull],
        "/repos/octo/egress/pulls/12/reviews": [review],
        "/repos/octo/egress/collaborators/sec/permission": {"permission": "write"},
    }
    up = False

    def answer(_method: str, path: str, *_: object) -> tuple[int, object]:
        found = answers.get(path.split("?", maxsplit=1)[0])
        return (200, found) if up and found is not None else (503, {"message": "unavailable"})

    with web_service(tmp_path, json_answers(answer)) as service:
        place, token = RepositoryPlace.of("https://github.com/octo/egress.git"), fixed_token("0123456789")
        real = GitHubApprovals(place, "main", service.url, token, Web(service.ca_file))
        reviewing.desk.ports = replace(reviewing.desk.ports, approvals=real)
        passes(reviewing.desk, 2)
        assert "GitHub does not tell (503 unavailable)" in reviewing.detail("tenant0")
        up = True
        assert reviewing.desk.settle().converged

    assert NEW in names_of(reviewing.desk, "tenant0")
