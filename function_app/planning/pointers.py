"""Where a namespace points: to a generation of ours, to something else that may hit one of ours, or nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from function_app.model.ledger import Generation
from function_app.model.names import (
    EGRESS_ANNOTATIONS,
    NAMESPACE_SELECTOR_ANNOTATION,
    POLICY_ANNOTATION,
    SELECTOR_ANNOTATION,
    GenerationId,
)
from function_app.model.once import once
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


class Gateways:
    """The gateways of a cluster's generations, found by what annotations say of them."""

    def __init__(self, generations: Iterable[Generation], cluster: ClusterObservation) -> None:
        self._generations = tuple(generations)
        self._cluster = cluster
        self._by_label: dict[tuple[str, str], list[Generation]] = {}
        self._exact: dict[frozenset[tuple[str, str]], GenerationId] = {}
        for generation in self._generations:
            for label in gateway_labels(generation).items():
                self._by_label.setdefault(label, []).append(generation)
            for wanted in _patches(generation):
                self._exact.setdefault(wanted, generation.id)

    def exact(self, found: Mapping[str, str]) -> GenerationId | None:
        """The generation whose patch stands there to the letter."""
        return self._exact.get(frozenset(found.items()))

    def hits(self, found: Mapping[str, str], home: str) -> frozenset[GenerationId]:
        """Every generation whose gateway these annotations may select."""
        hit: set[GenerationId] = set()
        if POLICY_ANNOTATION in found:
            hit.update(self._by_policy(found[POLICY_ANNOTATION], home))
        if SELECTOR_ANNOTATION in found or NAMESPACE_SELECTOR_ANNOTATION in found:
            selector, namespace_selector = (
                found.get(SELECTOR_ANNOTATION, ""),
                found.get(NAMESPACE_SELECTOR_ANNOTATION, ""),
            )
            hit.update(self._by_selector(selector, namespace_selector, home))
        return frozenset(hit)

    def _by_policy(self, name: str, home: str) -> Iterator[GenerationId]:
        yield from (generation.id for generation in self._generations if generation.gateway == name)
        policy = self._cluster.get(Kind.EGRESS_GATEWAY_POLICY, name)
        for rule in (policy.spec.get("rules") or ()) if policy is not None else ():
            if gateway := rule.get("gateway"):
                yield from self._by_selector(
                    str(gateway.get("selector", "")), str(gateway.get("namespaceSelector", "")), home
                )

    def _by_selector(self, selector: str, namespace_selector: str, home: str) -> Iterator[GenerationId]:
        """Doubt counts as a hit: an unparsable selector may select anything."""
        for generation in self._candidates(selector):
            if selector and selectors.hits(selector, gateway_labels(generation)) is False:
                continue
            if self._lies_in(generation, namespace_selector, home):
                yield generation.id

    def _candidates(self, selector: str) -> Iterable[Generation]:
        """Generations that bear the first label which the selector requires; all of them when it requires none."""
        meant = selectors.parsed(selector) if selector else None
        label = next(iter(meant.required.items()), None) if meant is not None else None
        return self._generations if label is None else self._by_label.get(label, ())

    def _lies_in(self, generation: Generation, namespace_selector: str, home: str) -> bool:
        if not namespace_selector:
            return home == generation.gateway_namespace
        namespace = self._cluster.get(Kind.NAMESPACE, generation.gateway_namespace)
        labels = {**(namespace.labels if namespace else {}), NAME_LABEL: generation.gateway_namespace}
        return selectors.hits(namespace_selector, labels) is not False


@once
def _patches(generation: Generation) -> tuple[frozenset[tuple[str, str]], ...]:
    """What a namespace that points here bears, with and without a bypass."""
    patches = (pointing_annotations(generation, bypass=bypass) for bypass in (False, True))
    return tuple(frozenset((key, value) for key, value in patch.items() if value is not None) for patch in patches)


def pointer_of(resource: Resource, gateways: Gateways, *, home: str = "") -> Pointer:
    """Read the annotations of a namespace or pod. `home` is the namespace it is in: a bare selector sees only that one."""
    found = {key: resource.annotations[key] for key in EGRESS_ANNOTATIONS if key in resource.annotations}
    if not found:
        return NOWHERE
    owned = owned_paths(resource)
    return Pointer(
        exact=gateways.exact(found),
        hits=gateways.hits(found, home),
        keys=frozenset(found),
        ours=any(("metadata", "annotations", key) in owned for key in found),
    )


@once
def gateway_labels(generation: Generation) -> dict[str, str]:
    """Labels that Tigera's operator and our template give to a generation's gateway pods."""
    return {
        "k8s-app": generation.gateway,
        "app.kubernetes.io/name": generation.gateway,
        "projectcalico.org/egw": generation.gateway,
        **generation.labels,
    }
