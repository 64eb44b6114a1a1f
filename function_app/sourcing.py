"""From a ref to the tree in force: fetch, find the newest commit, decide whether it may be in force, fold.

When the repository cannot be fetched, what was fetched last is in force and the source says so. One thread at a time: they share
the local copy.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import Protocol

from function_app.model.errors import CommitGone, SourceError
from function_app.model.names import Commit
from function_app.model.tree import Tree
from function_app.ports import Clock, Repository
from function_app.reading.admission import Admission, CommitLine, admit
from function_app.reading.checkpoint import Checkpoint, from_json
from function_app.reading.effective import effective_tree
from function_app.reading.meanings import Meanings
from function_app.reconcile import Source

_MOST_FORMER = 4
"""So many trees of former commits are kept."""


class KeptText(Protocol):
    """A small text that saves work, or that a later process must know; what cannot be kept costs no more than that."""

    def read_checkpoint(self) -> str | None:
        """What was last written, None when there is nothing to be read."""

    def write_checkpoint(self, text: str) -> None:
        """Replace it."""


class OurRepository(Repository, CommitLine, Protocol):
    """A repository whose commits are admitted."""

    def bring(self, commit: Commit) -> bool:
        """Fetch a commit that no branch leads to any more, by its id; False when the host does not have it or hand it out."""

    def keep(self, commit: Commit) -> None:
        """Make sure that a commit can be read also when no branch leads to it any more; raises SourceError."""


class Waivers(Protocol):
    """Permissions to follow a rewound branch, by the commit that it leads to now."""

    def permits(self, commit: Commit) -> bool:
        """Whether somebody permits it; raises StateError."""

    def used(self, commit: Commit) -> None:
        """It holds once; raises StateError."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the fold left off, which commit was in force last, and what its files mean, which stays beside the copy of them."""

    checkpoint: KeptText
    in_force: KeptText
    meanings: KeptText


