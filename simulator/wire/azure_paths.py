"""Resource Manager paths taken apart, with the case-insensitivity that Resource Manager grants."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ArmPath:
    """`/subscriptions/S[/resourceGroups/G]/providers/P/TYPE/NAME/TYPE/NAME...`.

    `types` and `names` go in pairs, `types` in lower case; a path that ends with a type (a list or an action) has one name less.
    """

    subscription: str
    resource_group: str
    provider: str
    types: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def type(self) -> str:
        """The whole type, lower case: `microsoft.network/firewallpolicies/rulecollectiongroups`."""
        return "/".join((self.provider, *self.types))


def parse_arm_path(segments: tuple[str, ...]) -> ArmPath | None:
    """The path's parts, None when it is no resource path."""
    if len(segments) < 2 or segments[0].lower() != "subscriptions":
        return None
    subscription, rest = segments[1], segments[2:]
    group = ""
    if len(rest) >= 2 and rest[0].lower() == "resourcegroups":
        group, rest = rest[1], rest[2:]
    if len(rest) < 3 or rest[0].lower() != "providers":
        return None
    provider, parts = rest[1].lower(), rest[2:]
    return ArmPath(subscription, group, provider, tuple(part.lower() for part in parts[::2]), tuple(parts[1::2]))
