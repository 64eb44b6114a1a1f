"""Kubernetes label and field selectors.

Belongs here: the query parameters of a list and `matchLabels`/`matchExpressions`. Does not belong here: Calico's selector
language (`simulator.model.selectors`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from simulator.model.kubernetes.kinds import ServedKind
from simulator.model.kubernetes.refusals import bad_request
from simulator.model.trees import looked_up

type Labels = Mapping[str, str]
type Requirement = Callable[[Labels], bool]

_SET_BASED = re.compile(r"^([^\s!=,()]+)\s+(in|notin)\s+\(([^()]*)\)$")
_EQUALITY = re.compile(r"^([^\s!=,()]+)\s*(==|!=|=)\s*([^\s!=,()]*)$")
_EXISTS = re.compile(r"^(!?)\s*([^\s!=,()]+)$")
_COMMA = re.compile(r",(?![^()]*\))")


@lru_cache(maxsize=512)
def label_requirements(selector: str) -> tuple[Requirement, ...]:
    """The requirements of a label selector query, all of which must hold; 400 when it cannot be read."""
    return tuple(_requirement(part.strip(), selector) for part in _COMMA.split(selector) if part.strip())


def _requirement(part: str, selector: str) -> Requirement:
    if found := _SET_BASED.match(part):
        key, operator, values = found.groups()
        return expression(key, "In" if operator == "in" else "NotIn", [value.strip() for value in values.split(",")])
    if found := _EQUALITY.match(part):
        key, operator, value = found.groups()
        return expression(key, "NotIn" if operator == "!=" else "In", [value])
    if found := _EXISTS.match(part):
        return expression(found.group(2), "DoesNotExist" if found.group(1) else "Exists", [])
    raise bad_request(f'unable to parse requirement: found "{part}" in selector "{selector}"')


def expression(key: str, operator: str, values: Sequence[str]) -> Requirement:
    """One `matchExpressions` entry, also of node affinity: In, NotIn, Exists, DoesNotExist."""
    wanted = frozenset(values)
    if operator == "In":
        return lambda labels: labels.get(key) in wanted
    if operator == "NotIn":
        return lambda labels: labels.get(key) not in wanted
    if operator == "Exists":
        return lambda labels: key in labels
    if operator == "DoesNotExist":
        return lambda labels: key not in labels
    raise bad_request(f'"{operator}" is not a valid label selector operator')


def matches(selector: Mapping[str, Any], labels: Labels) -> bool:
    """Whether labels fit a LabelSelector; an empty one fits everything."""
    wanted: Mapping[str, str] = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(
        expression(item["key"], item["operator"], item.get("values") or ())(labels)
        for item in selector.get("matchExpressions") or ()
    )


_POD_FIELDS = ("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "status.phase", "status.podIP")


@lru_cache(maxsize=512)
def field_terms(kind: ServedKind, selector: str) -> tuple[tuple[tuple[str, ...], bool, str], ...]:
    """A field selector as (path, equal, value); 400 for a field that the kind cannot be selected by."""
    known = ["metadata.name"]
    if not kind.aggregated:
        known += ["metadata.namespace"] if kind.namespaced else []
        known += _POD_FIELDS if kind.kind == "Pod" else []
        known += ["status.phase"] if kind.kind == "Namespace" else []
        known += ["spec.unschedulable"] if kind.kind == "Node" else []
    terms = []
    for part in filter(None, selector.split(",")):
        name, equal, value = re.split(r"(==|!=|=)", part, maxsplit=1) if "=" in part else (part, "", "")
        if not equal:
            raise bad_request(f"invalid selector: '{selector}'; can't understand '{part}'")
        if name not in known:
            raise bad_request(f"field label not supported: {name}")
        terms.append((tuple(name.split(".")), equal != "!=", value))
    return tuple(terms)


def fields_match(terms: Sequence[tuple[tuple[str, ...], bool, str]], obj: Mapping[str, Any]) -> bool:
    """Whether an object fits all terms of a field selector."""
    return all((str(looked_up(obj, *path) or "") == value) is equal for path, equal, value in terms)
