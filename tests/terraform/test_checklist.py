"""docs/checklist.md: fifty points, each kept with a planned attribute that shows it, or waived with a reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from terraform_provider.planned import Planned, PlannedResource
from terraform_provider.workspace import TREE, Workspace

PAGE = TREE / "docs" / "checklist.md"
_ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| (kept|waived) \| (.+) \|$", re.MULTILINE)
_CLAIM = re.compile(r"`([a-z]+_\w+)(?::([^\s.`]+(?:/[^\s.`]+)*))?\.([\w.]+) = ([^`]+)`")
ROWS = {int(number): (state, shown) for number, _, state, shown in _ROW.findall(PAGE.read_text(encoding="utf-8"))}


@pytest.fixture(scope="session")
def everything(terraform: Workspace, sample: Planned) -> Sequence[PlannedResource]:
    """The planned resources of all three roots."""
    bootstrap = Planned.of(terraform.plan("terraform/bootstrap", "-var-file=sample.tfvars"))
    calico = Planned.of(terraform.plan("terraform/calico", "-var-file=sample.tfvars"))
    return [each for plan in (sample, bootstrap, calico) for each in plan.resources.values()]


def _named(resource: PlannedResource, name: str) -> bool:
    """Whether a resource's name, or a key of it or of its module, is `name`."""
    keys = re.findall(r'\["([^"]+)"\]', resource.address)
    own = re.sub(r"\[.*", "", resource.address.rpartition(f"{resource.type}.")[2])
    return name in (own, *keys, *(key.rpartition("/")[2] for key in keys), *(f"{own}/{key}" for key in keys))


def _claims(shown: str) -> Iterator[tuple[str, str, str, Any]]:
    for kind, name, path, value in _CLAIM.findall(shown):
        yield kind, name, path, json.loads(value)


def test_all_fifty_points_are_answered() -> None:
    """None is passed over."""
    assert sorted(ROWS) == list(range(1, 51))


@pytest.mark.parametrize("number", sorted(ROWS))
def test_a_point_is_shown_by_the_plan(number: int, everything: Sequence[PlannedResource]) -> None:
    """A kept point names at least one attribute, and every resource that it speaks of has that value; a waived one says why."""
    state, shown = ROWS[number]
    claims = list(_claims(shown))
    assert claims or state == "waived"
    assert state == "kept" or len(_CLAIM.sub("", shown).strip()) > 80
    for kind, name, path, value in claims:
        meant = [each for each in everything if each.type == kind and (not name or _named(each, name))]
        assert meant, f"{kind}:{name} is not planned"
        if path == "count":
            assert len(meant) == value, [each.address for each in meant]
        elif path.endswith(".count"):
            assert all(len(each.at(path.removesuffix(".count"))) == value for each in meant)
        else:
            wrong: Mapping[str, Any] = {
                each.address: each.at(path) for each in meant if _sorted(each.at(path)) != _sorted(value)
            }
            assert wrong == {}


def _sorted(value: Any) -> Any:
    """Sets have no order; lists of texts are compared as sets are shown."""
    return sorted(value) if isinstance(value, list) and all(isinstance(each, str) for each in value) else value
