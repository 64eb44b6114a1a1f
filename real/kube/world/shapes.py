"""How one object looks on a real API server and how the simulator's controllers know it.

Belongs here: the two differences. Times that a server set are real and the controllers live in virtual time; an IPAM block
is kept by Calico as lists of indexes (libcalico-go `lib/backend/model/block.go`) and by the simulator as a map of addresses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Network
from typing import Any

from simulator.model.kubernetes.store import timestamp
from simulator.model.trees import Object

_SENT_METADATA = ("name", "namespace", "labels", "annotations", "finalizers", "ownerReferences", "uid")
"""What a writer may say of an object's metadata; the server knows the rest better."""


def received(kind: str, body: Mapping[str, Any], old: Object | None, now: datetime) -> dict[str, Any]:
    """A listed object as the controllers know it. `old` is how they knew it before, None when it is new to them.

    It was made, and its deletion was asked for, when it was first seen to be so.
    """
    metadata = {name: value for name, value in body["metadata"].items() if name != "managedFields"}
    before: Mapping[str, Any] = old["metadata"] if old is not None else {}
    metadata["creationTimestamp"] = before.get("creationTimestamp") or timestamp(now)
    if "deletionTimestamp" in metadata:
        grace = timedelta(seconds=metadata.get("deletionGracePeriodSeconds") or 0)
        metadata["deletionTimestamp"] = before.get("deletionTimestamp") or timestamp(now + grace)
    spec = _addresses(body["spec"]) if kind == "IPAMBlock" else body.get("spec")
    return {**body, "metadata": metadata, **({"spec": spec} if spec is not None else {})}


def sent(kind: str, api_version: str, body: Mapping[str, Any], resource_version: str) -> dict[str, Any]:
    """A body as the server takes it, on the version that it bears there; empty for a new object."""
    metadata = {name: body["metadata"][name] for name in _SENT_METADATA if name in body["metadata"]}
    if resource_version:
        metadata["resourceVersion"] = resource_version
    whole = {**body, "apiVersion": api_version, "kind": kind, "metadata": metadata}
    if kind == "IPAMBlock":
        whole["spec"] = _indexes(body["spec"])
    return whole


def _indexes(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Allocations as positions in the block, each with the index of what is known of its holder."""
    holders: Mapping[str, str] = spec["allocations"]
    allocations: list[int | None] = []
    attributes: list[Mapping[str, Any]] = []
    for address in IPv4Network(spec["cidr"]):
        holder = holders.get(str(address))
        allocations.append(None if holder is None else len(attributes))
        if holder is not None:
            namespace, _, pod = holder.partition("/")
            attributes.append(
                {"handle_id": f"k8s-pod-network.{namespace}.{pod}", "secondary": {"namespace": namespace, "pod": pod}}
            )
    return {
        **spec,
        "allocations": allocations,
        "attributes": attributes,
        "unallocated": [place for place, index in enumerate(allocations) if index is None],
        "strictAffinity": False,
    }


def _addresses(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The same by address, as `namespace/pod`."""
    attributes: Sequence[Mapping[str, Any]] = spec["attributes"]
    found: dict[str, str] = {}
    for address, index in zip(IPv4Network(spec["cidr"]), spec["allocations"], strict=True):
        if index is not None:
            holder = attributes[index]["secondary"]
            found[str(address)] = f"{holder['namespace']}/{holder['pod']}"
    kept = {name: spec[name] for name in ("cidr", "affinity") if name in spec}
    return {**kept, "allocations": found}
