"""The page as the service makes it: from what is stored, with an answer for an address if one is asked for."""

from __future__ import annotations

import pytest
from service.service_desk import ServiceDesk
from service.test_operators import settled

from function_app.service.questions import page
from function_app.service.requests import BadRequest


def test_the_page_shows_the_hub_and_who_holds_what() -> None:
    """A settled tenant, its range in the picture, limits, history; nothing is fetched for it."""
    service = settled("tenant0")
    before = service.fetches

    html = page({}, service).html

    for words in ("tenant0", "10.99.0.0/29", "routes per peer", "as Git says", "Leave as nodes", 'class="cell h'):
        assert words in html
    assert before == service.fetches


def test_an_address_is_answered_without_script() -> None:
    """As whois does, at a time too."""
    html = page({"address": "10.99.0.1"}, settled("tenant0")).html

    assert 'aria-label="Who was behind 10.99.0.1/32"' in html
    assert "namespaces</dt><dd>default" in html
    assert "www.tigera.io" in html


@pytest.mark.parametrize("asked", [{"address": "nonsense"}, {"address": "10.99.0.1", "at": "2999-01-01"}])
def test_what_cannot_be_answered_is_said_on_the_page(asked: dict[str, str]) -> None:
    """The rest of it is shown all the same."""
    html = page(asked, settled("tenant0")).html

    assert 'role="alert"' in html
    assert "tenant0" in html


def test_what_nobody_knows_is_refused() -> None:
    """A misspelt question is not passed over."""
    with pytest.raises(BadRequest):
        page({"adress": "10.99.0.1"}, settled())


def test_an_unreadable_ledger_is_said_and_the_rest_is_shown() -> None:
    """Silence would look like free ranges."""
    service = settled("tenant0")
    service.desk.ledger.unreadable = "line 3 is damaged"

    html = page({}, service).html

    assert "line 3 is damaged" in html
    assert "routes per peer" in html


def test_before_the_first_pass_there_is_a_page() -> None:
    """It says so."""
    assert "no pass yet" in page({}, ServiceDesk.with_platform()).html
