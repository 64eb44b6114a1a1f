"""The same calls, answered by both servers in the same words: status, content type and the whole body."""

from __future__ import annotations

import pytest
from faces import Real, Simulated, caller
from transcripts import STORIES, Story, told


@pytest.mark.parametrize("story", STORIES, ids=lambda story: str(story.__name__))
def test_the_simulator_answers_as_a_real_server(story: Story, simulated: Simulated, real: Real) -> None:
    """Call by call; uids, times and version numbers compare by where they first appeared."""
    with caller(simulated) as here, caller(real) as there:
        assert told(there, story) == told(here, story)
