"""What somebody approved, and what would be applied: a tenant's plan by meaning, and where its approval was found.

Data only. `planning.meaning` works meanings out, `planning.approving` compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from function_app.model.names import Commit, TenantName

Reach = tuple[Any, ...]
"""What a tenant may reach, in a form that two policies share when they do the same: see `planning.reachability.outcome`."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """A tenant's plan on one hub. `plan` is what it asks of clusters as JSON, `asks` what its own rules let pass by themselves.

    `reach` is what the firewall then lets pass, other people's rules included: a rule of the tenant that somebody denies today is
    still asked for. Both have one entry for the day that they are made out for, under "", and one for each day after which an
    `expires` changes them.
    """

    plan: Mapping[str, Any] = field(hash=False)
    asks: tuple[tuple[str, Reach], ...]
    reach: tuple[tuple[str, Reach], ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What the service answered for a branch: per changed tenant of a hub its plan by meaning, made out for `day`.

    `head` is the branch's commit, `at` when it was first answered so.
    """

    head: Commit
    at: datetime
    day: date
    tenants: Mapping[TenantName, Meaning] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Approval:
    """One that counts: given by somebody who may write to the repository and did not propose the change, on this commit."""

    by: str
    head: Commit
    at: datetime


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A merged one as its Git host tells of it. `discounted` says of each approval that does not count why not."""

    name: str
    head: Commit
    approvals: tuple[Approval, ...] = ()
    discounted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """How a commit came in: by these pull requests, or `problem` says why that cannot be told now.

    `shown` is what was answered for the commits that were approved.
    """

    commit: Commit
    pull_requests: tuple[PullRequest, ...] = ()
    shown: tuple[Shown, ...] = ()
    problem: str = ""
