"""Calico's selector language, where it decides whether somebody may be using a gateway."""

from __future__ import annotations

import pytest

from function_app.planning.selectors import hits

LABELS = {"k8s-app": "tenant0-egw", "zone": "a", "egress-gitops.io/generation": "0a1b2c3d"}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("all()", True),
        ("!all()", False),
        ("k8s-app == 'tenant0-egw'", True),
        ('k8s-app == "tenant1-egw"', False),
        ("k8s-app != 'tenant1-egw' && has(zone)", True),
        ("k8s-app == 'tenant0-egw' && zone == 'b'", False),
        ("k8s-app == 'tenant1-egw' && zone == 'a'", False),
        ("zone == ''", False),
        ("zone != ''", True),
        ("zone in {'a', 'b'}", True),
        ("zone not in {'a', 'b'}", False),
        ("missing not in {'a'}", True),
        ("missing != 'a'", True),
        ("zone == 'b' || egress-gitops.io/generation == '0a1b2c3d'", True),
        ("!(zone == 'a')", False),
        ("k8s-app starts with 'tenant0'", True),
        ("k8s-app ends with '-pool'", False),
        ("k8s-app contains 'nant0'", True),
        ("", False),
    ],
)
def test_a_selector_is_understood(selector: str, expected: bool) -> None:
    """Each operator means what Calico's reference says."""
    assert hits(selector, LABELS) is expected


@pytest.mark.parametrize(
    "selector", ["k8s-app ==", "== 'a'", "a == b", "has(", "a in 'x'", "(a == 'b'", "a == 'b' c", "#"]
)
def test_what_cannot_be_understood_is_doubt(selector: str) -> None:
    """Text that is no selector is answered with None, never with False."""
    assert hits(selector, LABELS) is None
