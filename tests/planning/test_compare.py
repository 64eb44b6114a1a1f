"""Desired against observed: what counts as different, row by row of the table in `planning/compare.py`."""

from __future__ import annotations

from typing import Any

import pytest

from function_app.model.names import FIELD_MANAGER
from function_app.model.resources import Kind, Resource, ResourceId
from function_app.planning.compare import differences


def a_pool(
    spec: dict[str, Any], *, owned: dict[str, Any] | None = None, labels: dict[str, str] | None = None
) -> Resource:
    """An IPPool, with what our manager owns of it in fieldsV1 form."""
    metadata: dict[str, Any] = {"name": "p", "labels": labels or {}}
    if owned is not None:
        metadata["managedFields"] = [{"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": owned}]
    return Resource(ResourceId(Kind.IP_POOL, "p"), {"metadata": metadata, "spec": spec})


@pytest.mark.parametrize(
    ("wanted", "found", "expected"),
    [
        ({"cidr": "10.0.0.0/29"}, {"cidr": "10.0.0.0/29"}, ()),
        ({"cidr": "10.0.0.0/29"}, {"cidr": "10.0.0.0/28"}, ("spec.cidr",)),
        ({"natOutgoing": False}, {}, ()),
        ({"natOutgoing": False}, {"natOutgoing": True}, ("spec.natOutgoing",)),
        ({"blockSize": 32}, {}, ("spec.blockSize",)),
        ({"cidr": "a"}, {"cidr": "a", "assignmentMode": "Automatic"}, ()),
        ({"rules": [{"action": "Reject"}]}, {"rules": [{"action": "Accept"}, {"action": "Reject"}]}, ("spec.rules",)),
        ({"rules": [{"action": "Reject"}]}, {"rules": [{"action": "Reject", "source": "x"}]}, ()),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}, ("spec.a.b.c",)),
        ({"a": {"b": 1}}, {"a": 3}, ("spec.a",)),
    ],
)
def test_fields_that_we_send_are_compared(
    wanted: dict[str, Any], found: dict[str, Any], expected: tuple[str, ...]
) -> None:
    """A value that we send must stand there; empty values need not be echoed; what others add is theirs."""
    assert expected == differences(a_pool(wanted), a_pool(found))


def test_a_field_that_we_set_earlier_and_no_longer_want_differs() -> None:
    """The server says by managedFields that it is ours, so leaving it would be keeping what the definition dropped."""
    found = a_pool({"cidr": "a", "disabled": True}, owned={"f:spec": {"f:cidr": {}, "f:disabled": {}}})

    assert ("spec.disabled",) == differences(a_pool({"cidr": "a"}), found)


def test_a_field_that_somebody_else_set_is_theirs() -> None:
    """The same field without our ownership is no difference."""
    found = a_pool({"cidr": "a", "disabled": True}, owned={"f:spec": {"f:cidr": {}}})

    assert () == differences(a_pool({"cidr": "a"}), found)


def test_items_of_a_list_that_we_own_as_keys_are_one_leaf() -> None:
    """Associative lists are owned by key; the list as a whole is what we compare."""
    owned: dict[str, Any] = {"f:spec": {"f:containers": {'k:{"name":"x"}': {"f:name": {}}}}}
    found = a_pool({"containers": [{"name": "x"}]}, owned=owned)

    assert () == differences(a_pool({"containers": [{"name": "x"}]}), found)


def test_labels_are_compared_and_foreign_labels_left_alone() -> None:
    """A label of ours that was changed differs; one that somebody added does not."""
    wanted = a_pool({}, labels={"ours": "1"})

    assert ("metadata.labels.ours",) == differences(wanted, a_pool({}, labels={"ours": "2"}))
    assert () == differences(wanted, a_pool({}, labels={"ours": "1", "theirs": "x"}))
