"""Calico's selector language."""

from __future__ import annotations

import pytest

from simulator.model.selectors import SelectorError, matches

LABELS = {"app": "web", "tier": "front-end", "projectcalico.org/name": "shop"}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("", True),
        ("all()", True),
        ("!all()", False),
        ("global()", False),
        ("app == 'web'", True),
        ('app == "web"', True),
        ("app == 'we'", False),
        ("app != 'web'", False),
        ("absent != 'web'", True),
        ("absent == ''", False),
        ("app in {'web', 'db'}", True),
        ("app in {'db'}", False),
        ("app not in {'db'}", True),
        ("absent not in {'db'}", True),
        ("has(app)", True),
        ("!has(app)", False),
        ("has(absent)", False),
        ("tier contains 'nt-e'", True),
        ("tier starts with 'front'", True),
        ("tier ends with 'front'", False),
        ("absent contains ''", False),
        ("projectcalico.org/name == 'shop'", True),
        ("app == 'db' || tier == 'front-end' && has(app)", True),
        ("(app == 'db' || tier == 'front-end') && has(absent)", False),
        ("!(app == 'db') && !has(absent)", True),
        ("app=='web'&&has(tier)", True),
    ],
)
def test_selectors(selector: str, expected: bool) -> None:
    """Each operator, negation, and precedence of && over ||."""
    assert matches(selector, LABELS) == expected


@pytest.mark.parametrize(
    "selector",
    [
        "app",
        "app ==",
        "app == web",
        "app = 'web'",
        "has(app",
        "app in 'web'",
        "(all()",
        "all() all()",
        "&& all()",
        "app == 'web",
    ],
)
def test_what_calico_would_not_parse(selector: str) -> None:
    """An error that shows the selector."""
    with pytest.raises(SelectorError, match="selector"):
        matches(selector, LABELS)
