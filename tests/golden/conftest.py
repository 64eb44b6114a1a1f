"""`pytest tests/golden --renew-golden` writes the files anew; a reviewer reads the diff."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


class Golden:
    """Compares text with a committed file, or writes it."""

    def __init__(self, *, renew: bool) -> None:
        self._renew = renew

    def check(self, name: str, text: str) -> None:
        """The file must hold exactly this text."""
        path = FOLDER / name
        if self._renew:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert path.read_text() == text, f"{name} differs: run `make golden` and read the diff"


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Golden files of this folder."""
    return Golden(renew=bool(request.config.getoption("--renew-golden")))
