"""A Git host in process: what was merged, who approved which version of it, and how pull requests come in these days."""

from __future__ import annotations

from dataclasses import dataclass, field

from function_app.model.approval import Approval, PullRequest
from function_app.model.errors import SourceError
from function_app.model.names import Commit
from simulator.judge.approvals import Pull
from simulator.memory import MemoryShown

APPROVED, BY_AUTHOR, BY_NOBODY, UNSEEN, TOO_EARLY, TAKEN_BACK, OVERTAKEN = MANNERS = (
    "approved",
    "approved by their author",
    "approved by nobody",
    "approved without having been shown",
    "approved before more is pushed",
    "approved, and the approval is taken back",
    "approved, and somebody denies a name before the merge",
)


@dataclass
class GitHost:
    """`Approvals` in memory. `manner` is what happens to pull requests from now on, `pulls` are those that were merged."""

    manner: str = APPROVED
    pulls: dict[Commit, list[Pull]] = field(default_factory=dict)
    shown: MemoryShown = field(default_factory=MemoryShown)
    down: bool = False

    def of(self, commit: Commit) -> tuple[PullRequest, ...]:
        """What was merged as that commit; raises SourceError while it is down."""
        if self.down:
            raise SourceError("the Git host does not answer.")
        return tuple(_told(pull) for pull in self.pulls.get(commit, ()))

    def newest(self) -> Pull | None:
        """The pull request that was merged last."""
        return max(
            (one for several in self.pulls.values() for one in several), key=lambda one: one.number, default=None
        )


def _told(pull: Pull) -> PullRequest:
    counting = [one for one in pull.given if one.by != pull.author and not one.withdrawn]
    given = tuple(Approval(one.by, one.version.head, one.at) for one in counting)
    discounted = tuple(f"{one.by} proposed it" for one in pull.given if one.by == pull.author)
    return PullRequest(f"#{pull.number}", pull.newest.head, given, discounted)
