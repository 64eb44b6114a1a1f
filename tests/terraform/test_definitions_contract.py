"""Terraform and the reconciler read one folder of definitions: what one refuses the other refuses, and defaults are the same."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
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


@pytest.mark.parametrize("case", ["sample", *(case for case in CASES if case.startswith("sound"))])
def test_it_is_read_alike_with_all_defaults(case: str, trees: Mapping[str, Any]) -> None:
    """A default that changes on one side only is seen here: each value that Terraform acts on is Python's."""
    assert trees[case]["problems"] == []
    assert list(_differences(CORPUS / case if case != "sample" else SAMPLE, trees[case])) == []


HUB, CLUSTER = "hubs/hub1", "clusters/spoke1-aks"
DEFAULTS = (
    ('tier      = "Standard"', 'tier = "Premium"', HUB, ("azure.tier",)),
    ("publicIPs = 2", "publicIPs = 3", HUB, ("azure.publicIPs",)),
    ('zones     = ["1", "2", "3"]', 'zones = ["1"]', HUB, ("azure.zones",)),
    ("asn = 65515", "asn = 65514", HUB, ("routeServer.asn",)),
    ("asn = 64512", "asn = 64513", CLUSTER, ("bgp.asn",)),
    ('kubernetesVersion = "1.35"', 'kubernetesVersion = "1.36"', CLUSTER, ("azure.kubernetesVersion",)),
    ('zones             = ["1", "2", "3"]', 'zones = ["2"]', CLUSTER, ("azure.zones",)),
    ('"Standard_D4ds_v5", min = 3, max = 6', '"a", min = 4, max = 5', CLUSTER,
     ("azure.systemPool.vmSize", "azure.systemPool.min", "azure.systemPool.max")),
    ('"Standard_D8ds_v5", min = 3, max = 12', '"b", min = 5, max = 7', CLUSTER,
     ("azure.workloadPool.vmSize", "azure.workloadPool.min", "azure.workloadPool.max")),
    ('"Standard_D2ds_v5", count = 2', '"c", count = 1', CLUSTER, ("azure.reflectors.vmSize", "azure.reflectors.count")),
    ('"Sunday", hour = 2, utcOffset = "+00:00"', '"Monday", hour = 3, utcOffset = "+01:00"', CLUSTER,
     ("azure.maintenance.day", "azure.maintenance.hour", "azure.maintenance.utcOffset")),
)  # fmt: skip
"""What Terraform fills in, what else it might, and whose keys these are."""


def test_each_default_that_changes_in_terraform_alone_is_noticed(terraform: Workspace) -> None:
    """All at once, each by its own key: nothing that a definition leaves out is taken from one side."""
    file = "terraform/modules/inventory/definitions/locals.defaults.tf"
    with ExitStack() as edits:
        for right, wrong, _, _ in DEFAULTS:
            edits.enter_context(terraform.edited(file, right, wrong))
        plan = terraform.plan("tests/terraform/reader", "-var=corpus=../corpus", name="mistaken")
    tree = plan["planned_values"]["outputs"]["trees"]["value"]["sound-at-its-shortest"]
    expected = {f"{whose} {key}" for _, _, whose, keys in DEFAULTS for key in keys}
    assert set(_differences(CORPUS / "sound-at-its-shortest", tree)) == expected


def _differences(folder: Path, tree: Mapping[str, Any]) -> Iterator[str]:
    """The keys, as `kind/name key`, whose values are not the same on both sides."""
    definitions, _ = read_directory(folder, today=TODAY)
    assert definitions is not None
    for kind, definitions_of in (("hubs", definitions.hubs), ("clusters", definitions.clusters)):
        assert set(tree[kind]) == set(definitions_of)
        for name, definition in definitions_of.items():
            python, terraform = definition.spec.model_dump(mode="json", by_alias=True), tree[kind][name]
            assert set(python["azure"]) == set(terraform["azure"])
            yield from (f"{kind}/{name} {key}" for key in _unlike(python, terraform))


def _unlike(python: Any, terraform: Any, key: str = "") -> Iterator[str]:
    """Where Terraform's value is not Python's; it fills in only what it acts on."""
    if isinstance(python, dict) and isinstance(terraform, dict):
        for name, value in terraform.items():
            yield from _unlike(python[name], value, f"{key}.{name}".removeprefix("."))
    elif python != terraform:
        yield key


def test_a_missing_folder_is_refused(terraform: Workspace) -> None:
    """A wrong path reads as an empty set of files, and an apply of that would destroy every spoke."""
    (terraform.folder / "tests/terraform/nowhere/none/hubs").mkdir(parents=True)
    (terraform.folder / "tests/terraform/nowhere/none/hubs/hub1.yaml").write_text("metadata: {name: hub1}\n", "utf-8")
    plan = terraform.plan("tests/terraform/reader", "-var=corpus=../nowhere", name="nowhere")
    problems = plan["planned_values"]["outputs"]["trees"]["value"]["none"]["problems"]
    assert any(each.startswith("clusters/: there is no clusters file") for each in problems)
