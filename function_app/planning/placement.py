"""Which shard and slot a tenant's rules stand in: as observed, else as recorded, else the first with room by name.

Placement is sticky: a rehash would rewrite every shard, at minutes of firewall work each. A tenant that outgrows its shard
moves: what was revoked leaves the old shard at once, the new shard must succeed, then the old copy goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from function_app.model.definitions import Shards
from function_app.model.names import TenantName
from function_app.model.plan import Refusal, RefusalCode
from function_app.planning.firewall_resources import Content, TenantRules, shard_name
from function_app.planning.permissions import restrict

Seat = tuple[str, int]
"""Shard name and slot."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Wanted content of every shard by name, each tenant's seat, and who could not be placed or grown."""

    contents: Mapping[str, Content] = field(hash=False)
    seats: Mapping[TenantName, Seat] = field(hash=False)
    refused: tuple[Refusal, ...] = ()


class _Seating:
    """Contents under construction; lives for one call of `place`."""

    def __init__(self, shards: Shards, names: tuple[str, ...], most_shards: int, occupied: frozenset[str]) -> None:
        self.shards = shards
        self._occupied = occupied
        self.contents: dict[str, dict[int, TenantRules]] = {name: {} for name in names}
        self.seats: dict[TenantName, Seat] = {}
        self.refused: list[Refusal] = []
        self._most_shards = most_shards

    def sit(self, rules: TenantRules, seat: Seat) -> None:
        """Put rules where they belong; a taken slot gives the next free one."""
        name, slot = seat
        content = self.contents.setdefault(name, {})
        while slot in content:
            slot += 1
        content[slot] = rules
        self.seats[rules.tenant] = (name, slot)

    def size(self, name: str) -> int:
        """Estimated bytes of a shard."""
        return sum(rules.size() for rules in self.contents.get(name, {}).values())

    def collections(self) -> int:
        """Rule collections in all shards."""
        return sum(rules.collections for content in self.contents.values() for rules in content.values())

    def room(self, rules: TenantRules, *, besides: str = "") -> Seat | None:
        """The first shard by name with room, a new one when none has and one more may exist."""
        index = 0
        while index <= len(self.contents) + len(self._occupied):
            name = shard_name(self.shards, index)
            index += 1
            if (
                name in self._occupied
                or name == besides
                or (name not in self.contents and len(self.contents) >= self._most_shards)
            ):
                continue
            taken = self.contents.get(name, {})
            if len(taken) < self.shards.tenants_per_shard and self.size(name) + rules.size() <= self.shards.max_bytes:
                return name, next(slot for slot in range(len(taken) + 1) if slot not in taken)
        return None


def place(
    shards: Shards,
    wanted: Mapping[TenantName, TenantRules],
    observed: Mapping[str, Content],
    recorded: Mapping[TenantName, Seat],
    in_force: Mapping[TenantName, tuple[TenantRules, ...]],
    *,
    most_shards: int,
    most_collections: int,
    occupied: frozenset[str] = frozenset(),
) -> Placement:
    """Seat every tenant that has rules; `observed` is what shards show, the two limits are what is left for us.

    `occupied` names shards that cannot be made because somebody else's group has their priority.
    """
    seating = _Seating(shards, tuple(sorted(observed)), most_shards, occupied)
    seen = _seen(observed)
    newcomers: list[TenantRules] = []
    for tenant, rules in sorted(wanted.items()):
        if not rules:
            continue
        seats = seen.get(tenant, ())
        known = recorded.get(tenant)
        home = _home(seats, None if known is not None and known[0] in occupied else known)
        if home is None:
            newcomers.append(rules)
            continue
        seating.sit(rules, home)
        for seat in seats:
            if seat[0] != home[0] and not _arrived(rules, in_force.get(tenant, ())):
                _stay_behind(seating, observed[seat[0]][seat[1]], rules, seat)
    _spread(seating, observed)
    used = seating.collections() if newcomers else 0
    for rules in newcomers:
        fits = used + rules.collections <= most_collections
        found = seating.room(rules) if fits else None
        if not fits:
            seating.refused.append(_too_many_collections(rules, most_collections))
        elif found is None:
            seating.refused.append(_no_room(shards, rules, most_shards))
        else:
            seating.sit(rules, found)
            used += rules.collections
    return Placement(seating.contents, seating.seats, tuple(seating.refused))


