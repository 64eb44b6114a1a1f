"""A pull request, judged by what follows from merging it: two trees and, where they may be read, the targets.

    base, head -> trees -> review -> comment

Nothing is written and no target is needed. The head's tree is that of the merge: the base branch's history with the branch's
changed files as its next commit, so that the same rules hold back the same files as after the merge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from statistics import median
from typing import Protocol

from function_app.gathering import Patience
from function_app.looking import look
from function_app.measuring import carried
from function_app.model.definitions import ApplyMode
from function_app.model.errors import EgressError, Problem, StateError
from function_app.model.ledger import BrokenLedger, Holding, fold
from function_app.model.names import ClusterName, Commit, HubName
from function_app.model.plan import Change, RefusalCode
from function_app.model.report import Result
from function_app.model.resources import Body, Unreadable
from function_app.model.review import HubReview, LiveReview, Review
from function_app.model.tree import Tree
from function_app.planning.capacity import Others
from function_app.planning.firewall_resources import collections_of, shard_index
from function_app.planning.in_force import is_ours
from function_app.planning.reviewing import USUAL_SECONDS, Surroundings, Trees, review_hub
from function_app.ports import BranchedRepository, HubPorts
from function_app.reading.check_authors import strangers
from function_app.reading.checkpoint import Checkpoint
from function_app.reading.definitions import build
from function_app.reading.effective import effective_tree
from function_app.reading.meanings import Meanings
from function_app.reading.merging import Merging
from function_app.reading.newest import ParsedFiles, considered
from function_app.reading.places import shown_file
from function_app.reconcile import Source, preview_from

GROWTH = timedelta(days=90)
"""Over so long the growth is measured, and so far it is drawn on."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What a pull request is judged by.

    `changed` are the files that the branch touches, `conflicts` those that both sides changed, as shown to people.
    """

    trees: Trees
    changed: frozenset[str] = frozenset()
    conflicts: tuple[str, ...] = ()

    @property
    def base(self) -> Tree:
        """Before the merge."""
        return self.trees.base

    @property
    def head(self) -> Tree:
        """After the merge."""
        return self.trees.head


def compared(repository: BranchedRepository, base: Commit, head: Commit, *, today: date, root: str) -> Compared:
    """Read both sides; raises SourceError."""
    known = Meanings()
    before, checkpoint = effective_tree(repository, base, checkpoint=None, today=today, root=root, known=known)
    merging = Merging(repository, base, head)
    after, _ = effective_tree(merging, head, checkpoint=_resumed(checkpoint), today=today, root=root, known=known)
    line = repository.first_parents(base, None)
    since = line[-1].at - GROWTH if line else None
    old = next((entry.commit for entry in reversed(line) if since is not None and entry.at <= since), None)
    asked = _asked(merging, after, root, known)
    earlier = (
        effective_tree(repository, old, checkpoint=None, today=today, root=root, known=known)[0]
        if old is not None
        else None
    )
    return Compared(
        Trees(before, after, asked, earlier),
        changed=frozenset(shown_file(root, path) for path in merging.changed),
        conflicts=tuple(shown_file(root, path) for path in merging.conflicts),
    )


def _asked(merging: Merging, after: Tree, root: str, known: Meanings) -> Tree:
    """The tree with every file that can be used alone, also where a rule between files holds it back."""
    if not after.held:
        return after
    files, entries = ParsedFiles(merging, root, known), considered(merging.entries(merging.head))
    return replace(after, definitions=build({path: files.entry(path, entry) for path, entry in entries.items()}))


def _resumed(checkpoint: Checkpoint) -> Checkpoint | None:
    return checkpoint if checkpoint.commit is not None else None


def review(
    found: Compared,
    today: date,
    around: Mapping[HubName, Surroundings] | None = None,
    author_teams: frozenset[str] | None = None,
    *,
    noted: bool = False,
) -> Review:
    """What the change means for every hub that it touches; hubs that were read are told of in any case.

    With `author_teams`, the teams that its author is in, tenants of other teams are refused. `noted` says that the service notes
    what it answers, so that it can be approved.
    """
    surroundings = around or {}
    names = sorted(found.base.definitions.hubs.keys() | found.head.definitions.hubs.keys())
    hubs = [review_hub(name, found.trees, today, surroundings.get(name, Surroundings())) for name in names]
    hubs = [_telling_what_counts(hub, found, surroundings, noted=noted) for hub in hubs]
    standing = {_key(problem) for problem in found.base.problems}
    return Review(
        base=found.base.commit,
        head=found.head.commit,
        hubs=tuple(hub for hub in hubs if _is_touched(hub) or hub.live is not None),
        held=tuple(one.file for one in found.head.held if one.file not in {each.file for each in found.base.held}),
        problems=tuple(
            problem
            for problem in found.head.problems
            if _key(problem) not in standing or found.changed.intersection(problem.files)
        ),
        standing=len(standing),
        conflicts=found.conflicts,
        strangers=tuple(_strangers(found, author_teams)) if author_teams is not None else (),
        live=any(one.live is not None for one in surroundings.values()),
    )


def is_reviewed(found: Compared, hub: HubName) -> bool:
    """Whether the hub applies only what was approved, before the merge or after it."""
    sides = (side.definitions.hubs.get(hub) for side in (found.base, found.head))
    return any(one is not None and one.spec.apply is ApplyMode.REVIEWED for one in sides)


def _telling_what_counts(
    hub: HubReview, found: Compared, around: Mapping[HubName, Surroundings], *, noted: bool
) -> HubReview:
    """An approver must know when what they see is no plan that can be approved."""
    if not hub.tenants or not is_reviewed(found, hub.hub):
        return hub
    read = hub.hub in around and around[hub.hub].base is not None
    if noted and read:
        return hub
    why = (
        "its firewall could not be read" if noted else "this was not answered by the service (GET /api/plan?ref=BRANCH)"
    )
    return replace(
        hub, warnings=(*hub.warnings, f"{hub.hub} applies what was approved, and {why}: no approval of this counts")
    )


def _strangers(found: Compared, author_teams: frozenset[str]) -> Iterator[str]:
    before, after = found.base.definitions.tenants, found.trees.asked.definitions.tenants
    return (words for _, words in strangers(before, after, author_teams))


def _is_touched(hub: HubReview) -> bool:
    moved = any(measure.now != measure.after for measure in hub.forecast)
    fresh = any(not one.inherited for one in hub.statements)
    return bool(hub.tenants or hub.refused or hub.waiting.shards or moved or fresh)


def _key(problem: Problem) -> tuple[str, str, str, str]:
    """Without the line, which moves with whatever stands above it."""
    return problem.place.file, problem.path, problem.code, problem.message


class Targets(Protocol):
    """What reading the targets needs of a process; `bootstrap.Assembly` and the service's parts are that."""

    @property
    def patience(self) -> Patience:
        """How long a pass waits for late targets."""

    def ports(self, hub: HubName, tree: Tree) -> HubPorts:
        """Everything that a pass over one hub talks to."""


