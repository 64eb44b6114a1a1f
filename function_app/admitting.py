"""Whether what Git has is taken up by this pass: reads what that decision needs, and has `planning.admission` make it.

Belongs here: which former commits, statuses of other hubs and approvals are asked for, each only while a ground may defer
something, and what their silence means. Why anything is deferred is decided in `planning/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from function_app.measuring import span
from function_app.model.admission import NEVER, Admission
from function_app.model.definitions import ApplyMode
from function_app.model.errors import CommitGone, SourceError, StateError
from function_app.model.names import Commit, HubName, TenantName
from function_app.model.tree import HubDefinitions, Tree, hub_definitions
from function_app.planning.admission import Admitted, admit, changed, commits_to_read, may_be_taken_up
from function_app.planning.deferring import Asked
from function_app.planning.recalling import brought_back, doubtful, to_recall, with_recalled
from function_app.planning.rollout import hubs_before
from function_app.planning.unapproved import is_reviewed, tenants_to_ask_about
from function_app.ports import HubPorts
from function_app.vouching import hub_origin, origins


def admitted_now(
    asked: Asked, tree: Tree, former: Callable[[Commit], Tree], ports: HubPorts, *, in_use: bool
) -> Admitted:
    """What of Git is taken up, and what is known of whom Git knows no more; while there is no question, nothing is read.

    `tree` is what Git has, `former` reads the tree of a commit before; `in_use` says that this hub is not known to be
    new, so that something may be in force. Raises SourceError while it cannot be told what was taken up.
    """
    admitted = _taken_up(asked, tree, former, ports, in_use=in_use)
    wanted = to_recall(asked, _attached_before(asked, former))
    trees = dict(_readable((one for tenant, one in wanted.items() if tenant not in asked.hub.rules), former))
    hub, recalled = with_recalled(
        admitted.hub, wanted, {commit: _of_hub(one, asked.hub.name) for commit, one in trees.items()}
    )
    # A hub that applies what was approved goes by what stands for whoever leaves, until it does so no more.
    unasked = asked.state.reviewed or (in_use and asked.state.last_good_commit is None)
    doubt = doubtful(asked, everything=unasked and not admitted.admission.reviewed)
    if not wanted and not doubt:
        return admitted
    return Admitted(hub, replace(admitted.admission, recalled=recalled, doubtful=doubt))


def _attached_before(asked: Asked, former: Callable[[Commit], Tree]) -> frozenset[TenantName]:
    """Whoever may hold something while the ledger cannot tell who does; of a commit that is gone nobody can tell either."""
    before = asked.state.last_good_commit
    if asked.ledger is not None or before is None or before == asked.hub.commit:
        return frozenset()
    with suppress(CommitGone):
        hub = _of_hub(former(before), asked.hub.name)
        return frozenset(key.tenant for key in hub.attachments) if hub is not None else frozenset()
    return frozenset()


def _taken_up(asked: Asked, tree: Tree, former: Callable[[Commit], Tree], ports: HubPorts, *, in_use: bool) -> Admitted:
    commits = commits_to_read(asked)
    if commits is None:
        return Admitted(asked.hub)
    if is_reviewed(asked):
        asked = replace(asked, hub_origin=hub_origin(tree, asked.hub, ports.approvals, ports.shown))
    if asked.state.last_good_commit is None and in_use:
        return _all_or_nothing(asked, "nobody remembers which commit was in force")
    if commits or asked.state.standing:
        asked = replace(asked, elsewhere={hub: _published(hub, ports) for hub in hubs_before(asked)})
    name = asked.hub.name
    back = frozenset(one for key in asked.hub.attachments if (one := brought_back(asked, key)) is not None)
    if back and asked.ledger is None:
        raise SourceError("what came back cannot be told from what is new while the ledger cannot be read")
    try:
        trees = {commit: former(commit) for commit in commits}
        trees |= _readable(back, former)
    except CommitGone as problem:
        return _all_or_nothing(asked, str(problem))
    definitions = {commit: _of_hub(one, name) for commit, one in trees.items()}
    if is_reviewed(asked):
        names = tenants_to_ask_about(asked, changed(asked, definitions))
        standing = asked.state.standing
        newcomers = frozenset(key.tenant for key in asked.hub.attachments if standing.get(str(key)) == NEVER)
        with span("approvals"):
            asked = replace(
                asked,
                origins=origins(tree, trees.values(), name, names, ports.approvals, ports.shown, newcomers),
            )
    return admit(asked, definitions)


def _readable(commits: Iterable[Commit], former: Callable[[Commit], Tree]) -> Iterator[tuple[Commit, Tree]]:
    """The trees of commits that no branch leads to any more, as far as they can be read."""
    for commit in sorted({*commits}):
        with suppress(SourceError):
            yield commit, former(commit)


def _of_hub(tree: Tree, name: HubName) -> HubDefinitions | None:
    return hub_definitions(tree, name) if name in tree.definitions.hubs else None


def _all_or_nothing(asked: Asked, unknown: str) -> Admitted:
    """What is to be done when nobody can tell what was in force; raises SourceError while not all of it may be taken up."""
    if may_be_taken_up(asked):
        return Admitted(asked.hub, Admission(reviewed=is_reviewed(asked)))
    raise SourceError(
        f"{unknown.rstrip('.')}, and not all that Git has may be taken up now. This ends when nothing is suspended and nothing "
        f"else keeps the newest commit from being taken up{_how_reviewed(asked)}."
    )


def _how_reviewed(asked: Asked) -> str:
    """Nobody can approve what would change while nobody knows from what, so a hub that asks for it must stop asking."""
    if not is_reviewed(asked):
        return ""
    approved = ", which somebody else must have approved," if asked.state.reviewed else ""
    if asked.hub.hub.spec.apply is ApplyMode.REVIEWED:
        return f"; on a hub with `apply: reviewed`, once it is merged without that line{approved} and a pass was made"
    return (
        f"; {asked.hub.name} is without `apply: reviewed` once somebody else has approved the commit that takes it off"
    )


def _published(hub: HubName, ports: HubPorts) -> Mapping[str, object] | None:
    """Another hub's newest report: it is only waited for, so one that cannot be read is one that is not known."""
    try:
        return ports.status.latest(hub)
    except StateError:
        return None
