"""A shard that the firewall refuses: who is at fault is found, and nobody else waits for it."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import assume, given
from hypothesis import strategies as st

from function_app.model.names import TenantName
from function_app.planning.firewall_resources import Content, TenantRules, content_digest
from function_app.planning.permissions import permissions
from function_app.planning.trials import Trial, choose


def a_rule(name: str, *fqdns: str, source: str = "10.99.0.0/29") -> dict[str, object]:
    """One application rule."""
    return {
        "ruleType": "ApplicationRule",
        "name": name,
        "sourceAddresses": [source],
        "targetFqdns": list(fqdns),
        "protocols": [{"protocolType": "Https", "port": 443}],
    }


def rules_of(tenant: str, *fqdns: str) -> TenantRules:
    """A tenant that may reach these names."""
    return TenantRules(TenantName(tenant), app=(a_rule("web", *fqdns),) if fqdns else ())


def played(
    wanted: Content, in_force: dict[TenantName, TenantRules], refuses: Callable[[Content], bool], most: int = 200
) -> tuple[Trial, dict[TenantName, TenantRules], int]:
    """Write what is chosen into a firewall that refuses some contents, until nothing more is to be done."""
    failures: dict[str, int] = {}
    for writes in range(most):
        trial = choose(wanted, in_force, failures)
        standing = {rules.tenant: rules.digest() for rules in trial.content.values() if rules}
        if standing == {tenant: rules.digest() for tenant, rules in in_force.items() if rules}:
            return trial, in_force, writes
        if refuses(trial.content):
            failures[content_digest(trial.content)] = failures.get(content_digest(trial.content), 0) + 1
        else:
            in_force = {rules.tenant: rules for rules in trial.content.values() if rules}
    raise AssertionError("no end")


def test_one_bad_rule_is_named_and_holds_nobody_up() -> None:
    """Of eight changed tenants the one with the refused name is found, and the other seven get what they want."""
    before = {TenantName(f"t{n}"): rules_of(f"t{n}", "old.example") for n in range(8)}
    wanted = {n: rules_of(f"t{n}", "old.example", "bad.example" if n == 5 else "new.example") for n in range(8)}

    trial, after, _ = played(wanted, before, lambda content: "bad.example" in str(content))

    assert (TenantName("t5"),) == trial.culprits
    assert {TenantName(f"t{n}"): wanted[n].digest() for n in range(8) if n != 5} == {
        tenant: rules.digest() for tenant, rules in after.items() if tenant != "t5"
    }
    assert before[TenantName("t5")].digest() == after[TenantName("t5")].digest()


def test_a_revocation_is_in_every_content_that_is_written() -> None:
    """While the culprit is searched, what was revoked meanwhile is never written again."""
    before = {TenantName("a"): rules_of("a", "keep.example", "revoked.example"), TenantName("b"): rules_of("b")}
    wanted = {0: rules_of("a", "keep.example"), 1: rules_of("b", "bad.example")}
    written: list[Content] = []

    def refuses(content: Content) -> bool:
        written.append(content)
        return "bad.example" in str(content)

    played(wanted, before, refuses)

    assert written
    assert all("revoked.example" not in str(content) for content in written)


def test_a_wildcard_narrowed_to_the_refused_name_holds_nobody_up() -> None:
    """What is left of the last good rules is the refused name itself: it goes, its tenant is named, the other is served."""
    before = {TenantName("a"): rules_of("a", "*.example"), TenantName("b"): rules_of("b", "*.test")}
    wanted = {0: rules_of("a", "bad.example"), 1: rules_of("b", "fine.test", "new.example")}

    trial, after, _ = played(wanted, before, lambda content: "bad.example" in str(content))

    assert (TenantName("a"),) == trial.culprits
    assert {TenantName("b"): wanted[1].digest()} == {tenant: rules.digest() for tenant, rules in after.items()}


def test_a_wildcard_that_narrows_keeps_what_it_narrows_to_while_a_culprit_is_sought() -> None:
    """In each content that is written the name stands, alone or below its wildcard."""
    before = {TenantName("a"): rules_of("a", "*.test"), TenantName("b"): rules_of("b")}
    wanted = {0: rules_of("a", "fine.test"), 1: rules_of("b", "bad.example")}
    written: list[Content] = []

    def refuses(content: Content) -> bool:
        written.append(content)
        return "bad.example" in str(content)

    played(wanted, before, refuses)

    assert len(written) > 2
    assert all("fine.test" in str(content[0]) for content in written)


def test_when_even_the_last_good_rules_fail_no_tenant_is_named() -> None:
    """A firewall that refuses its own last good rules is itself at fault."""
    before = {TenantName("a"): rules_of("a", "old.example")}
    wanted = {0: rules_of("a", "old.example", "new.example")}
    base = {0: rules_of("a", "old.example")}

    trial = choose(wanted, before, {content_digest(wanted): 2, content_digest(base): 2})

    assert trial.at_fault
    assert () == trial.culprits


def test_when_nothing_ever_got_in_no_tenant_is_named() -> None:
    """The first contents of a new shard fail, all together and each alone: they are asked for again, as Git has them."""
    wanted = {0: rules_of("a", "a.example"), 1: rules_of("b", "b.example")}
    alone = ({0: wanted[0], 1: rules_of("b")}, {0: rules_of("a"), 1: wanted[1]})

    trial = choose(wanted, {}, {content_digest(one): 2 for one in (wanted, *alone)})

    assert trial.at_fault
    assert wanted == trial.content
    assert () == trial.culprits


def test_one_failure_is_no_verdict() -> None:
    """A content that failed once is tried again as it is: another operation may have been in the way."""
    wanted = {0: rules_of("a", "new.example")}

    assert wanted == choose(wanted, {}, {content_digest(wanted): 1}).content


@given(st.sets(st.integers(0, 11), min_size=1, max_size=4), st.integers(2, 12), st.sampled_from(["", "*.example"]))
def test_all_culprits_are_found_and_all_others_served(bad: set[int], count: int, stood: str) -> None:
    """Whatever tenants are refused, the search ends with exactly those named and everybody else in force."""
    culprits = {n for n in bad if n < count}
    assume(len(culprits) < count)
    before = {TenantName(f"t{n:02d}"): rules_of(f"t{n:02d}", stood) for n in range(count) if stood}
    wanted = {n: rules_of(f"t{n:02d}", f"bad{n}.example" if n in culprits else "fine.example") for n in range(count)}

    trial, after, _ = played(wanted, before, lambda content: "bad" in str(content))

    assert {TenantName(f"t{n:02d}") for n in culprits} == set(trial.culprits)
    assert {TenantName(f"t{n:02d}") for n in range(count) if n not in culprits} == set(after)
    assert all(permissions(rules) for rules in after.values())
