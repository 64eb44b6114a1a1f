"""How the changes of tenants came in, asked of the Git host: for hubs that apply what was approved, and for changed tenants alone.

Read only. What cannot be told is said in the answer, so that a host that is down keeps those tenants waiting and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from function_app.model.approval import Origin, PullRequest, Shown
from function_app.model.definitions import ApplyMode
from function_app.model.errors import EgressError
from function_app.model.names import Commit, HubName, TenantName
from function_app.model.tree import HubDefinitions, Tree
from function_app.ports import Approvals, ShownPlans


def origins(
    tree: Tree,
    former: Iterable[Tree],
    hub: HubName,
    tenants: Iterable[TenantName],
    approvals: Approvals,
    shown: ShownPlans,
    newcomers: AbstractSet[TenantName] = frozenset(),
) -> Mapping[TenantName, tuple[Origin, ...]]:
    """Per tenant, the commits that made it what it is since it was as in one of the `former` trees, each asked about once.

    Of `newcomers`, which were never taken up, all commits count: what a former tree had of them was not in force either.
    """
    before = tuple(former)
    commits = {name: _commits(tree, () if name in newcomers else before, name) for name in sorted(set(tenants))}
    known: dict[Commit, Origin] = {}
    for commit in dict.fromkeys(one for several in commits.values() for one in several):
        known[commit] = origin(commit, hub, approvals, shown)
    return {name: tuple(known[commit] for commit in several) for name, several in commits.items()}


def hub_origin(tree: Tree, hub: HubDefinitions, approvals: Approvals, shown: ShownPlans) -> Origin | None:
    """How the hub's own file came in, asked only when it does not say `apply: reviewed` any more."""
    if hub.hub.spec.apply is ApplyMode.REVIEWED:
        return None
    found = tree.provenance.get(f"hubs/{hub.name}.yaml")
    return origin(found.commit if found is not None else tree.commit, hub.name, approvals, shown)


def origin(commit: Commit, hub: HubName, approvals: Approvals, shown: ShownPlans) -> Origin:
    """How one commit came in."""
    try:
        pulls = approvals.of(commit)
        return Origin(commit, pulls, tuple(_shown(pulls, hub, shown)))
    except EgressError as problem:
        return Origin(commit, problem=str(problem))


def _shown(pulls: Iterable[PullRequest], hub: HubName, shown: ShownPlans) -> Iterable[Shown]:
    heads = dict.fromkeys(approval.head for pull in pulls for approval in pull.approvals)
    return (one for head in heads for one in shown.of(hub, head))


def _commits(tree: Tree, former: tuple[Tree, ...], name: TenantName) -> tuple[Commit, ...]:
    """The commits that last changed the tenant's file, the rule sets that it includes and its clusters' files."""
    tenant = tree.definitions.tenants.get(name)
    files = [f"tenants/{name}.yaml"]
    if tenant is not None:
        files += [f"rulesets/{one}.yaml" for one in tenant.spec.egress.include]
        files += [f"clusters/{one.cluster}.yaml" for one in tenant.spec.attachments]
    found = [(file, tree.provenance.get(file)) for file in files]
    return tuple(
        dict.fromkeys(
            one.commit
            for file, one in found
            if one is not None and (not former or any(each.provenance.get(file) != one for each in former))
        )
    )
