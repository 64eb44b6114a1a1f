"""Whether a change's author is of the teams whose tenants it changes. Where the teams come from is the pipeline's to say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from function_app.model.definitions import Tenant
from function_app.model.names import TenantName


def strangers(
    before: Mapping[TenantName, Tenant], after: Mapping[TenantName, Tenant], author_teams: frozenset[str]
) -> Iterator[tuple[TenantName, str]]:
    """Changed tenants that are not the author's, in words: by the owner before, so that none is taken over, and after."""
    for name in sorted(before.keys() | after.keys()):
        sides = [one for one in (before.get(name), after.get(name)) if one is not None]
        if len(sides) == 2 and sides[0] == sides[1]:
            continue
        owners = dict.fromkeys(one.spec.owner.team if one.spec.owner is not None else "nobody" for one in sides)
        others = [team for team in owners if team not in author_teams]
        if others:
            mine = ", ".join(f"`{team}`" for team in sorted(author_teams)) or "no team"
            owned = " and ".join(f"`{team}`" for team in others)
            words = f"tenant `{name}` belongs to {owned}, and the author is in {mine} alone: let its own team make the change"
            yield name, words
