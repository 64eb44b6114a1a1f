"""Statements of tenants and guardrails, held against the policy that results. Decided here, acted on nowhere.

In a pull request a broken one is a refusal; after the merge it is told in every report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from function_app.model.definitions import Expectation, Guardrails, Tenant
from function_app.model.names import TenantName
from function_app.planning.reachability.policy import Policy
from function_app.planning.reachability.reach import Answer, Destination, Says, ask, destination_of
from function_app.planning.reachability.spans import Spans


class Standing(StrEnum):
    """How a statement stands."""

    MET = "met"
    BROKEN = "broken"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Decided:
    """One statement about one tenant. `by_guardrails` tells who made it; `index` is its place in that list."""

    tenant: TenantName
    by_guardrails: bool
    index: int
    expectation: Expectation
    answer: Answer
    standing: Standing

    def __str__(self) -> str:
        whose = "the guardrails expect" if self.by_guardrails else "its own file expects"
        wanted, answer = self.expectation.verdict, self.answer
        begin = f"{self.tenant} to `{self.expectation.reach}`: {whose} {wanted}"
        if self.standing is Standing.UNDECIDED:
            return f"{begin}, and that is undecided: {'; '.join(answer.because)}"
        if answer.says is Says.DIFFERS:
            return f"{begin}, and {'; '.join(answer.because)}"
        told = f"{begin}, the firewall says {answer.says.value} ({answer.decided_by})"
        return told + (f" unless {'; '.join(answer.unless)}" if answer.unless else "")


def decide(
    policy: Policy,
    tenants: Mapping[TenantName, Tenant],
    guardrails: Guardrails | None,
    sources: Mapping[TenantName, Spans[int]],
) -> Iterator[Decided]:
    """Every statement about every tenant that has sources; the organisation's first."""
    demanded = guardrails.spec.expect if guardrails is not None else ()
    for name, tenant in tenants.items():
        if not sources.get(name):
            continue
        for by_guardrails, statements in ((True, demanded), (False, tenant.spec.expect)):
            for index, expectation in enumerate(statements):
                answer = ask(policy, sources[name], _destination(expectation.reach))
                yield Decided(name, by_guardrails, index, expectation, answer, _standing(expectation, answer))


@lru_cache(maxsize=16_384)
def _destination(text: str) -> Destination:
    return destination_of(text)


def _standing(expectation: Expectation, answer: Answer) -> Standing:
    if answer.says is Says.UNDECIDED:
        return Standing.UNDECIDED
    return Standing.MET if answer.says.value == expectation.verdict else Standing.BROKEN