def _seen(observed: Mapping[str, Content]) -> dict[TenantName, tuple[Seat, ...]]:
    found: dict[TenantName, tuple[Seat, ...]] = {}
    for name, content in sorted(observed.items()):
        for slot, rules in content.items():
            found[rules.tenant] = (*found.get(rules.tenant, ()), (name, slot))
    return found


def _home(seats: tuple[Seat, ...], recorded: Seat | None) -> Seat | None:
    """A recorded seat wins over an observed one: it is where the tenant is moving to."""
    if recorded is None:
        return seats[0] if seats else None
    return next((seat for seat in seats if seat[0] == recorded[0]), recorded)


def _arrived(wanted: TenantRules, in_force: tuple[TenantRules, ...]) -> bool:
    return any(rules.digest() == wanted.digest() for rules in in_force)


def _stay_behind(seating: _Seating, old: TenantRules, wanted: TenantRules, seat: Seat) -> None:
    """Until the new shard succeeded the old one keeps what was not revoked."""
    kept = restrict(old, wanted)
    if kept:
        seating.contents.setdefault(seat[0], {})[seat[1]] = kept


def _spread(seating: _Seating, observed: Mapping[str, Content]) -> None:
    """Move the tenants that grew out of shards that are now too large, the one that grew most first."""
    for name in sorted(seating.contents):
        while seating.size(name) > seating.shards.max_bytes:
            content = seating.contents[name]
            before = {rules.tenant: rules for rules in observed.get(name, {}).values()}
            grown = sorted(
                (slot for slot, rules in content.items() if rules.size() > _size_of(before.get(rules.tenant))),
                key=lambda slot: content[slot].size() - _size_of(before.get(content[slot].tenant)),
            )
            if not grown:
                break
            slot = grown[-1]
            rules = content.pop(slot)
            old = before.get(rules.tenant)
            kept = restrict(old, rules) if old is not None else None
            seat = seating.room(rules, besides=name)
            if seat is None:
                seating.refused.append(_no_room(seating.shards, rules, len(seating.contents)))
                seating.seats.pop(rules.tenant, None)
            else:
                seating.sit(rules, seat)
            if kept:
                content[slot] = kept
                if seat is None:
                    seating.seats[rules.tenant] = (name, slot)


def _size_of(rules: TenantRules | None) -> int:
    return rules.size() if rules is not None else 0


def _no_room(shards: Shards, rules: TenantRules, most_shards: int) -> Refusal:
    if rules.size() > shards.max_bytes:
        return Refusal(
            RefusalCode.SHARD_BYTES,
            str(rules.tenant),
            f"The rules of {rules.tenant} take about {rules.size():,} bytes, one shard holds {shards.max_bytes:,}. "
            "Use fewer or wider rules, or split the tenant; spec.firewall.shards.maxBytes raises the limit up to 2,000,000.",
        )
    return Refusal(
        RefusalCode.SHARDS,
        str(rules.tenant),
        f"No shard has room for {rules.tenant} and all {most_shards} are in use ({shards.tenants_per_shard} tenants and "
        f"{shards.max_bytes:,} bytes each). "
        f"Raise spec.firewall.shards.tenantsPerShard, widen its priority band, or use another hub.",
    )


def _too_many_collections(rules: TenantRules, most: int) -> Refusal:
    return Refusal(
        RefusalCode.COLLECTIONS,
        str(rules.tenant),
        f"{rules.tenant} needs {rules.collections} more rule collections and only {most} fit into the firewall policy besides "
        "foreign ones. Use another hub, or have Azure raise the limit and set spec.limits.ruleCollections.",
    )
