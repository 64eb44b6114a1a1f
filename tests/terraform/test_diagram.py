"""The diagram in the docs is the one that the sample's plan gives."""

from __future__ import annotations

from terraform_provider.diagram import PAGE, draw, renewed
from terraform_provider.planned import Planned


def test_the_docs_show_what_is_planned(sample: Planned) -> None:
    """A picture of something that is no longer built misleads; `python -m terraform_provider.diagram` renews it."""
    page = PAGE.read_text(encoding="utf-8")
    assert renewed(page, draw(sample)) == page


def test_every_hub_and_spoke_is_drawn(sample: Planned) -> None:
    """Nothing that is planned as a hub or a spoke is left out."""
    diagram = draw(sample)
    for name in ("hub1", "spoke1-aks", "spoke2-aks"):
        assert f'["{name} ' in diagram
    assert diagram.count("made by the reconciler") == 2
