"""What is in force on a hub as it was admitted last, every part of it at its own commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from function_app.model.admission import NEVER, Scope, ScopeKind
from function_app.model.definitions import Cluster, Hub
from function_app.model.names import AttachmentKey, ClusterName, Commit
from function_app.model.once import Row
from function_app.model.tree import HubDefinitions
from function_app.planning.deferring import Asked
from function_app.planning.recalling import brought_back, still_stands

SETTINGS = ("change_windows", "rollout", "apply", "drift")
"""Fields of a hub's or a cluster's spec that say how commits and drift are dealt with: they hold as soon as they are merged."""

Part = AttachmentKey | Scope
"""An attachment, a cluster or the hub."""


@dataclass(frozen=True, slots=True)
class InForce:
    """`trees` are the hub's definitions by commit, None where a commit has no such hub."""

    asked: Asked
    trees: Mapping[Commit, HubDefinitions | None]

    def commit(self, part: Part) -> Commit:
        """At which commit something was admitted last; of whom Git knows again after a rewind, before that."""
        standing, before = self.asked.state.standing.get(str(part)), self.asked.state.last_good_commit
        if standing is None and isinstance(part, AttachmentKey):
            recalled = brought_back(self.asked, part)
            if recalled is not None and still_stands(self.asked, self.trees.get(recalled), part):
                return recalled
        return before or NEVER if standing is None else standing

    def commit_to_keep(self, part: Part) -> Commit:
        """The same, or one that is asked for already and at which the part was as it is: so few former commits are ever read.

        While a window is closed, every commit of the day defers something else, and all of it stands as at one commit.
        """
        commit, standing = self.commit(part), self.asked.state.standing
        if str(part) in standing:
            return commit
        others = sorted({*standing.values()} - {commit})
        return next(
            (one for one in others if _alike(self._tree(one), self._tree(commit), part, self.asked.hub)), commit
        )

    def differing(self) -> frozenset[AttachmentKey]:
        """Attachments of which Git has another version than the one in force."""
        return frozenset(key for key in self._keys() if not _same(self._at(key), self.asked.hub, key))

    def definitions(self) -> HubDefinitions:
        """The hub as it is in force; every attachment's rules are among `narrowed`."""
        new, own = self.asked.hub, self._at(Scope.hub(self.asked.hub.name))
        names = {*new.clusters, *(name for one in self.trees.values() if one is not None for name in one.clusters)}
        clusters = {
            name: _with_settings(found.clusters[name], new.clusters.get(name))
            for name in sorted(names)
            if (found := self._at(Scope.cluster(name))) is not None and name in found.clusters
        }
        known = {key: found for key in sorted(self._keys()) if (found := self._at(key)) is not None}
        attachments = {key: found.attachments[key] for key, found in known.items() if key in found.attachments}
        return replace(
            replace(own, hub=_with_settings(own.hub, new.hub)) if own is not None else new,
            commit=self.asked.state.last_good_commit or new.commit,
            clusters=clusters,
            attachments=attachments,
            narrowed={key: known[key].rules_of(key) or Row() for key in attachments},
        )

    def _at(self, part: Part) -> HubDefinitions | None:
        return self._tree(self.commit(part))

    def _tree(self, commit: Commit) -> HubDefinitions | None:
        return self.asked.hub if commit == self.asked.hub.commit else self.trees.get(commit)

    def _keys(self) -> frozenset[AttachmentKey]:
        trees = (self.asked.hub, *(one for one in self.trees.values() if one is not None))
        return frozenset(key for one in trees for key in one.attachments)


def _with_settings[D: (Hub, Cluster)](standing: D, new: D | None) -> D:
    """A standing definition with today's settings of what is taken up when: who merged those has decided it."""
    if new is None or standing is new:
        return standing
    fields = [name for name in SETTINGS if name in type(new.spec).model_fields]
    return standing.model_copy(
        update={"spec": standing.spec.model_copy(update={name: getattr(new.spec, name) for name in fields})}
    )


def _alike(one: HubDefinitions | None, other: HubDefinitions | None, part: Part, new: HubDefinitions) -> bool:
    """A part is the same in both, or in neither, but for settings."""
    if one is None or other is None:
        return one is other
    if isinstance(part, AttachmentKey):
        return _same(one, other, part)
    if part.kind is ScopeKind.HUB:
        return _with_settings(one.hub, new.hub) == _with_settings(other.hub, new.hub)
    name = ClusterName(part.name)
    before, after, settings = one.clusters.get(name), other.clusters.get(name), new.clusters.get(name)
    if before is None or after is None:
        return before is after
    return _with_settings(before, settings) == _with_settings(after, settings)


def _same(standing: HubDefinitions | None, new: HubDefinitions, key: AttachmentKey) -> bool:
    """The attachment means the same in both: who owns it, and what is expected of it, changes nothing that stands there."""
    before = standing.attachments.get(key) if standing is not None else None
    after = new.attachments.get(key)
    if standing is None or before is None or after is None:
        return before is after
    if before is after:
        return True
    specs = before.tenant.spec, after.tenant.spec
    return (
        before.attachment == after.attachment
        and specs[0].egress.bypass == specs[1].egress.bypass
        and specs[0].on_removal == specs[1].on_removal
        and standing.rules_of(key) == new.rules_of(key)
    )
