"""Where a namespace points: to a generation of ours, to something else that may hit one of ours, or nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from function_app.model.ledger import Generation
from function_app.model.names import (
    EGRESS_ANNOTATIONS,
    NAMESPACE_SELECTOR_ANNOTATION,
    POLICY_ANNOTATION,
    SELECTOR_ANNOTATION,
    GenerationId,
)
from function_app.model.resources import ClusterObservation, Kind, Resource
from function_app.planning import selectors
from function_app.planning.cluster_resources import pointing_annotations
from function_app.planning.ownership import owned_paths

NAME_LABEL = "projectcalico.org/name"


@dataclass(frozen=True, slots=True)
class Pointer:
    """What one namespace's (or pod's) egress annotations say.

    `exact` is the generation whose patch stands there to the letter, `hits` all generations whose gateway the annotations
    may select; `keys` are the egress annotations present, `ours` whether our field manager owns any of them.
    """

    exact: GenerationId | None
    hits: frozenset[GenerationId]
    keys: frozenset[str]
    ours: bool

    @property
    def anywhere(self) -> bool:
        """Some egress annotation is present."""
        return bool(self.keys)


NOWHERE = Pointer(None, frozenset(), frozenset(), ours=False)


def pointer_of(
    resource: Resource, generations: Iterable[Generation], cluster: ClusterObservation, *, home: str = ""
) -> Pointer:
    """Read the annotations of a namespace or pod. `home` is the namespace it is in: a bare selector sees only that one."""
    found = {key: resource.annotations[key] for key in EGRESS_ANNOTATIONS if key in resource.annotations}
    if not found:
        return NOWHERE
    known = tuple(generations)
    owned = owned_paths(resource)
    return Pointer(
        exact=_exact(found, known),
        hits=frozenset(generation.id for generation in known if _may_hit(found, generation, cluster, home)),
        keys=frozenset(found),
        ours=any(("metadata", "annotations", key) in owned for key in found),
    )


def _exact(found: Mapping[str, str], generations: tuple[Generation, ...]) -> GenerationId | None:
    for generation in generations:
        for bypass in (False, True):
            wanted = {
                key: value
                for key, value in pointing_annotations(generation, bypass=bypass).items()
                if value is not None
            }
            if wanted == found:
                return generation.id
    return None


def _may_hit(found: Mapping[str, str], generation: Generation, cluster: ClusterObservation, home: str) -> bool:
    if POLICY_ANNOTATION in found and _policy_hits(found[POLICY_ANNOTATION], generation, cluster, home):
        return True
    if SELECTOR_ANNOTATION not in found and NAMESPACE_SELECTOR_ANNOTATION not in found:
        return False
    return _selects(
        found.get(SELECTOR_ANNOTATION, ""), found.get(NAMESPACE_SELECTOR_ANNOTATION, ""), generation, cluster, home
    )


def _policy_hits(name: str, generation: Generation, cluster: ClusterObservation, home: str) -> bool:
    if name == generation.gateway:
        return True
    policy = cluster.get(Kind.EGRESS_GATEWAY_POLICY, name)
    if policy is None:
        return False
    gateways = [rule["gateway"] for rule in policy.spec.get("rules") or () if rule.get("gateway")]
    return any(
        _selects(str(gateway.get("selector", "")), str(gateway.get("namespaceSelector", "")), generation, cluster, home)
        for gateway in gateways
    )


def _selects(
    selector: str, namespace_selector: str, generation: Generation, cluster: ClusterObservation, home: str
) -> bool:
    """Doubt counts as a hit: an unparsable selector may select anything."""
    if selector and selectors.hits(selector, gateway_labels(generation)) is False:
        return False
    if not namespace_selector:
        return home == generation.gateway_namespace
    namespace = cluster.get(Kind.NAMESPACE, generation.gateway_namespace)
    labels = {**(namespace.labels if namespace else {}), NAME_LABEL: generation.gateway_namespace}
    return selectors.hits(namespace_selector, labels) is not False


def gateway_labels(generation: Generation) -> dict[str, str]:
    """Labels that Tigera's operator and our template give to a generation's gateway pods."""
    return {
        "k8s-app": generation.gateway,
        "app.kubernetes.io/name": generation.gateway,
        "projectcalico.org/egw": generation.gateway,
        **generation.labels,
    }
