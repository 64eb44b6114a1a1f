"""One Azure Firewall policy and its rule collection groups, as ports.FirewallApi.

A write of a group takes Azure some minutes and replaces the whole group; there is no PATCH. It is started here, never waited for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from function_app.adapters.answers import Call
from function_app.adapters.azure_arm import ResourceManager, operation_of
from function_app.model.errors import TargetRejected
from function_app.model.names import TargetName
from function_app.model.resources import Body

ACTIVITY_API_VERSION = "2015-04-01"
_POLICY_ID = re.compile(
    r"/subscriptions/[^/?#]+/resourceGroups/[^/?#]+/providers/Microsoft\.Network/firewallPolicies/[^/?#]+",
    re.IGNORECASE,
)


class AzureFirewall:
    """A firewall policy by its resource id; `firewall_id` is that of the firewall which it ought to be attached to."""

    def __init__(self, target: TargetName, arm: ResourceManager, policy_id: str, firewall_id: str) -> None:
        self.target = target
        self._arm = arm
        self._policy_id = policy_id
        self._firewall_id = firewall_id

    def policy(self) -> Body:
        """The policy; NotFound when it does not exist."""
        return self._arm.get(Call(self.target, "read", "the firewall policy"), self._policy_id)

    def firewall(self) -> Body:
        """The firewall; NotFound when it does not exist."""
        return self._arm.get(Call(self.target, "read", "the firewall"), self._firewall_id)

    def groups(self) -> Sequence[Body]:
        """The policy's own rule collection groups, whole."""
        return self._groups_of(self._policy_id, "the rule collection groups")

    def base_groups(self, base_policy_id: str) -> Sequence[Body]:
        """The base policy's rule collection groups; its id comes from the policy's body and is checked before it becomes a URL."""
        if not _POLICY_ID.fullmatch(base_policy_id):
            raise TargetRejected(
                f"{self.target}: the policy's basePolicy is not the id of a firewall policy.", code="BasePolicy"
            )
        return self._groups_of(base_policy_id, "the rule collection groups of the base policy")

    def put_group(self, name: str, body: Body) -> str:
        """Start replacing a group; the operation's URL (which bears a signature: keep it out of messages)."""
        call = Call(self.target, "write", f"RuleCollectionGroup/{name}")
        return operation_of(self._arm.start(call, "PUT", self._group_id(name), body))

    def delete_group(self, name: str) -> str:
        """Start deleting a group; the operation's URL, empty when it was already gone."""
        call = Call(self.target, "delete", f"RuleCollectionGroup/{name}")
        return self._arm.delete(call, self._group_id(name))

    def activity(self, name: str, since: datetime, until: datetime) -> Sequence[Body]:
        """Events about a group (learn.microsoft.com, Activity Logs - List), which takes a few forms of filters and no others."""
        group, subscription = self._group_id(name), "/".join(self._policy_id.split("/")[:3])
        wanted = f"eventTimestamp ge '{_moment(since)}' and eventTimestamp le '{_moment(until)}' and resourceUri eq '{group}'"
        call = Call(self.target, "list", f"the activity log of RuleCollectionGroup/{name}", listing=True)
        events = f"{subscription}/providers/Microsoft.Insights/eventtypes/management/values"
        return self._arm.pages(call, events, ACTIVITY_API_VERSION, wanted=wanted)

    def _groups_of(self, policy_id: str, subject: str) -> Sequence[Body]:
        return self._arm.pages(Call(self.target, "list", subject, listing=True), f"{policy_id}/ruleCollectionGroups")

    def _group_id(self, name: str) -> str:
        return f"{self._policy_id}/ruleCollectionGroups/{quote(name, safe='')}"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
