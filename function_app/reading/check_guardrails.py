"""What the organisation forbids, held against tenants and rule sets.

A finding is an error in a file that this commit changed, and a warning in one that it did not: guardrails that are tightened
against what is in force bind the next edit. The guardrails' own file is never held back by a finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Network

from function_app.model.definitions import AllowRule, Attachment, Forbidden
from function_app.model.errors import Problem, Severity
from function_app.reading.candidate import Candidate
from function_app.reading.fqdns import covers
from function_app.reading.layout import GUARDRAILS_FILE
from function_app.reading.parse import ParsedFile
from function_app.reading.places import Path, quoted
from function_app.reading.ranges import EVERYTHING, destination_networks, port_span

type Breach = tuple[Path, str, str, str]
"""Path, code, message, hint."""


def guardrails(tree: Candidate) -> Iterator[Problem]:
    """Owner, replicas and rules of every tenant, and the rules of every rule set."""
    spec = tree.guardrails
    if spec is None:
        return
    where = f"({tree.shown(GUARDRAILS_FILE)})" if GUARDRAILS_FILE in tree.files else "(the default guardrails)"
    breached: dict[str, Breach] = {}
    for ruleset in tree.rulesets:
        for breach in _rules(("spec", "allow"), ruleset.definition.spec.allow, spec.forbid):
            breached.setdefault(ruleset.name, breach)
            yield _problem(tree, ruleset.file, breach, where)
    for tenant in tree.tenants:
        own = tenant.definition.spec
        if spec.require_owner and own.owner is None and not tenant.file.places.holds(("spec", "owner")):
            hint = "Add `owner: {team: ..., contact: ...}` under `spec`."
            yield _problem(tree, tenant.file, (("spec",), "guardrail-owner", "the tenant names no owner", hint), where)
        for index, attachment in enumerate(own.attachments):
            for breach in _replicas(("spec", "attachments", index), attachment, spec.replicas.min, spec.replicas.max):
                yield _problem(tree, tenant.file, breach, where)
        for breach in _rules(("spec", "egress", "allow"), own.egress.allow, spec.forbid):
            yield _problem(tree, tenant.file, breach, where)
        if tree.is_changed(tenant.file):
            yield from _included(tree, tenant.file, own.egress.include, breached, where)


def _included(
    tree: Candidate, file: ParsedFile, names: Sequence[str], breached: dict[str, Breach], where: str
) -> Iterator[Problem]:
    """A changed tenant may not include an unchanged rule set that breaks the guardrails; a changed one is told itself."""
    unchanged = {ruleset.name for ruleset in tree.rulesets if not tree.is_changed(ruleset.file)}
    for index, name in enumerate(names):
        if name in breached and name in unchanged:
            _, code, message, _ = breached[name]
            told = f"rule set `{name}` breaks the guardrails: {message}"
            yield _problem(
                tree, file, (("spec", "egress", "include", index), code, told, "Correct the rule set first."), where
            )


def _problem(tree: Candidate, file: ParsedFile, breach: Breach, where: str) -> Problem:
    path, code, message, hint = breach
    severity = Severity.ERROR if tree.is_changed(file) else Severity.WARNING
    return tree.problem(file, path, code, f"{message}; the organisation forbids that {where}.", hint, severity=severity)


def _replicas(where: Path, attachment: Attachment, least: int, most: int) -> Iterator[Breach]:
    replicas = attachment.gateway.replicas
    if not least <= replicas <= most:
        message = f"the gateway has {replicas} replicas"
        yield (*where, "gateway", "replicas"), "guardrail-replicas", message, f"Write {least} to {most}."


def _rules(where: Path, rules: Sequence[AllowRule], forbid: Forbidden) -> Iterator[Breach]:
    for index, rule in enumerate(rules):
        path = (*where, index)
        yield from _names(path, rule, forbid)
        yield from _ports(path, rule, forbid)
        yield from _destinations(path, rule, forbid)


def _names(where: Path, rule: AllowRule, forbid: Forbidden) -> Iterator[Breach]:
    for index, name in enumerate(rule.fqdns):
        path = (*where, "fqdns", index)
        if forbid.wildcards and name.startswith("*"):
            yield path, "guardrail-wildcard", f"{quoted(name)} is a wildcard", "Name each host."
        elif hit := next((text for text in forbid.fqdns if covers(name, text)), ""):
            yield path, "guardrail-fqdn", f"{quoted(name)} covers {quoted(hit)}", "Leave it out, or name other hosts."


def _ports(where: Path, rule: AllowRule, forbid: Forbidden) -> Iterator[Breach]:
    named = [((*where, "ports", index), text, port_span(text)) for index, text in enumerate(rule.ports)]
    if rule.fqdns:
        named += [
            ((*where, "protocols", index), text, port_span(text.partition(":")[2]))
            for index, text in enumerate(rule.protocols)
        ]
    for path, text, span in named:
        for forbidden in forbid.ports:
            other = port_span(forbidden)
            if span and other and span[0] <= other[1] and other[0] <= span[1]:
                yield path, "guardrail-port", f"{quoted(text)} covers port {forbidden}", "Leave that port out."
                break


def _destinations(where: Path, rule: AllowRule, forbid: Forbidden) -> Iterator[Breach]:
    for index, text in enumerate(rule.destinations):
        hit = next((forbidden for forbidden in forbid.destinations if _reaches(text, forbidden)), "")
        if hit:
            message = (
                f"destination {quoted(text)} reaches {quoted(hit)}" if text != hit else f"destination {quoted(text)}"
            )
            yield (*where, "destinations", index), "guardrail-destination", message, "Name other destinations."


@lru_cache(maxsize=16_384)
def _reaches(text: str, forbidden: str) -> bool:
    """Whether a destination touches a forbidden one; everything is reached by rules for everything alone."""
    mine, theirs = destination_networks(text), destination_networks(forbidden)
    if not theirs:
        # A service tag takes in its regions: `Storage` and `Storage.WestEurope`.
        return text.lower() == forbidden.lower() or text.lower().startswith(f"{forbidden.lower()}.")
    if theirs == (EVERYTHING,):
        return mine == (EVERYTHING,)
    return any(_overlap(one, other) for one in mine for other in theirs)


def _overlap(one: IPv4Network, other: IPv4Network) -> bool:
    return one.overlaps(other)
