"""Which of our gateways somebody's annotations may select."""

from __future__ import annotations

import pytest
from planning_builders import IDENTITY, a_generation, a_resource, seen

from function_app.model.names import NAMESPACE_SELECTOR_ANNOTATION, SELECTOR_ANNOTATION
from function_app.model.resources import Kind
from function_app.planning.pointers import NOWHERE, Gateways, pointer_of

GENERATION = a_generation()


def hits(selector: str, namespaces: str = "all()") -> bool:
    """Whether a namespace with these annotations may use the gateway."""
    annotations = {SELECTOR_ANNOTATION: selector, NAMESPACE_SELECTOR_ANNOTATION: namespaces}
    namespace = a_resource(Kind.NAMESPACE, "theirs", annotations=annotations)
    return IDENTITY in pointer_of(namespace, Gateways([GENERATION], seen())).hits


@pytest.mark.parametrize("label", ["k8s-app", "app.kubernetes.io/name", "projectcalico.org/egw"])
def test_a_label_that_the_operator_gives_selects_the_gateway_as_well(label: str) -> None:
    """Whoever selects by it uses our gateway: taking it down would drop his traffic."""
    assert hits(f"{label} == 'tenant0-egw'")
    assert not hits(f"{label} == 'tenant1-egw'")


def test_what_cannot_be_understood_may_select_anything() -> None:
    """Doubt counts as use."""
    assert hits("tenant = tenant0")
    assert hits("k8s-app == 'tenant0-egw'", "name = x")


def test_a_namespace_selector_that_fits_another_namespace_selects_nothing_of_ours() -> None:
    """The gateway is in tenant0-egw and nowhere else."""
    assert hits("k8s-app == 'tenant0-egw'", "projectcalico.org/name == 'tenant0-egw'")
    assert not hits("k8s-app == 'tenant0-egw'", "projectcalico.org/name == 'elsewhere'")


def test_without_annotations_it_points_nowhere() -> None:
    """Other annotations do not count."""
    namespace = a_resource(Kind.NAMESPACE, "theirs", annotations={"team": "x"})

    assert NOWHERE == pointer_of(namespace, Gateways([GENERATION], seen()))
