"""Under which names and labels a generation is reserved: no two live ones of an attachment bear the same.

the attachment                    its pool by `adopt`               = names
lives nowhere yet                 -                                 = those of `adopt`, else the plain ones
lives on another range            nobody's, with this very range    = those of `adopt`: the other range was a mistake
lives on another range            anything else, or no `adopt`      = its own, beside the other's
"""

from __future__ import annotations

from collections.abc import Mapping

from function_app.model.definitions import Adopt
from function_app.model.ledger import Generation, Ledger
from function_app.model.names import GenerationId
from function_app.model.resources import Kind, Resource
from function_app.model.tree import DefinedAttachment
from function_app.planning.cluster_resources import home_apart, later_names, plain_names, template_labels
from function_app.planning.ownership import ours
from function_app.planning.situation import Situation
from function_app.planning.stages import pool_range

Names = tuple[str, str, str]
"""Gateway namespace, gateway and pool."""


def names_and_labels(
    situation: Situation, ledger: Ledger, defined: DefinedAttachment, identity: GenerationId
) -> tuple[Names, Mapping[str, str]]:
    """What a range that is given out now is recorded with."""
    adopt = defined.attachment.adopt
    if adopt is not None and _is_there(situation, ledger, defined, adopt):
        return adopt.names, dict(adopt.labels)
    return _own_names(situation, ledger, defined, identity), template_labels(defined.key.tenant, identity)


def _is_there(situation: Situation, ledger: Ledger, defined: DefinedAttachment, adopt: Adopt) -> bool:
    """What is to be taken over has the range, or is taken for it while the attachment has no other."""
    living = ledger.of(defined.key)
    pool = _found(situation, defined, Kind.IP_POOL, adopt.pool)
    return not living or (
        pool is not None
        and pool_range(pool) == defined.range
        and not ours(pool, situation.hub.name, {one.id for one in ledger.live()})
        and all(one.switched_at is None for one in living if _collides(one, adopt.names))
    )


def _own_names(situation: Situation, ledger: Ledger, defined: DefinedAttachment, identity: GenerationId) -> Names:
    """The plain ones, or later ones beside a generation that bears them.

    Who lives in a namespace that is not ours, as what was taken over does, moves to one of ours.
    """
    tenant, living = defined.key.tenant, ledger.of(defined.key)
    plain = plain_names(tenant)
    taken = any(_collides(one, plain) for one in living)
    namespace, gateway, pool = later_names(tenant, identity) if taken else plain
    home = _found(situation, defined, Kind.NAMESPACE, namespace)
    if living and home is not None and not ours(home, situation.hub.name, ()):
        namespace = home_apart(tenant, identity)
    return namespace, gateway, pool


def _found(situation: Situation, defined: DefinedAttachment, kind: Kind, name: str) -> Resource | None:
    cluster = situation.cluster(defined.key.cluster)
    return cluster.get(kind, name) if cluster is not None else None


def _collides(generation: Generation, names: Names) -> bool:
    namespace, gateway, pool = names
    return generation.pool == pool or (generation.gateway_namespace, generation.gateway) == (namespace, gateway)
