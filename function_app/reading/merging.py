"""The commit that merging a branch would make, read as though it stood on the base branch already.

A pull request is judged by what follows from its merge. Its branch may be behind: then files that the base branch has changed
since are as the base branch has them, and only what the branch itself changed counts. Belongs here: whose version of a file
that is. Does not belong here: lines within a file; where both sides changed one, the host asks a person anyway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from function_app.model.errors import SourceError
from function_app.model.names import Commit
from function_app.ports import BlobEntry, BranchedRepository, CommitEntry


@dataclass(frozen=True)
class Merging:
    """A `Repository` in which `head` is the commit after `base`; without slots, because entries are merged once."""

    repository: BranchedRepository
    base: Commit
    head: Commit

    @cached_property
    def fork(self) -> Commit:
        """Where the branch left the base branch; raises SourceError."""
        found = self.repository.merge_base(self.base, self.head)
        if found is None:
            raise SourceError(
                f"commits {self.base[:10]} and {self.head[:10]} have no common ancestor here. Fetch the whole history, "
                "for example `fetch-depth: 0` with actions/checkout."
            )
        return found

    @property
    def changed(self) -> tuple[str, ...]:
        """Files that the branch changed, deleted ones included."""
        before, _, theirs = self._sides
        return tuple(path for path in sorted(before.keys() | theirs.keys()) if before.get(path) != theirs.get(path))

    @property
    def conflicts(self) -> tuple[str, ...]:
        """Files that both sides changed, and differently."""
        before, ours, theirs = self._sides
        return tuple(
            path
            for path in sorted(before.keys() | ours.keys() | theirs.keys())
            if len({before.get(path), ours.get(path), theirs.get(path)}) == 3
        )

    def fetch(self) -> None:
        """Bring the local copy up to date; raises SourceError."""
        self.repository.fetch()

    def resolve(self, ref: str) -> Commit:
        """The commit behind a ref; raises SourceError."""
        return self.repository.resolve(ref)

    def first_parents(self, commit: Commit, since: Commit | None) -> Sequence[CommitEntry]:
        """The base branch's line, with the merge as its last commit."""
        if commit != self.head:
            return self.repository.first_parents(commit, since)
        tip = self.repository.first_parents(self.head, self.fork)
        written = tip[-1] if tip else self.repository.first_parents(self.head, None)[-1]
        merge = CommitEntry(self.head, written.author, written.at, self.base)
        return [*self.repository.first_parents(self.base, since), merge]

    def entries(self, commit: Commit) -> Sequence[BlobEntry]:
        """A commit's files; for the merge the base branch's, with what the branch changed."""
        return self._merged if commit == self.head else self.repository.entries(commit)

    def read(self, blob: str) -> bytes:
        """One blob's content."""
        return self.repository.read(blob)

    @cached_property
    def _merged(self) -> Sequence[BlobEntry]:
        before, ours, theirs = self._sides
        merged = dict(ours)
        for path in before.keys() | theirs.keys():
            if theirs.get(path) == before.get(path):
                continue
            if path in theirs:
                merged[path] = theirs[path]
            else:
                merged.pop(path, None)
        return [merged[path] for path in sorted(merged)]

    @cached_property
    def _sides(self) -> tuple[Mapping[str, BlobEntry], Mapping[str, BlobEntry], Mapping[str, BlobEntry]]:
        """Files where the branch began, on the base branch, and on the branch."""
        before, ours, theirs = (
            {entry.path: entry for entry in self.repository.entries(commit)}
            for commit in (self.fork, self.base, self.head)
        )
        return before, ours, theirs
