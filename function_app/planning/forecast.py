"""Which connections our own changes will cut: open ones through gateway pods that stop, and new ones through pods that start.

Calico sends connections to a gateway pod as soon as it is ready; Route Server learns the way back to it at about that moment, and
may be seconds late. A cut-over waits for it; where a gateway in use gets more pods nobody can wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from function_app.model.ledger import Generation
from function_app.model.plan import Apply, Change, Verb
from function_app.model.resources import Body, Kind, Resource
from function_app.planning.compare import differences
from function_app.planning.facts import Facts
from function_app.planning.generations import Intent
from function_app.planning.stages import ready_pods

_ROLLING = ("spec.template", "spec.ipPools", "spec.logSeverity")
"""Fields of an EgressGateway whose change replaces its pods; another number of replicas does not."""


def connections_cut(facts: Facts, intents: Iterable[Intent], changes: Iterable[Change]) -> tuple[str, ...]:
    """Forecasts in words, for generations that will be retired and gateways that will roll."""
    return (*_by_retirement(facts, intents), *_by_rollout(facts, changes))


def _by_retirement(facts: Facts, intents: Iterable[Intent]) -> Iterator[str]:
    for intent in intents:
        removed = intent.leaving if intent.defined is None else ()
        for old in (*intent.older, *removed):
            pods = len(ready_pods(old, facts.observed))
            if pods:
                when = "when its gateway goes" if old in removed else "when its drain ends"
                yield f"{intent.key}: connections still open through the {pods} gateway pods of {old.range} are cut {when}"


def _by_rollout(facts: Facts, changes: Iterable[Change]) -> Iterator[str]:
    by_gateway = {(one.gateway_namespace, one.gateway): one for one in facts.generations.values()}
    for change in changes:
        found = facts.observed.resources.get(change.resource)
        generation = by_gateway.get((change.resource.namespace, change.resource.name))
        if change.resource.kind is not Kind.EGRESS_GATEWAY or found is None or generation is None:
            continue
        if change.verb is not Verb.UPDATE or not isinstance(change.write, Apply):
            continue
        if _rolls(change.write, found):
            yield _rollout(facts, generation)
        more = _replicas(change.write.body) - _replicas(found.body)
        if more > 0:
            yield (
                f"{generation.key}: new connections through the {more} more gateway pods of {generation.range} may be lost for "
                "the seconds until Route Server has learned them"
            )


def _replicas(gateway: Body) -> int:
    return int((gateway.get("spec") or {}).get("replicas", 1))


def _rolls(write: Apply, found: Resource) -> bool:
    paths = differences(Resource(found.id, write.body), found)
    return any(path.startswith(field) for path in paths for field in _ROLLING)


def _rollout(facts: Facts, generation: Generation) -> str:
    pods = len(ready_pods(generation, facts.observed))
    return f"{generation.key}: connections through the {pods} gateway pods of {generation.range} are cut as the gateway rolls"