def beside_base_policy(found: Compared, base: tuple[Body, ...]) -> dict[HubName, Surroundings]:
    """What a base policy that was exported adds to every hub; other people's groups in the policy stay unknown."""
    names = found.base.definitions.hubs.keys() | found.head.definitions.hubs.keys()
    others = Others(collections=sum(len(collections_of(body)) for body in base))
    return {name: Surroundings(base, others=others) for name in sorted(names)}


def read_surroundings(
    found: Compared, parts: Targets, history: Callable[[HubName], Iterable[Mapping[str, object]]] = lambda _: ()
) -> dict[HubName, Surroundings]:
    """What the targets of every hub after the merge add; what cannot be read is said, and counts as not read.

    `history` gives a hub's last passes, from which the length of a firewall operation is measured.
    """
    source, names = Source(found.head, seen=found.head.commit), sorted(found.head.definitions.hubs)

    def read(name: HubName) -> Surroundings:
        try:
            return _surroundings(name, source, parts.ports(name, found.head), parts.patience, history(name))
        except EgressError as problem:
            return Surroundings(live=LiveReview((), (), (f"{name} could not be read: {problem}",)))

    each = parts.patience.previewing(len(names))
    return dict(zip(names, each(carried(read), names), strict=True))


def _surroundings(
    name: HubName, source: Source, ports: HubPorts, patience: Patience, passes: Iterable[Mapping[str, object]]
) -> Surroundings:
    # Shown once, and no later pass makes up for a target that was late.
    seen = look(name, source.tree, ports, replace(patience, grace=patience.limit))
    report = preview_from(name, source, ports, seen, as_asked=True)
    plan, firewall = report.plan, seen.firewall
    notes = [*(f"{one.target} could not be read: {one.message}" for one in report.unreadable), *plan.notes]
    notes += [
        f"{cluster}: {', '.join(found)} leave as their nodes" for cluster, found in plan.unattributed.items() if found
    ]
    live = LiveReview(
        changes=tuple(_change(change) for change in plan.changes),
        refused=tuple(f"{one.subject}: {one.message}" for one in plan.refused if one.code not in _STANDING),
        notes=tuple(notes),
    )
    if isinstance(firewall, Unreadable):
        return Surroundings(live=live)
    seconds, measured = operation_seconds(passes)
    shards = source.tree.definitions.hubs[name].spec.firewall.shards
    # The block shard stays as it is whatever is merged: it stands in front like other people's groups.
    staying = {group: body for group, body in sorted(firewall.groups.items()) if shard_index(shards, group) is None}
    foreign = [body for group, body in staying.items() if not is_ours(shards, group)]
    base = tuple(body for _, body in sorted(firewall.base_groups.items()))
    others = Others(
        groups=len(foreign),
        collections=sum(len(collections_of(body)) for body in (*foreign, *base)),
        quarantined=_quarantined(ports),
    )
    return Surroundings(base, tuple(staying.values()), others, seconds or USUAL_SECONDS, measured, live)


