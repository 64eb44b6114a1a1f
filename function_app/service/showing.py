"""What merging a branch would bring about, answered to whoever may read; and noted where a hub applies what was approved.

Noting is this answer's only effect. It is worked out here from Git and the targets, so whoever asks cannot choose what is noted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from function_app.model.approval import Shown
from function_app.model.names import HubName
from function_app.model.review import Review
from function_app.planning.reviewing import Surroundings
from function_app.reporting.review_json import review_json
from function_app.reviewing import Compared, is_reviewed, read_surroundings, review
from function_app.service.parts import Parts
from function_app.service.requests import Answer


def answer(ref: str, base: str | None, parts: Parts) -> Answer:
    """A review of a branch of our repository; a fork's branches are none and are never read here. Raises SourceError, StateError.

    Against another base than ours it is only answered: what is merged there is not what will be applied.
    """
    found = parts.compared(base, ref)
    around = read_surroundings(found, parts, parts.history.entries)
    now = parts.clock.now()
    ours = base is None or parts.source().seen == found.base.commit
    made = review(found, now.date(), around, noted=ours)
    if ours:
        for hub, shown in plans_shown(made, found, around, now).items():
            parts.shown.add(hub, shown)
    return Answer(200, review_json(made))


def plans_shown(
    made: Review, found: Compared, around: Mapping[HubName, Surroundings], now: datetime
) -> dict[HubName, Shown]:
    """What to note: per hub that applies what was approved and whose firewall was read, the plans of its changed tenants."""
    return {
        hub.hub: Shown(
            found.head.commit,
            now,
            now.date(),
            {one.tenant: one.meaning for one in hub.tenants if one.meaning is not None},
        )
        for hub in made.hubs
        if is_reviewed(found, hub.hub) and hub.hub in around and around[hub.hub].base is not None
    }
