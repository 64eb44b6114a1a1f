"""`make demo-import` over the wire, with the real command."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from demo.importing import main


@pytest.mark.xdist_group("demo")
def test_what_was_made_by_hand_is_taken_over_and_every_check_passes() -> None:
    """It ends with exit 0 and shows the file that it wrote."""
    text = io.StringIO()

    code = main(Console(file=text, width=140, highlight=False))

    assert 0 == code, text.getvalue()
    assert (
        'adopt: {gateway: tenant0-egw/tenant0-egw, pool: tenant0-pool, labels: {"tenant": "tenant0-egw"}}'
        in text.getvalue()
    )
