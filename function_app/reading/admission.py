"""Which commit may be in force: the newest one, unless the branch was rewound, or a signature is asked for and missing.

A rewound branch takes away what people have seen come into force, rules that revoke among it; so the commit in force stays until
somebody permits the new line once. A commit without a good signature is passed over for the newest one before it that has one.
Does not belong here: which files of a commit take effect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from function_app.model.errors import SourceError
from function_app.model.names import Commit
from function_app.ports import CommitEntry

MOST_UNSIGNED = 100
"""So many commits are looked at for one that is signed; each costs a process."""


class CommitLine(Protocol):
    """What must be known of a repository."""

    def has(self, commit: Commit) -> bool:
        """Whether a commit can be read."""

    def is_ancestor(self, ancestor: Commit, of: Commit) -> bool:
        """Whether one commit is part of another's history."""

    def first_parents(self, commit: Commit, since: Commit | None) -> Sequence[CommitEntry]:
        """As in `Repository`."""

    def unsigned(self, commit: Commit) -> str:
        """Why a commit's signature does not count, empty when it does or none is asked for."""


@dataclass(frozen=True, slots=True)
class Admission:
    """The commit that is in force, and why that is not the newest one, empty when it is.

    `rewound` tells that a waiver for the newest commit would bring it into force; `waived` that one did.
    """

    commit: Commit
    problem: str = ""
    rewound: bool = False
    waived: bool = False


def admit(line: CommitLine, newest: Commit, in_force: Commit | None, waived: Callable[[Commit], bool]) -> Admission:
    """Decide; `in_force` is what was last, None when nothing ever was. Raises SourceError when nothing may be in force."""
    followed = in_force in (None, newest) or (line.has(in_force) and line.is_ancestor(in_force, newest))
    rewound = not followed
    permitted = rewound and waived(newest)
    if in_force is not None and rewound and not permitted:
        return _kept(line, newest, in_force)
    found = _signed(line, newest, None if permitted else in_force)
    return Admission(found.commit, found.problem, waived=permitted)


def _kept(line: CommitLine, newest: Commit, in_force: Commit) -> Admission:
    way_out = (
        f"If that was meant, permit it once: `egressctl reconcile --hub HUB --waive rewound --reason WHY`, or POST /api/resync "
        f'with {{"waive": "{newest}", "code": "rewound"}}; if not, push {in_force[:12]} again.'
    )
    rewound = f"the branch was rewound: {newest[:12]} does not follow {in_force[:12]}, which was in force."
    if not line.has(in_force):
        raise SourceError(
            f"{_sentence(rewound)} That one is gone from the repository, so nothing is in force. {way_out}"
        )
    return Admission(in_force, f"{rewound} {way_out}", rewound=True)


def _signed(line: CommitLine, newest: Commit, in_force: Commit | None) -> Admission:
    why = line.unsigned(newest)
    if not why:
        return Admission(newest)
    problem = f"{newest[:12]} does not take effect: {why}. Sign it with a key of EGRESS_GIT_SIGNERS or EGRESS_GIT_SIGNER_KEYS."
    if in_force == newest:
        return Admission(newest, f"signatures are asked for since {newest[:12]} is in force, and {why}.")
    for entry in reversed(line.first_parents(newest, in_force)[-MOST_UNSIGNED:-1]):
        if not line.unsigned(entry.commit):
            return Admission(entry.commit, problem)
    if in_force is None:
        raise SourceError(f"Nothing is in force: {problem}")
    return Admission(in_force, problem)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