class Sourcing:
    """Trees of a process. `repository_at` opens the copy of a repository, `location` and `ref` are those of the settings."""

    def __init__(
        self,
        repository_at: Callable[[str], OurRepository],
        kept: Callable[[], Kept],
        waivers: Waivers,
        clock: Callable[[], Clock],
        *,
        location: str,
        ref: str,
        root: str,
    ) -> None:
        self._repository_at = repository_at
        self._kept = kept
        self._waivers = waivers
        self._clock = clock
        self._ours = (location, ref)
        self._root = root
        self._tree: tuple[tuple[str, Commit, date], Tree] | None = None
        self._former_trees: dict[tuple[str, Commit], Tree] = {}
        self._earlier: Checkpoint | None = None
        """Where the fold of the newest tree began, which lies before the commit that was newest until then."""
        self._meanings: Meanings | None = None
        self._fetched: Commit | None = None
        """The newest commit of our ref by this process's last fetch; None when that failed, or led to one that was not let in."""
        self._turn = Lock()

    def source(self, ref: str | None = None, repository: str | None = None, *, fetch: bool = True) -> Source:
        """The effective tree at the newest commit that may be in force; of another ref or repository simply at its newest.

        Without `fetch` that of our ref is what this process fetched last, unless there was trouble with it or another process
        has put another commit in force since. Raises SourceError when there is no such ref, nothing was ever fetched, or no
        commit may be in force.
        """
        location, name = repository or self._ours[0], ref or self._ours[1]
        ours = (location, name) == self._ours
        with self._turn:
            git = self._repository_at(location)
            if ours and not fetch and (tree := self._at_hand(git)) is not None:
                return self._as_source(tree, location, tree.commit)
            self._fetched = None if ours else self._fetched
            newest, problem = _newest(git, name)
            admission = self._admitted(git, newest, problem) if ours else Admission(newest)
            tree = self._effective(git, location, admission.commit)
            if ours and not problem and not admission.problem:
                self._fetched = admission.commit
        return self._as_source(tree, location, newest, problem, admission.problem)

    def _at_hand(self, git: OurRepository) -> Tree | None:
        """The tree in force when that is what we fetched last, None when it has to be fetched."""
        if self._fetched is None or self._in_force(self._kept().in_force) != self._fetched:
            return None
        try:
            return self._effective(git, self._ours[0], self._fetched)
        except SourceError:
            return None

    def _as_source(self, tree: Tree, location: str, seen: Commit, *problems: str) -> Source:
        why = " ".join(part for part in problems if part)
        return Source(tree, seen=seen, problem=why, former=lambda commit: self._former(location, commit))

    def newest(self) -> Commit:
        """The newest commit of our ref, whether it may be in force or not; raises SourceError."""
        with self._turn:
            return _newest(self._repository_at(self._ours[0]), self._ours[1])[0]

    def _former(self, location: str, commit: Commit) -> Tree:
        """The tree of a commit that was in force before; raises SourceError, CommitGone for one that is not there any more.

        The fold takes up where the one before the newest began; in a process that saw neither it begins with the first commit.
        """
        today = self._clock().now().date()
        with self._turn:
            key = (location, commit)
            if key not in self._former_trees:
                git = self._repository_at(location)
                if not git.has(commit):
                    raise CommitGone(
                        f"commit {commit[:12]}, of which something is still in force, is gone from the repository."
                    )
                while len(self._former_trees) >= _MOST_FORMER:
                    del self._former_trees[next(iter(self._former_trees))]
                known = (self._meanings or Meanings()).copy()
                self._former_trees[key], _ = effective_tree(
                    git, commit, checkpoint=self._earlier, today=today, root=self._root, known=known
                )
            # What was asked for last goes last.
            self._former_trees[key] = self._former_trees.pop(key)
            return self._former_trees[key]

    def _admitted(self, git: OurRepository, newest: Commit, problem: str) -> Admission:
        if problem:
            # What was fetched last was admitted then; another process may have fetched more since.
            return Admission(newest)
        kept = self._kept().in_force
        in_force = self._in_force(kept)
        if in_force not in (None, newest) and not git.has(in_force):
            # Somebody else has fetched what was pushed since our fetch, or it is gone.
            newest, problem = _newest(git, self._ours[1])
            if not git.has(in_force):
                # The branch was rewound and our copy is a new one; a host hands out such a commit for some while.
                git.bring(in_force)
        admission = admit(git, newest, in_force, self._waivers.permits)
        git.keep(admission.commit)
        if admission.commit != in_force:
            kept.write_checkpoint(json.dumps({"of": self._of, "commit": admission.commit}))
        if admission.waived:
            self._waivers.used(newest)
        return admission

    def _in_force(self, kept: KeptText) -> Commit | None:
        """What was in force last; None for another repository's or branch's, since that was somebody's decision."""
        try:
            values = json.loads(kept.read_checkpoint() or "{}")
        except ValueError:
            return None
        mine = isinstance(values, dict) and values.get("of") == self._of and isinstance(values.get("commit"), str)
        return Commit(values["commit"]) if mine else None

    @property
    def _of(self) -> str:
        return hashlib.sha256("\0".join(self._ours).encode()).hexdigest()

    def _effective(self, git: Repository, location: str, commit: Commit) -> Tree:
        # A commit names all that came before it: on one day it always means the same tree.
        today = self._clock().now().date()
        meant = (location, commit, today)
        if self._tree is None or self._tree[0] != meant:
            kept = self._kept()
            text = kept.checkpoint.read_checkpoint()
            checkpoint = self._earlier = from_json(text) if text else None
            known = self._meanings or Meanings(kept.meanings.read_checkpoint())
            tree, checkpoint = effective_tree(
                git, commit, checkpoint=checkpoint, today=today, root=self._root, known=known
            )
            self._meanings = known
            kept.checkpoint.write_checkpoint(checkpoint.to_json())
            if (meanings := known.text()) is not None:
                kept.meanings.write_checkpoint(meanings)
            self._tree = (meant, tree)
        return self._tree[1]


def _newest(git: Repository, ref: str) -> tuple[Commit, str]:
    """The newest commit and why it may be an old one."""
    problem = ""
    try:
        git.fetch()
    except SourceError as error:
        problem = str(error)
    try:
        return git.resolve(ref), problem
    except SourceError as error:
        raise SourceError(f"{problem} {error}".strip()) from None
