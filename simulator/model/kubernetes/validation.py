"""What kube-apiserver refuses, whatever the kind: names, labels, and what a schema forbids.

Belongs here: rules that hold in both API modes, and those of built-in kinds. Does not belong here: what calico-apiserver
checks on top (`aggregated`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from simulator.model.kubernetes.kinds import ServedKind
from simulator.model.kubernetes.refusals import Cause
from simulator.model.kubernetes.schema import problems, rule_problems, with_sizeless_integers
from simulator.model.kubernetes.schemas import SCHEMAS

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_ANNOTATION_BYTES = 256 * 1024
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_NAME_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. "
    "'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


def found_wrong(
    kind: ServedKind, obj: Mapping[str, Any], old: Mapping[str, Any] | None, *, sized_integers: bool = True
) -> list[Cause]:
    """Everything wrong with an object that is about to be stored in place of `old`; `sized_integers` since Kubernetes 1.36."""
    schema = SCHEMAS[kind.kind] if sized_integers or kind.builtin else with_sizeless_integers(SCHEMAS[kind.kind])
    causes = list(_metadata_problems(kind, obj["metadata"], old["metadata"] if old else None))
    causes += problems(schema, obj, old)
    # A custom resource's rules are CEL: they are not asked about values that are wrong already.
    causes += rule_problems(schema, obj, old, () if kind.builtin or kind.aggregated else tuple(causes))
    if kind.kind == "Deployment":
        causes += _deployment_problems(obj, old)
    elif kind.kind == "PodDisruptionBudget":
        causes += _budget_problems(obj.get("spec") or {})
    return causes


def _metadata_problems(kind: ServedKind, metadata: Mapping[str, Any], old: Mapping[str, Any] | None) -> Iterator[Cause]:
    if old is None:
        yield from _name_problems(kind, metadata["name"])
    labels = metadata.get("labels") or {}
    if old is None or labels is not old.get("labels"):
        yield from _label_problems(labels)
    finalizers = metadata.get("finalizers") or ()
    if old is None or finalizers is not old.get("finalizers"):
        for each in finalizers:
            yield from _key_problems("metadata.finalizers", each)
    annotations = metadata.get("annotations") or {}
    if old is None or annotations is not old.get("annotations"):
        yield from _annotation_problems(annotations)


@lru_cache(maxsize=4096)
def _name_problems(kind: ServedKind, name: str) -> tuple[Cause, ...]:
    shown = json.dumps(name)
    if kind.kind == "Namespace":
        if len(name) > 63:
            message = f"Invalid value: {shown}: must be no more than 63 characters"
        elif "." in name:
            message = f"Invalid value: {shown}: must not contain dots"
        elif not _LABEL.fullmatch(name):
            message = f"Invalid value: {shown}: {_LABEL_RULE}"
        else:
            return ()
    elif len(name) > 253:
        message = f"Invalid value: {shown}: must be no more than 253 characters"
    elif not _SUBDOMAIN.fullmatch(name):
        message = f"Invalid value: {shown}: {_SUBDOMAIN_RULE}"
    else:
        return ()
    return (Cause("metadata.name", "FieldValueInvalid", message),)


def _label_problems(labels: Mapping[str, Any]) -> Iterator[Cause]:
    for key, value in labels.items():
        yield from _key_problems("metadata.labels", key, what="a valid label key")
        if not isinstance(value, str):
            continue
        if len(value) > 63:
            yield Cause(
                "metadata.labels",
                "FieldValueInvalid",
                f"Invalid value: {json.dumps(value)}: must be no more than 63 bytes",
            )
        elif value and not _QUALIFIED.fullmatch(value):
            yield Cause(
                "metadata.labels",
                "FieldValueInvalid",
                f"Invalid value: {json.dumps(value)}: {_VALUE_RULE}",
            )


def _annotation_problems(annotations: Mapping[str, Any]) -> Iterator[Cause]:
    size = 0
    for key, value in annotations.items():
        size += len(key) + len(value if isinstance(value, str) else "")
        yield from _key_problems("metadata.annotations", key.lower())
    if size > _ANNOTATION_BYTES:
        yield Cause(
            "metadata.annotations", "FieldValueTooLong", f"Too long: may not be more than {_ANNOTATION_BYTES} bytes"
        )


@lru_cache(maxsize=4096)
def _key_problems(field: str, key: str, what: str = "a qualified name") -> tuple[Cause, ...]:
    """What keeps a text from being `[PREFIX/]NAME`, as labels, annotations and finalizers are called."""
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        words = [f"{what} {_NAME_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    else:
        words = []
        if slash and (not prefix or len(prefix) > 253 or not _SUBDOMAIN.fullmatch(prefix)):
            words.append(f"prefix part {_SUBDOMAIN_RULE}" if prefix else "prefix part must be non-empty")
        if not name:
            words.append("name part must be non-empty")
        elif len(name) > 63:
            words.append("name part must be no more than 63 bytes")
        if not _QUALIFIED.fullmatch(name):
            words.append(f"name part {_NAME_RULE}")
    return tuple(Cause(field, "FieldValueInvalid", f"Invalid value: {json.dumps(key)}: {word}") for word in words)


def _budget_problems(spec: Mapping[str, Any]) -> Iterator[Cause]:
    """kubernetes/kubernetes, pkg/apis/policy/validation."""
    both = {"MinAvailable": spec.get("minAvailable"), "Selector": spec.get("selector")}
    both |= {
        "MaxUnavailable": spec.get("maxUnavailable"),
        "UnhealthyPodEvictionPolicy": spec.get("unhealthyPodEvictionPolicy"),
    }
    if None not in (both["MinAvailable"], both["MaxUnavailable"]):
        shown = json.dumps(both, separators=(",", ":"))
        message = f"Invalid value: {shown}: minAvailable and maxUnavailable cannot be both set"
        yield Cause("spec", "FieldValueInvalid", message)
    for field in ("minAvailable", "maxUnavailable"):
        value = spec.get(field)
        if isinstance(value, int) and value < 0:
            yield Cause(
                f"spec.{field}", "FieldValueInvalid", f"Invalid value: {value}: must be greater than or equal to 0"
            )


def _deployment_problems(obj: Mapping[str, Any], old: Mapping[str, Any] | None) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    selector = spec.get("selector")
    if old is not None and selector != old["spec"]["selector"]:
        shown = json.dumps(selector, separators=(",", ":"))
        yield Cause("spec.selector", "FieldValueInvalid", f"Invalid value: {shown}: field is immutable")
    wanted = (selector or {}).get("matchLabels") or {}
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        shown = json.dumps(labels, separators=(",", ":"))
        yield Cause(
            "spec.template.metadata.labels",
            "FieldValueInvalid",
            f"Invalid value: {shown}: `selector` does not match template `labels`",
        )
