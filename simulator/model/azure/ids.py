"""Resource ids of one hub, and the odd letter case in which Azure gives some of them back."""

from __future__ import annotations

import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResourceIds:
    """Ids in a subscription and resource group."""

    subscription: str
    resource_group: str
    region: str

    @property
    def scope(self) -> str:
        """The resource group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"

    def network(self, *path: str) -> str:
        """A Microsoft.Network resource: type, name, and further types and names below it."""
        return "/".join((self.scope, "providers/Microsoft.Network", *path))

    def reference(self, *path: str) -> str:
        """The same id as Azure writes it into other resources: in another letter case."""
        return self.network(*path).replace("/resourceGroups/", "/resourcegroups/")

    def group(self, policy: str, name: str) -> str:
        """A rule collection group, as a read returns it."""
        return self.network("firewallPolicies", policy, "ruleCollectionGroups", name)

    def operation(self, operation: str) -> str:
        """The address of an asynchronous operation."""
        location = f"/subscriptions/{self.subscription}/providers/Microsoft.Network/locations/{self.region}"
        return f"{location}/operations/{operation}"


def etag_of(scope: str, version: int) -> str:
    """An opaque etag that changes with each version."""
    return f'W/"{uuid.uuid5(uuid.NAMESPACE_URL, f"{scope}#{version}")}"'
