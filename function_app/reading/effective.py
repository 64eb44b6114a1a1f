"""The effective tree: a fold over first-parent commits in which each commit's valid files take effect and no others.

At every commit the candidate is what is in force plus the newest version of each file that differs from it. What is invalid
alone, or breaks a rule, keeps its former version (or stays out when it is new); it is a candidate again at every later
commit. So the tree depends on Git alone and can be computed again at any time.

Belongs here: which version of each file is in force. Does not belong here: what makes a file or a tree valid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePosixPath

from function_app.model.definitions import Tenant
from function_app.model.errors import Problem, Severity
from function_app.model.names import Commit, TenantName
from function_app.model.tree import Held, Provenance, Tree
from function_app.ports import BlobEntry, CommitEntry, Repository
from function_app.reading.check import check
from function_app.reading.checkpoint import BlobRef, Checkpoint
from function_app.reading.definitions import build
from function_app.reading.layout import kind_of, path_of
from function_app.reading.meanings import Meanings
from function_app.reading.newest import WHOLE_FOLDER, ParsedFiles, considered, is_broken, listing_problem
from function_app.reading.parse import ParsedFile
from function_app.reading.places import Places, listed, shown_file

_NAMED_IN_DOUBT = 5


@dataclass(slots=True)
class _Fold:
    """Where the fold has come to; `parsed` are the files in force."""

    files: dict[str, BlobRef]
    departed: dict[TenantName, str]
    held: dict[str, BlobRef]
    parsed: dict[str, ParsedFile]

    def checkpoint(self, commit: Commit | None, root: str) -> Checkpoint:
        return Checkpoint(commit, dict(self.files), dict(self.departed), dict(self.held), root)


@dataclass(slots=True)
class _Verdict:
    """What one commit's changes come to: `held` gives each path held back the problems that hold it."""

    newest: Mapping[str, BlobEntry] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()
    held: dict[str, tuple[Problem, ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    doubt: tuple[str, ...] = ()
    whole: bool = False
    """The commit as a whole was passed over."""


def effective_tree(
    repository: Repository,
    commit: Commit,
    *,
    checkpoint: Checkpoint | None,
    today: date,
    root: str = "gitops",
    known: Meanings | None = None,
) -> tuple[Tree, Checkpoint]:
    """The tree in force at `commit`, and the checkpoint to go on from next time.

    `checkpoint` only saves time: one that is of another folder, or not on the commit's first-parent line, is ignored. The
    one returned stands before the newest commit, whose problems are thus found afresh each time. `known` saves parsing, and
    afterwards knows this tree. Raises SourceError when Git cannot be read.
    """
    start, line = _start(repository, commit, checkpoint, root)
    reader = ParsedFiles(repository, root, known)
    parsed = {path: reader.blob(path, ref.blob) for path, ref in start.files.items()}
    fold = _Fold(dict(start.files), dict(start.departed), dict(start.held), parsed)
    judge = _Judge(reader, root, today)
    before = start.commit
    settled: Sequence[BlobEntry] | None = None
    for entry in line[:-1]:
        before = entry.commit
        newest = repository.entries(entry.commit)
        if newest != settled:
            changed = _take_effect(fold, entry, judge.verdict(fold, newest, thorough=False), reader)
            settled = None if changed else newest
    resume = fold.checkpoint(before, root)
    newest = repository.entries(line[-1].commit)
    verdict = judge.verdict(fold, newest, thorough=True)
    in_force_before = frozenset(fold.files)
    _take_effect(fold, line[-1], verdict, reader)
    tree = _tree(fold, line[-1].commit, verdict, in_force_before, reader)
    reader.keep(
        (
            *((path, ref.blob) for kept in (fold.files, fold.held) for path, ref in kept.items()),
            *((path_of("Tenant", name), blob) for name, blob in fold.departed.items()),
        )
    )
    return tree, resume


def _start(
    repository: Repository, commit: Commit, checkpoint: Checkpoint | None, root: str
) -> tuple[Checkpoint, Sequence[CommitEntry]]:
    """The checkpoint when it lies on the line, with the commits after it; else the empty one and the whole line."""
    if checkpoint is not None and checkpoint.commit is not None and checkpoint.root == root:
        line = repository.first_parents(commit, checkpoint.commit)
        if line and line[0].first_parent == checkpoint.commit:
            return checkpoint, line
    return Checkpoint(), repository.first_parents(commit, None)


@dataclass(slots=True)
class _Judge:
    """Decides what of a commit is held back."""

    reader: ParsedFiles
    root: str
    today: date

    def verdict(self, fold: _Fold, entries: Sequence[BlobEntry], *, thorough: bool) -> _Verdict:
        """`thorough` finds warnings as well, also where nothing changed."""
        if (problem := listing_problem(entries, self.root)) is not None:
            return _Verdict(
                held={WHOLE_FOLDER: (problem,)},
                problems=(problem,),
                doubt=(f"{problem.place.file}: {problem.message}",),
                whole=True,
            )
        newest = considered(entries)
        changed = frozenset(path for path in newest.keys() | fold.files.keys() if _differs(fold, newest, path))
        if not changed and not thorough:
            return _Verdict(newest)
        return self._weigh(fold, newest, changed)

    def _weigh(self, fold: _Fold, newest: Mapping[str, BlobEntry], changed: frozenset[str]) -> _Verdict:
        """Hold back until no rule is broken by a change; each round holds at least one more path or is the last."""
        verdict = _Verdict(newest, changed)
        parsed = {path: self.reader.entry(path, newest[path]) for path in changed & newest.keys()}
        verdict.held = {path: file.problems for path, file in parsed.items() if is_broken(file)}
        alone = [problem for file in parsed.values() for problem in file.problems]
        self._hold_vanished(fold, newest, verdict)
        while True:
            self._hold_renamed(newest, verdict)
            active = changed - verdict.held.keys()
            candidate = {**fold.parsed, **{path: file for path, file in parsed.items() if path in active}}
            for path in active - newest.keys():
                del candidate[path]
            found = check(candidate, changed=active, previous=fold.parsed, today=self.today, root=self.root)
            culprits = _culprits(found, active, self.root)
            if not culprits:
                break
            verdict.held.update(culprits)
        standing = [problem for path, file in candidate.items() if path not in active for problem in file.problems]
        holding = [problem for problems in verdict.held.values() for problem in problems]
        verdict.problems = _sorted((*alone, *standing, *holding, *found))
        return verdict

    def _hold_vanished(self, fold: _Fold, newest: Mapping[str, BlobEntry], verdict: _Verdict) -> None:
        """Without any hub the folder has been lost rather than emptied: nothing in it counts as deleted."""
        had_hubs = any(kind_of(path) == "Hub" for path in fold.files)
        if not had_hubs or any(kind_of(path) == "Hub" for path in newest):
            return
        gone = verdict.changed - newest.keys()
        for path in gone:
            message = "the file is gone, and so is every hub; that is taken for a mistake, and the file stays in force."
            verdict.held[path] = (
                _gone(path, self.root, message, "Bring the hubs back, or correct the folder's name."),
            )
        verdict.doubt += (
            f"{self.root or '.'} holds no hub any more: {len(gone)} missing files are taken for lost, not for deleted.",
        )

    def _hold_renamed(self, newest: Mapping[str, BlobEntry], verdict: _Verdict) -> None:
        """A tenant whose file is gone while a file that cannot be used may be its new one has not been removed."""
        gone = [
            path for path in sorted(verdict.changed - newest.keys() - verdict.held.keys()) if kind_of(path) == "Tenant"
        ]
        if not gone:
            return
        carriers = sorted(verdict.held.keys() & newest.keys())
        meant = {other: self.reader.meant_names(other, newest[other]) for other in carriers}
        for path in gone:
            name = PurePosixPath(path).stem
            found = [other for other, names in meant.items() if names is None or name in names]
            if not found:
                continue
            shown = listed(shown_file(self.root, other) for other in found[:_NAMED_IN_DOUBT])
            message = f"tenant `{name}` lost its file while {shown}, which cannot be used, may be its new one."
            hint = f"Correct or delete {shown}; a tenant's file is named after it."
            verdict.held[path] = (_gone(path, self.root, message, hint),)
            verdict.doubt += (f"{message} {hint}",)


def _differs(fold: _Fold, newest: Mapping[str, BlobEntry], path: str) -> bool:
    """Whether the newest version is another than the one in force; a link is never the same as a file."""
    entry, ref = newest.get(path), fold.files.get(path)
    if entry is None or ref is None:
        return True
    return entry.blob != ref.blob or entry.mode not in (0o100644, 0o100755, 0o100664)


def _culprits(found: Iterable[Problem], active: frozenset[str], root: str) -> dict[str, tuple[Problem, ...]]:
    """The changed files to hold back next, with the problems they take part in.

    Files that clash with unchanged ones go first, for that may settle what is between two changed ones; after that every
    changed file of a clash is held. A clash of more than two is a sum that exceeds a limit: there the tenants that make it
    up are held, and hub and cluster take effect. A clash between unchanged files alone holds nobody.
    """
    clashes = [
        (problem, involved)
        for problem in found
        if problem.severity is Severity.ERROR and (involved := active & _relative(problem.files, root))
    ]
    chosen = [clash for clash in clashes if len(clash[1]) == 1] or clashes
    culprits: dict[str, tuple[Problem, ...]] = {}
    for problem, involved in chosen:
        tenants = {path for path in involved if kind_of(path) == "Tenant"} if len(involved) > 2 else set()
        for path in tenants or involved:
            culprits[path] = (*culprits.get(path, ()), problem)
    return culprits


def _relative(files: Iterable[str], root: str) -> frozenset[str]:
    prefix = shown_file(root, "")
    return frozenset(file.removeprefix(prefix) for file in files)


def _take_effect(fold: _Fold, entry: CommitEntry, verdict: _Verdict, reader: ParsedFiles) -> bool:
    """Bring into force what is not held, and remember since when the rest is held. Whether anything came into force."""
    if verdict.whole:
        return False
    newest = verdict.newest
    written = {
        path: _written(fold.held.get(path), newest[path].blob if path in newest else "", entry)
        for path in verdict.changed
    }
    for path in verdict.changed - verdict.held.keys():
        tenant = TenantName(PurePosixPath(path).stem) if kind_of(path) == "Tenant" else None
        if path in newest:
            fold.files[path] = written[path]
            fold.parsed[path] = reader.entry(path, newest[path])
            if tenant is not None:
                fold.departed.pop(tenant, None)
        else:
            if tenant is not None:
                fold.departed[tenant] = fold.files[path].blob
            del fold.files[path], fold.parsed[path]
    fold.held = {path: written[path] for path in verdict.held}
    return bool(verdict.changed - verdict.held.keys())


def _written(pending: BlobRef | None, blob: str, entry: CommitEntry) -> BlobRef:
    """Who wrote this version: the commit that has held it since, else this one."""
    if pending is not None and pending.blob == blob:
        return pending
    return BlobRef(blob, entry.commit, entry.author, entry.approver, entry.pull_request)


def _tree(fold: _Fold, commit: Commit, verdict: _Verdict, in_force_before: frozenset[str], reader: ParsedFiles) -> Tree:
    since = {path: ref.commit for path, ref in fold.held.items()}
    held = tuple(
        Held(
            path,
            since.get(path, commit),
            path in in_force_before or path == WHOLE_FOLDER,
            problems,
            reader.meant_names(path, verdict.newest[path]) if path in verdict.newest else frozenset(),
        )
        for path, problems in sorted(verdict.held.items())
    )
    departed: dict[TenantName, Tenant] = {}
    for name, blob in sorted(fold.departed.items()):
        definition = reader.blob(path_of("Tenant", name), blob).definition
        if isinstance(definition, Tenant):
            departed[name] = definition
    return Tree(
        commit=commit,
        definitions=build(fold.parsed),
        departed=departed,
        held=held,
        problems=verdict.problems,
        provenance={
            path: Provenance(ref.commit, ref.author, ref.approver, ref.pull_request)
            for path, ref in sorted(fold.files.items())
        },
        doubt=verdict.doubt,
    )


def _gone(path: str, root: str, message: str, hint: str) -> Problem:
    return Places(shown_file(root, path)).problem((), "deletion-held", message, hint)


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda problem: (problem.place, problem.code, problem.path, problem.message)))
