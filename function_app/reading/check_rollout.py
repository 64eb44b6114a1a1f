"""Cross-file rules on who takes commits up after whom: those who are named exist, and somebody is first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from function_app.model.definitions import Cluster, Hub
from function_app.model.errors import Problem
from function_app.reading.candidate import Candidate, Filed
from function_app.reading.layout import path_of
from function_app.reading.parse import ParsedFile
from function_app.reading.places import Path, listed

_AFTER: Path = ("spec", "rollout", "after")


@dataclass(frozen=True, slots=True)
class _Member:
    """One hub or cluster, and what it comes after."""

    file: ParsedFile
    after: tuple[str, ...]


def rollout_order(tree: Candidate) -> Iterator[Problem]:
    """Hubs come after hubs, clusters after clusters of their own hub, and nobody waits in a circle."""
    yield from _order(tree, "Hub", "hub", {name: _member(hub) for name, hub in tree.hub_by_name.items()})
    by_hub: dict[str, dict[str, _Member]] = {}
    for name, cluster in tree.cluster_by_name.items():
        by_hub.setdefault(cluster.definition.spec.hub, {})[name] = _member(cluster)
    for hub, clusters in sorted(by_hub.items()):
        yield from _order(tree, "Cluster", f"cluster on hub `{hub}`", clusters)


def _member(filed: Filed[Hub] | Filed[Cluster]) -> _Member:
    rollout = filed.definition.spec.rollout
    return _Member(filed.file, rollout.after if rollout is not None else ())


def _order(tree: Candidate, kind: str, words: str, members: Mapping[str, _Member]) -> Iterator[Problem]:
    for name, member in sorted(members.items()):
        for index, before in enumerate(member.after):
            path = (*_AFTER, index)
            if before not in members:
                close = get_close_matches(before, members, n=1)
                hint = f"Did you mean `{close[0]}`?" if close else f"Known are {listed(sorted(members)[:10])}."
                message = f"there is no {words} of the name `{before}`."
                missing = path_of(kind, before)
                yield tree.problem(member.file, path, "unknown-reference", message, hint, others=(missing,))
                continue
            circle = _way(members, before, name) if before != name else ()
            if circle:
                told = ", which comes after ".join(f"`{one}`" for one in (name, *circle))
                others = tuple(members[one].file.path for one in circle if one != name)
                hint = "Take one of them out of `after`."
                yield tree.problem(
                    member.file, path, "rollout-circle", f"{told}: in a circle nobody is first.", hint, others=others
                )


def _way(members: Mapping[str, _Member], start: str, end: str) -> tuple[str, ...]:
    """The shortest way along what they come after, both ends included; empty when there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    for way in ways:
        for one in members[way[-1]].after if way[-1] in members else ():
            if one == end:
                return *way, end
            if one not in seen:
                seen.add(one)
                ways.append((*way, one))
    return ()
