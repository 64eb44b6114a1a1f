"""Fixtures for stories: the desk with its platform, and with the sample's two tenants settled."""

from __future__ import annotations

import pytest
from stories.desk import Desk, sample
from stories.fabric_worlds import routed_desk


@pytest.fixture
def desk() -> Desk:
    """Hub and clusters in Git, no tenant."""
    return Desk.with_platform()


@pytest.fixture
def settled() -> Desk:
    """The sample's two tenants, routed and settled."""
    desk = Desk.with_platform()
    desk.commit(sample("tenants/tenant0.yaml", "tenants/tenant1.yaml"))
    desk.settle()
    return desk


@pytest.fixture
def routed() -> Desk:
    """Both tenants routed on a fabric that began with nothing."""
    return routed_desk()
