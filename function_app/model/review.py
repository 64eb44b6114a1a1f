"""What merging a change would bring about, in the terms of whoever approves it. Data only: decided in `planning`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from function_app.model.approval import Meaning
from function_app.model.errors import Problem
from function_app.model.names import Commit, HubName, PlanId, TenantName


@dataclass(frozen=True, slots=True)
class Access:
    """What a tenant may newly reach, or no longer: destinations, how, and from which of its ranges.

    `whats` are names and destinations as the rule has them, `hows` such as `HTTPS 443`, `froms` such as `10.99.0.0/29 on
    spoke1-aks`. `rule` is the one by which it is so.
    """

    whats: tuple[str, ...]
    hows: tuple[str, ...]
    froms: tuple[str, ...]
    rule: str


@dataclass(frozen=True, slots=True)
class TenantReview:
    """What changes for one tenant in one hub; `moves` are its attachments' changes in words, `digest` its plan by meaning."""

    tenant: TenantName
    gains: tuple[Access, ...] = ()
    losses: tuple[Access, ...] = ()
    moves: tuple[str, ...] = ()
    cuts: tuple[str, ...] = ()
    unattributed: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    digest: str = ""
    meaning: Meaning | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """An expectation that is not met: `refused` when it is broken, else undecided; `inherited` when the base branch has it too."""

    subject: str
    words: str
    refused: bool
    inherited: bool = False


class Pressure(StrEnum):
    """How close to a limit."""

    FINE = "fine"
    NEAR = "near"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of the forecast: now, after the change, and in 90 days at the growth of the last 90; None where unknown.

    `hard` limits are refused, others warned of. `source` says who sets the limit.
    """

    what: str
    now: int
    after: int
    later: int | None
    limit: int
    hard: bool
    source: str
    pressure: Pressure


@dataclass(frozen=True, slots=True)
class Waiting:
    """Firewall operations that the change causes, one after the other, and how long each took in this hub; None: not measured."""

    shards: tuple[str, ...]
    seconds_each: float
    measured: int


@dataclass(frozen=True, slots=True)
class LiveReview:
    """What the targets add: the plan as a pass would make it, what could not be read, and what other people left behind."""

    changes: tuple[str, ...]
    refused: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HubReview:
    """One hub. `timing` says what may put off that a merge takes effect, in words."""

    hub: HubName
    plan_id: PlanId | None
    tenants: tuple[TenantReview, ...]
    statements: tuple[Statement, ...]
    forecast: tuple[Measure, ...]
    waiting: Waiting
    refused: tuple[str, ...]
    warnings: tuple[str, ...]
    live: LiveReview | None = None
    timing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """A pull request.

    `problems` came with it, `held` are the files that would not come into force for them, by path in the definitions folder;
    `standing` counts the problems that the base branch has already, `strangers` are tenants that are not the author's, in words.
    """

    base: Commit
    head: Commit
    hubs: tuple[HubReview, ...]
    problems: tuple[Problem, ...] = ()
    held: tuple[str, ...] = ()
    standing: int = 0
    conflicts: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    live: bool = False

    @property
    def refused(self) -> bool:
        """Whether it must not be merged as it is."""
        return bool(self.refusals)

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why not, in words; what the base branch has already is nobody's fault here."""
        broken = [str(problem) for problem in self.problems if problem.severity == "error"]
        told = [
            reason
            for hub in self.hubs
            for reason in (
                *hub.refused,
                *(one.words for one in hub.statements if one.refused and not one.inherited),
                *(hub.live.refused if hub.live is not None else ()),
            )
        ]
        return tuple(dict.fromkeys((*broken, *self.strangers, *told)))
