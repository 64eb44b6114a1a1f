"""What people merge: tenants come, go, move, change; files break and are repaired."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from search.actions import Group, deed
from search.history import History
from search.reviews import merge
from search.worlds import (
    BELOW,
    CANARY,
    CLUSTERS,
    SITES,
    WILDCARD,
    Place,
    TenantFile,
    cluster_file,
    guardrails_file,
    ruleset_file,
)


def _path(history: History, tenant: str) -> str:
    return f"tenants/{history.renamed.get(tenant, tenant)}.yaml"


def _can_be_read(history: History, *tenants: str) -> None:
    """Their files are written as they should be; one under another name is not its tenant's for all that."""
    history.broken.difference_update(set(tenants) - history.renamed.keys())


def write(history: History, file: TenantFile) -> None:
    """Merge a tenant's file."""
    history.files[file.name] = file
    _can_be_read(history, file.name)
    merge(history, {_path(history, file.name): file.text()})


@deed(Group.ADDED, "commit: {0} comes, on {1} slot {2} for {3}, to {4}")
def add(
    history: History, tenant: str, cluster: str, slot: int, namespaces: tuple[str, ...], sites: tuple[str, ...]
) -> None:
    """A new tenant; nothing when it is there."""
    if tenant not in history.files:
        write(history, TenantFile(tenant, (Place(cluster, slot, namespaces),), sites))


@deed(Group.REMOVED, "commit: {0} goes")
def remove(history: History, tenant: str) -> None:
    """A tenant's file is deleted."""
    if history.files.pop(tenant, None) is not None:
        path = _path(history, tenant)
        history.broken.discard(tenant)
        history.renamed.pop(tenant, None)
        merge(history, {path: None})


@deed(Group.RENUMBERED, "commit: {0} on {1} changes to slot {2}")
def renumber(history: History, tenant: str, cluster: str, slot: int) -> None:
    """Another range for one attachment."""
    file = history.files.get(tenant)
    if file is not None:
        places = tuple(replace(one, slot=slot, adopt=False) if one.cluster == cluster else one for one in file.places)
        write(history, replace(file, places=places))


@deed(Group.PLACES, "commit: {0} comes to {1} slot {2} for {3}")
def attach(history: History, tenant: str, cluster: str, slot: int, namespaces: tuple[str, ...]) -> None:
    """An attachment more, or another one on the same cluster."""
    file = history.files.get(tenant)
    if file is not None:
        others = tuple(one for one in file.places if one.cluster != cluster)
        write(history, replace(file, places=(*others, Place(cluster, slot, namespaces))))


@deed(Group.PLACES, "commit: {0} leaves {1}")
def detach(history: History, tenant: str, cluster: str) -> None:
    """An attachment less; the last one takes the file with it."""
    file = history.files.get(tenant)
    if file is None:
        return
    others = tuple(one for one in file.places if one.cluster != cluster)
    if others:
        write(history, replace(file, places=others))
    else:
        remove(history, tenant)


@deed(Group.PLACES, "commit: {0} on {1} is for {2}")
def claim(history: History, tenant: str, cluster: str, namespaces: tuple[str, ...]) -> None:
    """Other namespaces; other tenants' claims on them are given up in the same commit."""
    file = history.files.get(tenant)
    if file is None:
        return
    changes: dict[str, str | None] = {}
    for other in list(history.files.values()):
        kept = tuple(
            replace(one, namespaces=tuple(name for name in one.namespaces if name not in namespaces) or ("spare",))
            if one.cluster == cluster and other.name != tenant
            else one
            for one in other.places
        )
        if kept != other.places:
            history.files[other.name] = replace(other, places=kept)
            _can_be_read(history, other.name)
            changes[_path(history, other.name)] = history.files[other.name].text()
    places = tuple(replace(one, namespaces=namespaces) if one.cluster == cluster else one for one in file.places)
    history.files[tenant] = replace(file, places=places)
    _can_be_read(history, tenant)
    merge(history, {**changes, _path(history, tenant): history.files[tenant].text()})


@deed(Group.RULES, "commit: {0} may reach {1}, service {2}, shared rules {3}")
def allow(history: History, tenant: str, sites: tuple[str, ...], service: bool, shared: bool) -> None:
    """Other rules."""
    file = history.files.get(tenant)
    if file is not None:
        write(history, replace(file, sites=sites, service=service, shared=shared, ends=None))


@deed(Group.RULES, "commit: the first rule of {0} ends with the day after {1} days")
def end_rule(history: History, tenant: str, days: int) -> None:
    """Perhaps with today, or it has ended already."""
    file = history.files.get(tenant)
    if file is not None:
        write(history, replace(file, ends=_day(history, days)))


def _day(history: History, days: int) -> date:
    return history.desk.world.clock.now().date() + timedelta(days=days)


@deed(Group.SHAPE, "commit: {0} has {1} replicas, bypass {2}, ends with a block {3}")
def shape(history: History, tenant: str, replicas: int, bypass: bool, blocks: bool) -> None:
    """Gateways, bypass and onRemoval."""
    file = history.files.get(tenant)
    if file is not None:
        places = tuple(replace(one, replicas=replicas) for one in file.places)
        write(history, replace(file, places=places, bypass=bypass, blocks=blocks))


@deed(Group.BROKEN, "commit: the file of {0} cannot be parsed any more ({1})")
def break_file(history: History, tenant: str, how: str) -> None:
    """A typo, a duplicate key, or conflict markers; with a secret in it."""
    if tenant not in history.files:
        return
    text = history.files[tenant].text()
    broken = {
        "markers": f"<<<<<<< ours\n{text}=======\ntoken: {CANARY}\n>>>>>>> theirs\n",
        "unknown": f"{text}token: {CANARY}\n",
        "empty": "",
    }[how]
    history.broken.add(tenant)
    merge(history, {_path(history, tenant): broken})


