"""Terraform and the reconciler read one folder of definitions: what one refuses the other refuses, and defaults are the same."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from function_app.model.errors import Severity
from function_app.reading.definitions import read_directory
from terraform_provider.workspace import Workspace

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
SAMPLE = HERE.parents[1] / "gitops"
CASES = sorted(path.name for path in CORPUS.iterdir())
TODAY = date(2027, 1, 15)


@pytest.fixture(scope="session")
def trees(terraform: Workspace) -> Mapping[str, Any]:
    """Terraform's reading of every case and of the sample, in one run."""
    shutil.copytree(terraform.folder / "gitops", terraform.folder / "tests/terraform/corpus/sample")
    plan = terraform.plan("tests/terraform/reader", "-var=corpus=../corpus")
    read: Mapping[str, Any] = plan["planned_values"]["outputs"]["trees"]["value"]
    return read


def _errors(folder: Path) -> list[str]:
    """Python's errors, as `file: code`."""
    _, problems = read_directory(folder, today=TODAY)
    return [f"{each.place.file}: {each.code}" for each in problems if each.severity is Severity.ERROR]


@pytest.mark.parametrize("case", CASES)
def test_what_one_refuses_the_other_refuses(case: str, trees: Mapping[str, Any]) -> None:
    """A tree that only one of the two accepts would be built as one thing and routed as another."""
    sound = case.startswith("sound")
    assert (_errors(CORPUS / case) == []) is sound
    assert (trees[case]["problems"] == []) is sound


@pytest.mark.parametrize("case", [case for case in CASES if not case.startswith("sound")])
def test_both_name_the_same_file(case: str, trees: Mapping[str, Any]) -> None:
    """Whoever hears of a mistake hears where it stands, whichever of the two told."""
    python = {re.search(r"(hubs|clusters)/[^:]*", each)[0] for each in _errors(CORPUS / case)}  # type: ignore[index]
    terraform = {each.partition(":")[0] for each in trees[case]["problems"]}
    assert python & terraform


def test_the_sample_is_read_alike_with_all_defaults(trees: Mapping[str, Any]) -> None:
    """A default that changes on one side only is seen here: each value that Terraform acts on is Python's."""
    assert trees["sample"]["problems"] == []
    definitions, _ = read_directory(SAMPLE, today=TODAY)
    assert definitions is not None
    for kind, definitions_of in (("hubs", definitions.hubs), ("clusters", definitions.clusters)):
        assert set(trees["sample"][kind]) == set(definitions_of)
        for name, definition in definitions_of.items():
            python = definition.spec.model_dump(mode="json", by_alias=True)
            for key, value in trees["sample"][kind][name].items():
                assert _of_same_keys(python[key], value) == value, f"{kind}/{name}.yaml: spec.{key}"
            assert trees["sample"][kind][name]["azure"] == python["azure"]
            assert trees["sample"][kind][name].get("bgp", {}).get("asn") == python.get("bgp", {}).get("asn")


def _of_same_keys(python: Any, terraform: Any) -> Any:
    """Python's value cut to the keys that Terraform has: it fills in only what it acts on."""
    if isinstance(python, dict) and isinstance(terraform, dict):
        return {key: _of_same_keys(python[key], value) for key, value in terraform.items()}
    return python


def test_a_missing_folder_is_refused(terraform: Workspace) -> None:
    """A wrong path reads as an empty set of files, and an apply of that would destroy every spoke."""
    (terraform.folder / "tests/terraform/nowhere/none/hubs").mkdir(parents=True)
    (terraform.folder / "tests/terraform/nowhere/none/hubs/hub1.yaml").write_text("metadata: {name: hub1}\n", "utf-8")
    plan = terraform.plan("tests/terraform/reader", "-var=corpus=../nowhere", name="nowhere")
    problems = plan["planned_values"]["outputs"]["trees"]["value"]["none"]["problems"]
    assert any(each.startswith("clusters/: there is no clusters file") for each in problems)
