"""Single-file rules for tenants: attachments, gateway sizes, bypass."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, collapse_addresses
from math import ceil

from function_app.model.definitions import Attachment, Gateway, Tenant
from function_app.model.errors import Severity
from function_app.reading.findings import Finding, Findings, duplicates, found
from function_app.reading.places import Path, quoted
from function_app.reading.ranges import EVERYTHING, Fault, network, network_fault
from function_app.reading.rule_forms import allow_findings, expectation_findings


def tenant_findings(tenant: Tenant) -> Findings:
    """Everything that one tenant's file tells by itself."""
    spec = tenant.spec
    path: Path = ("spec", "attachments")
    yield from _twice_on_a_cluster(path, spec.attachments)
    for index, attachment in enumerate(spec.attachments):
        yield from _attachment((*path, index), attachment)
    yield from duplicates(("spec", "egress", "include"), spec.egress.include)
    yield from allow_findings(("spec", "egress", "allow"), spec.egress.allow)
    yield from _bypass(("spec", "egress", "bypass"), spec.egress.bypass)
    yield from expectation_findings(("spec", "expect"), spec.expect)


def surge(replicas: int) -> int:
    """Pods that a rolling update adds: a quarter of the replicas, rounded up (Kubernetes' default, kept by the operator)."""
    return ceil(replicas / 4)


def _twice_on_a_cluster(path: Path, attachments: Sequence[Attachment]) -> Findings:
    first: dict[str, int] = {}
    for index, attachment in enumerate(attachments):
        if attachment.cluster in first:
            fault = Fault(
                "duplicate-attachment",
                f"attachment {first[attachment.cluster]} is on cluster `{attachment.cluster}` already; a tenant has one on each.",
                "Join the two: one range, all namespaces.",
            )
            yield Finding((*path, index, "cluster"), fault)
        first.setdefault(attachment.cluster, index)


def _attachment(where: Path, attachment: Attachment) -> Findings:
    fault = network_fault(attachment.cidr)
    yield from found((*where, "cidr"), fault)
    pool = network(attachment.cidr)
    if fault is None and pool is not None:
        yield from _size(where, pool, attachment.gateway)
    yield from duplicates((*where, "namespaces"), attachment.namespaces)
    yield from _tolerations((*where, "gateway", "tolerations"), attachment.gateway)


def _size(where: Path, pool: IPv4Network, gateway: Gateway) -> Findings:
    """A pool must hold what runs during a rollout; a pool without a free address never finishes one.

    Counted are the replicas, the surge, and as many pods that still terminate as there are in one step of the rollout: the
    surge again. A block belongs to one node, so pods on different nodes need blocks of their own.
    """
    if gateway.block_size < pool.prefixlen:
        message = f"a block of /{gateway.block_size} is larger than the range {pool}."
        hint = (
            "Leave blockSize out: 32 is advised."
            if "block_size" in gateway.model_fields_set
            else f"Take a range of /{gateway.block_size} or larger."
        )
        yield Finding((*where, "gateway", "blockSize"), Fault("block-larger-than-pool", message, hint))
        return
    extra = surge(gateway.replicas)
    needed = gateway.replicas + 2 * extra
    sum_of_pods = f"{gateway.replicas} replicas + {extra} surge"
    if needed > pool.num_addresses:
        message = f"{pool} has {pool.num_addresses} addresses; {sum_of_pods} + {extra} terminating need {needed}."
        wide = 32 - (needed - 1).bit_length()
        yield Finding(
            (*where, "cidr"), Fault("pool-too-small", message, f"Take a range of /{wide} or larger, or fewer replicas.")
        )
        return
    blocks = pool.num_addresses >> (32 - gateway.block_size)
    if gateway.replicas + extra > blocks:
        message = (
            f"{pool} has {blocks} blocks of /{gateway.block_size}, each for one node; "
            f"{sum_of_pods} may need {gateway.replicas + extra}."
        )
        yield Finding(
            (*where, "gateway", "blockSize"), Fault("too-few-blocks", message, "Leave blockSize out: 32 is advised.")
        )


def _tolerations(path: Path, gateway: Gateway) -> Findings:
    for index, toleration in enumerate(gateway.tolerations):
        if toleration.operator == "Exists" and toleration.value:
            message = "`Exists` asks for a key alone; Kubernetes refuses a value beside it."
            yield Finding(
                (*path, index, "value"), Fault("toleration-form", message, "Leave `value` out, or write `Equal`.")
            )
        if not toleration.key and toleration.operator != "Exists":
            message = "a toleration without a key tolerates everything, and must say so."
            yield Finding((*path, index), Fault("toleration-form", message, "Add `key`, or `operator: Exists`."))


def _bypass(path: Path, texts: Sequence[str]) -> Findings:
    yield from duplicates(path, texts)
    whole: list[tuple[int, IPv4Network]] = []
    for index, text in enumerate(texts):
        fault = network_fault(text)
        if fault is not None and fault.code == "everything":
            message = "with 0.0.0.0/0 nothing would go through the gateway."
            fault = Fault(
                "bypass-everything", message, "Name the ranges that are reached directly, such as 10.0.0.0/8."
            )
        yield from found((*path, index), fault)
        if fault is None and (range_ := network(text)) is not None:
            whole.append((index, range_))
    if list(collapse_addresses(range_ for _, range_ in whole)) == [EVERYTHING]:
        message = "together these ranges are every address: nothing would go through the gateway."
        yield Finding(path, Fault("bypass-everything", message, "Name the ranges that are reached directly."))
    for index, range_ in whole:
        outer = next(
            (other for at, other in whole if at != index and range_ != other and range_.subnet_of(other)), None
        )
        if outer is not None:
            message = f"{quoted(str(range_))} lies inside {quoted(str(outer))}, which is in this list."
            yield Finding((*path, index), Fault("redundant-entry", message, "Delete it."), Severity.WARNING)