_STANDING = frozenset({RefusalCode.DEFINITION_HELD})
"""Files that are held back are told of with their problems."""


def _change(change: Change) -> str:
    waits = f", waits for {change.waits_for.value}" if change.waits_for is not None else ""
    return f"{change.verb.value} `{change.resource}` on {change.target}: {change.because}{waits}"


def _quarantined(ports: HubPorts) -> Mapping[ClusterName, int] | None:
    """Addresses by cluster that nobody may have yet; None when the ledger cannot be read."""
    try:
        ledger = fold(ports.ledger.read())
    except (BrokenLedger, StateError):
        return None
    found: dict[ClusterName, int] = {}
    for one in ledger.generations.values():
        if one.holding is Holding.QUARANTINED:
            found[one.key.cluster] = found.get(one.key.cluster, 0) + one.range.num_addresses
    return found


def operation_seconds(passes: Iterable[Mapping[str, object]]) -> tuple[float, int]:
    """The median time between starting a firewall write and the pass that saw it done, and how many there were; oldest first."""
    started: datetime | None = None
    lengths: list[float] = []
    for entry in passes:
        at = entry.get("finished_at")
        rows = entry.get("changes")
        changes = [one for one in rows if isinstance(one, Mapping)] if isinstance(rows, list) else []
        ours = [one for one in changes if str(one.get("target", "")).startswith("firewall/")]
        if not isinstance(at, str):
            continue
        now = datetime.fromisoformat(at)
        busy = ours and all(one.get("outcome") == Result.PENDING.value for one in ours)
        if started is not None and not busy:
            lengths.append((now - started).total_seconds())
            started = None
        if any(one.get("outcome") == Result.STARTED.value for one in ours):
            started = now
    return (median(lengths), len(lengths)) if lengths else (0.0, 0)
