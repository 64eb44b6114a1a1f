"""Rules on what a commit may change at once, and on days: a range passes from hand to hand in steps, never in one commit.

What was in force before is compared by attachment. The ledger judges what lies further back.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from function_app.model.definitions import AllowRule, Tenant
from function_app.model.errors import Problem, Severity
from function_app.reading.candidate import Attached, Candidate, Filed, attachments_of
from function_app.reading.parse import ParsedFile
from function_app.reading.places import Path
from function_app.reading.rule_forms import day

EXPIRY_NOTICE = timedelta(days=14)


def ranges_in_steps(tree: Candidate) -> Iterator[Problem]:
    """A new range overlaps none that anybody, the same attachment included, had before.

    Only the file that takes the range is at fault: whoever gives it up may do so.
    """
    if tree.changed is None or not tree.previous:
        return
    before = [attached for tenant in _tenants_before(tree) for attached in attachments_of(tenant)]
    by_key = {_key(attached): attached for attached in before}
    now = {_key(attached): attached.range for attached in tree.attachments}
    for attached in tree.attachments:
        if not tree.is_changed(attached.tenant.file):
            continue
        former = by_key.get(_key(attached))
        if former is not None and former.range == attached.range:
            yield from _block_size(tree, attached, former)
            continue
        for other in before:
            if attached.range is None or other.range is None or not attached.range.overlaps(other.range):
                continue
            if _key(other) == _key(attached):
                yield _grown(tree, attached, other)
            elif now.get(_key(other)) != other.range:
                yield _taken(tree, attached, other)


def expiries(tree: Candidate) -> Iterator[Problem]:
    """A rule whose last day is near is warned of; one whose last day is over is no longer rendered."""
    for tenant in tree.tenants:
        yield from _expired(tree, tenant.file, ("spec", "egress", "allow"), tenant.definition.spec.egress.allow)
    for ruleset in tree.rulesets:
        yield from _expired(tree, ruleset.file, ("spec", "allow"), ruleset.definition.spec.allow)


def _tenants_before(tree: Candidate) -> Iterator[Filed[Tenant]]:
    for _, file in sorted(tree.previous.items()):
        if isinstance(file.definition, Tenant):
            yield Filed(file, file.definition)


def _key(attached: Attached) -> tuple[str, str]:
    return attached.tenant.name, attached.attachment.cluster


def _block_size(tree: Candidate, attached: Attached, former: Attached) -> Iterator[Problem]:
    size, was = attached.attachment.gateway.block_size, former.attachment.gateway.block_size
    if size != was:
        message = f"the block size changes from {was} to {size} while the range stays {attached.range}; a pool's never changes."
        hint = f"Write {was}, or take a new range with the new block size."
        path = (*attached.path, "gateway", "blockSize")
        yield tree.problem(attached.tenant.file, path, "block-size-change", message, hint)


def _grown(tree: Candidate, attached: Attached, former: Attached) -> Problem:
    message = (
        f"{attached.range} overlaps {former.range}, the range that {former} has now; a pool cannot grow or shrink."
    )
    hint = "Take a range that does not overlap it; traffic then moves without an interruption."
    return tree.problem(attached.tenant.file, (*attached.path, "cidr"), "range-overlaps-former", message, hint)


def _taken(tree: Candidate, attached: Attached, other: Attached) -> Problem:
    gone = not any(_key(each) == _key(other) for each in tree.attachments)
    how = "is removed" if gone else "moves away"
    message = f"{attached.range} overlaps {other.range} of {other}, which {how} only in this same commit."
    hint = "Do it in two merges: first free the range, then, when its quarantine is over, give it out; or take a free range now."
    return tree.problem(attached.tenant.file, (*attached.path, "cidr"), "range-not-free", message, hint)


def _expired(tree: Candidate, file: ParsedFile, path: Path, rules: tuple[AllowRule, ...]) -> Iterator[Problem]:
    for index, rule in enumerate(rules):
        last = day(rule.expires) if rule.expires else None
        where = (*path, index, "expires")
        if last is None or last > tree.today + EXPIRY_NOTICE:
            continue
        if last < tree.today:
            message = f"rule `{rule.name}` ended with {last}; it is no longer in force."
            hint = "Delete the rule, or write a later day."
            yield tree.problem(file, where, "expired", message, hint, severity=Severity.WARNING)
        else:
            message = f"rule `{rule.name}` ends with {last}."
            yield tree.problem(
                file, where, "expires-soon", message, "Write a later day if it is to stay.", severity=Severity.WARNING
            )
