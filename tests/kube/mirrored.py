"""A cluster that is two: every call goes to the simulated one and, when that took it, to a real API server as well.

Belongs here: the translation of uids and versions, which differ. The simulated cluster's controllers make stages climb, and its
answers are what the caller sees; the real server says whether it would have allowed and accepted the same calls.
"""

from __future__ import annotations

from collections.abc import Sequence

from function_app.model.names import TargetName
from function_app.model.resources import ApiMode, Body, Kind, ResourceId
from function_app.ports import ClusterApi


class MirroredCluster:
    """Fills ClusterApi over two others. A refusal by the real server reaches the caller, and so fails its story."""

    def __init__(self, simulated: ClusterApi, real: ClusterApi) -> None:
        self.target: TargetName = simulated.target
        self._simulated = simulated
        self._real = real
        self._seen: dict[ResourceId, Body] = {}

    def mode(self) -> ApiMode:
        """Both must say the same."""
        modes = {self._simulated.mode(), self._real.mode()}
        assert 1 == len(modes), modes
        return modes.pop()

    def list(self, kind: Kind, *, namespace: str = "", label_selector: str = "") -> Sequence[Body]:
        """The simulated objects; uids and versions of the real ones are remembered."""
        for body in self._real.list(kind, namespace=namespace, label_selector=label_selector):
            self._remember(kind, body)
        return self._simulated.list(kind, namespace=namespace, label_selector=label_selector)

    def apply(self, resource: ResourceId, body: Body, *, force: bool, resource_version: str) -> Body:
        """On both, each under the version that it showed."""
        answer = self._simulated.apply(resource, body, force=force, resource_version=resource_version)
        version = self._version(resource) if resource_version else ""
        self._remember(resource.kind, self._real.apply(resource, body, force=force, resource_version=version))
        return answer

    def merge_patch(self, resource: ResourceId, body: Body, *, resource_version: str) -> Body:
        """On both, each under the version that it showed."""
        answer = self._simulated.merge_patch(resource, body, resource_version=resource_version)
        version = self._version(resource) if resource_version else ""
        self._remember(resource.kind, self._real.merge_patch(resource, body, resource_version=version))
        return answer

    def delete(self, resource: ResourceId, *, uid: str, resource_version: str) -> None:
        """On both, each by its uid. What the real server has let go already counts as deleted."""
        self._simulated.delete(resource, uid=uid, resource_version=resource_version)
        version = self._version(resource) if resource_version else ""
        seen = self._seen[resource]["metadata"]["uid"]
        self._real.delete(resource, uid=seen, resource_version=version)

    def _remember(self, kind: Kind, body: Body) -> None:
        metadata = body["metadata"]
        self._seen[ResourceId(kind, metadata["name"], metadata.get("namespace", ""))] = body

    def _version(self, resource: ResourceId) -> str:
        seen = self._seen.get(resource)
        return str(seen["metadata"]["resourceVersion"]) if seen else ""