@deed(Group.BROKEN, "commit: the file of {0} is repaired")
def repair(history: History, tenant: str) -> None:
    """Back to what it was."""
    if tenant in history.files:
        write(history, history.files[tenant])


@deed(Group.BROKEN, "commit: the file of {0} is renamed, its content stays")
def rename(history: History, tenant: str) -> None:
    """The file's name no longer is its tenant's; a mistake that must not remove anybody."""
    if tenant not in history.files or tenant in history.renamed:
        return
    old = _path(history, tenant)
    history.renamed[tenant] = f"{tenant}-moved"
    history.broken.add(tenant)
    merge(history, {old: None, _path(history, tenant): history.files[tenant].text()})


@deed(Group.BROKEN, "commit: the file of {0} gets its name back")
def rename_back(history: History, tenant: str) -> None:
    """The mistake is undone."""
    if tenant in history.renamed and tenant in history.files:
        old = _path(history, tenant)
        del history.renamed[tenant]
        history.broken.discard(tenant)
        merge(history, {old: None, _path(history, tenant): history.files[tenant].text()})


@deed(Group.TREE, "commit: all files are deleted")
def empty_tree(history: History) -> None:
    """Everything, the hub as well: taken for a mistake."""
    paths = {_path(history, name): None for name in history.files}
    gone = [
        f"hubs/{'hub1'}.yaml",
        *(f"clusters/{name}.yaml" for name in CLUSTERS),
        "guardrails.yaml",
        "rulesets/shared.yaml",
    ]
    history.broken.update(history.files)
    merge(history, {**paths, **dict.fromkeys(gone)})


@deed(Group.TREE, "commit: all tenants' files are deleted")
def empty_tenants(history: History) -> None:
    """All at once: beyond the limit, unless there is one only."""
    paths: dict[str, str | None] = {_path(history, name): None for name in history.files}
    if paths:
        history.files.clear()
        history.broken.clear()
        history.renamed.clear()
        merge(history, paths)


@deed(Group.TREE, "force-push: the newest {0} commits are gone")
def rewind(history: History, back: int) -> None:
    """The branch goes back."""
    history.rewind(len(history.commits) - back)


@deed(Group.TREE, "commit: everything is as it was {0} commits ago")
def restore(history: History, back: int) -> None:
    """A revert: tenants' files as they were."""
    if len(history.commits) <= back:
        return
    files, broken, renamed = history.commits[-1 - back]
    if broken:
        return
    changes: dict[str, str | None] = {_path(history, name): None for name in history.files}
    history.files, history.broken, history.renamed = dict(files), set(), dict(renamed)
    changes.update({_path(history, name): file.text() for name, file in files.items()})
    if changes:
        merge(history, changes)


@deed(Group.TREE, "commit: {0} and {1} swap their ranges on {2}")
def swap(history: History, one: str, other: str, cluster: str) -> None:
    """Two tenants trade ranges in one commit: held back."""
    first, second = history.files.get(one), history.files.get(other)
    if first is None or second is None or one == other:
        return
    mine = next((place for place in first.places if place.cluster == cluster), None)
    theirs = next((place for place in second.places if place.cluster == cluster), None)
    if mine is None or theirs is None:
        return
    for file, slot in ((first, theirs.slot), (second, mine.slot)):
        places = tuple(replace(place, slot=slot) if place.cluster == cluster else place for place in file.places)
        history.files[file.name] = replace(file, places=places)
    _can_be_read(history, one, other)
    merge(history, {_path(history, name): history.files[name].text() for name in (one, other)})


@deed(Group.SHARED, "commit: the shared rules permit {0}")
def share(history: History, site: str) -> None:
    """The rule set that tenants include."""
    merge(history, {"rulesets/shared.yaml": ruleset_file(site)})


@deed(Group.SHARED, "commit: the shared rules permit {0} until the day after {1} days")
def lend(history: History, site: str, days: int) -> None:
    """The same, for a time."""
    merge(history, {"rulesets/shared.yaml": ruleset_file(site, ends=_day(history, days))})


@deed(Group.SHARED, "commit: guardrails strict {0}")
def guard(history: History, strict: bool) -> None:
    """Tightened or loosened."""
    merge(history, {"guardrails.yaml": guardrails_file(strict=strict)})


@deed(Group.SHARED, "commit: drift on {0} is {1}")
def drift(history: History, cluster: str, mode: str) -> None:
    """Undo drift, or only say it."""
    merge(history, {f"clusters/{cluster}.yaml": cluster_file(cluster, drift=mode)})


@deed(Group.SHARED, "commit: {0} takes commits up {1}")
def pace(history: History, cluster: str, pace: str) -> None:
    """At once, within a window each day, or after the other cluster."""
    merge(history, {f"clusters/{cluster}.yaml": cluster_file(cluster, pace=pace)})


@deed(Group.SHARED, "commit: a filter and peers that stand on {0} are taken over: {1}")
def take_over(history: History, cluster: str, adopting: bool) -> None:
    """Those of the published names."""
    merge(history, {f"clusters/{cluster}.yaml": cluster_file(cluster, adopt=adopting)})


SITE_SETS = (
    (SITES[0],),
    (SITES[1],),
    (SITES[0], SITES[1]),
    SITES,
    (SITES[2],),
    (WILDCARD,),
    (BELOW,),
    (SITES[0], WILDCARD),
    (SITES[0], BELOW),
    (WILDCARD, BELOW),
    ("*.example",),
    (),
)
