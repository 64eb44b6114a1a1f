"""Fixtures: a desk with everything that the service needs, and one instance of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from real_parts import installed

from real.azurite.program import find_program
from serve.desk import PLATFORM, ServiceDesk
from serve.host import BODY_LIMIT, Host


@pytest.fixture(scope="session")
def desk() -> Iterator[ServiceDesk]:
    """Its repository holds the platform and no tenant; the firewall takes a second."""
    program = installed(find_program)
    with ServiceDesk(program, firewall_seconds=1.0) as desk:
        desk.copy_sample(*PLATFORM)
        desk.push("the platform")
        yield desk


@pytest.fixture(scope="session")
def host(desk: ServiceDesk) -> Iterator[Host]:
    """One instance with a timer that nobody waits for."""
    with Host({**desk.settings, BODY_LIMIT: "1048576"}, desk.folder, key="the-key", pause_seconds=1) as host:
        yield host
