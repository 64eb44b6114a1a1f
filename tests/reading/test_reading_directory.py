"""A folder on disk: what is read, what is ignored, what is refused; and the samples that are part of the project."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from reading_trees import BLUE, TODAY, TREE

from function_app.model.definitions import AksApiServer
from function_app.model.errors import Problem
from function_app.reading.definitions import read_directory
from function_app.reading.layout import MAX_FILES, kind_of
from function_app.reading.schemas import schema, schemas

PROJECT = Path(__file__).parents[2]


def folder_with(tmp_path: Path, files: Mapping[str, str]) -> Path:
    """A definitions folder."""
    folder = tmp_path / "gitops"
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def problems_below(folder: Path) -> list[tuple[str, str]]:
    """File (relative to the folder) and code of each problem."""
    problems = read_directory(folder, today=TODAY)[1]
    return [(problem.place.file.removeprefix(f"{folder}/"), problem.code) for problem in problems]


def test_a_valid_folder_gives_definitions_by_name(tmp_path: Path) -> None:
    """Each definition is found under its name, and README.md and hidden files are none."""
    extra = {"README.md": "# Read me", "tenants/README.md": "text", ".git/config": "x", "tenants/.blue.yaml.swp": "x"}

    definitions, problems = read_directory(folder_with(tmp_path, {**TREE, **extra}), today=TODAY)

    assert () == problems
    assert definitions is not None
    assert (["west"], ["north", "south"], ["blue", "red"], ["base"]) == (
        list(definitions.hubs),
        list(definitions.clusters),
        list(definitions.tenants),
        list(definitions.rulesets),
    )
    assert definitions.guardrails is not None


def test_warnings_do_not_withhold_definitions(tmp_path: Path) -> None:
    """An `expires` in the past is told, and the tree is in force all the same."""
    late = BLUE.replace("fqdns: [www", 'expires: "2020-01-01"\n        fqdns: [www')

    definitions, problems = read_directory(folder_with(tmp_path, {**TREE, "tenants/blue.yaml": late}), today=TODAY)

    assert definitions is not None
    assert ["expired"] == [problem.code for problem in problems]


@pytest.mark.parametrize(
    ("path", "code", "hint"),
    [
        ("tenants/green.yml", "file-extension", "`tenants/green.yaml`"),
        ("tenants/green.txt", "unknown-file", "tenants/NAME.yaml"),
        ("tenants/team/green.yaml", "unknown-file", "tenants/NAME.yaml"),
        ("tenant/green.yaml", "unknown-file", "tenants/NAME.yaml"),
        ("green.yaml", "unknown-file", "guardrails.yaml"),
    ],
)
def test_a_file_that_would_be_overlooked_is_an_error(tmp_path: Path, path: str, code: str, hint: str) -> None:
    """A definition in the wrong place never means that its tenant is not wanted."""
    folder = folder_with(tmp_path, {**TREE, path: BLUE})

    problem = read_directory(folder, today=TODAY)[1][0]

    assert [(path, code)] == problems_below(folder)
    assert hint in problem.hint


def test_links_are_refused_and_not_followed(tmp_path: Path) -> None:
    """Neither a linked file nor a linked folder is read, not even hidden ones."""
    folder = folder_with(tmp_path, TREE)
    secret = tmp_path / "secret.yaml"
    secret.write_text("password: hunter2\n")
    (folder / "tenants/green.yaml").symlink_to(secret)
    (folder / "more").symlink_to(tmp_path)

    problems = read_directory(folder, today=TODAY)[1]

    assert [("more", "not-a-plain-file"), ("tenants/green.yaml", "not-a-plain-file")] == problems_below(folder)
    assert not any("hunter2" in str(problem) for problem in problems)


def test_a_kind_in_the_wrong_folder_is_told(tmp_path: Path) -> None:
    """A tenant among the rule sets is told where it belongs."""
    folder = folder_with(tmp_path, {**TREE, "rulesets/green.yaml": BLUE.replace("{name: blue}", "{name: green}")})

    problem = read_directory(folder, today=TODAY)[1][0]

    assert ("wrong-folder", "kind") == (problem.code, problem.path)
    assert "tenants/" in problem.hint


def test_large_files_pointers_and_empty_files_are_named(tmp_path: Path) -> None:
    """Each file that cannot be read is told by itself, and the others are read all the same."""
    bad = {
        "tenants/a.yaml": "#" * 300_000,
        "tenants/b.yaml": "version https://git-lfs.github.com/spec/v1\n",
        "tenants/c.yaml": "",
    }

    assert [
        ("tenants/a.yaml", "file-too-large"),
        ("tenants/b.yaml", "lfs-pointer"),
        ("tenants/c.yaml", "empty-file"),
    ] == (problems_below(folder_with(tmp_path, {**TREE, **bad})))


def test_too_many_files_are_refused_unread(tmp_path: Path) -> None:
    """A folder of 100,000 files is given up on, and named."""
    folder = folder_with(tmp_path, TREE)
    for number in range(MAX_FILES):
        (folder / "tenants" / f"t{number}.yaml").touch()

    definitions, problems = read_directory(folder, today=TODAY)

    assert definitions is None
    assert [("too-many-files", str(folder))] == [(problem.code, problem.place.file) for problem in problems]


@pytest.mark.parametrize(("make", "code"), [(False, "no-folder"), (True, "no-definitions")])
def test_a_wrong_folder_is_not_an_empty_tree(tmp_path: Path, make: bool, code: str) -> None:
    """A path that does not exist or holds nothing is an error, never a tree without tenants."""
    folder = tmp_path / "elsewhere"
    if make:
        folder.mkdir()

    definitions, problems = read_directory(folder, today=TODAY)

    assert (None, [code]) == (definitions, [problem.code for problem in problems])


def sample() -> tuple[Problem, ...]:
    """Problems of the project's own sample."""
    return read_directory(PROJECT / "gitops", today=TODAY)[1]


def test_the_sample_is_valid() -> None:
    """The project's own definitions have no problem, not even a warning."""
    assert () == sample()


def test_the_sample_describes_the_simulated_walkthrough() -> None:
    """Names, ranges and addresses of the sample are those of the world that it is tried against."""
    world = yaml.safe_load((PROJECT / "simulator/worlds/walkthrough.yaml").read_text())
    definitions, _ = read_directory(PROJECT / "gitops", today=TODAY)
    assert definitions is not None

    for name, hub in definitions.hubs.items():
        there, spec = world["hubs"][name], hub.spec
        assert (there["subscription"], there["resourceGroup"], tuple(there["vnet"])) == (
            spec.subscription,
            spec.resource_group,
            spec.vnet,
        )
        assert (there["firewall"]["name"], there["firewall"]["policy"]) == (spec.firewall.name, spec.firewall.policy)
        route_server = (spec.route_server.name, spec.route_server.asn, list(spec.route_server.peer_ips))
        assert tuple(there["routeServer"].values()) == route_server
    assert set(world["clusters"]) == set(definitions.clusters)
    for cluster_name, cluster in definitions.clusters.items():
        there, network = world["clusters"][cluster_name], cluster.spec.network
        ranges = (list(network.vnet), network.nodes, network.pods, network.services, cluster.spec.bgp.asn)
        assert (there["vnet"], there["nodeSubnet"], there["pods"], there["services"], there["asn"]) == ranges
        api = cluster.spec.api_server
        assert isinstance(api, AksApiServer)
        assert f"/resourceGroups/{there['resourceGroup']}/" in api.aks_resource_id
        assert api.aks_resource_id.endswith(f"/{cluster_name}")
    claimed = {
        (each.cluster, name)
        for tenant in definitions.tenants.values()
        for each in tenant.spec.attachments
        for name in each.namespaces
    }
    assert claimed <= {
        (name, namespace) for name, there in world["clusters"].items() for namespace in there["workloads"]
    }


@pytest.mark.parametrize("path", sorted((PROJECT / "gitops").rglob("*.yaml")), ids=lambda path: path.name)
def test_each_sample_file_names_its_schema(path: Path) -> None:
    """Editors find the JSON Schema by the first line, relative to the file."""
    first = path.read_text().splitlines()[0]
    kind = kind_of(path.relative_to(PROJECT / "gitops").as_posix())
    assert kind is not None

    named = path.parent / first.removeprefix("# yaml-language-server: $schema=")

    assert (PROJECT / "schemas" / f"{kind.lower()}.schema.json").resolve() == named.resolve()


def test_the_committed_schemas_are_those_of_the_code() -> None:
    """`egressctl schema --write schemas` renews them."""
    committed = {path.name: path.read_text() for path in (PROJECT / "schemas").glob("*.json")}

    assert schemas() == committed


@pytest.mark.parametrize("name", sorted(schemas()))
def test_a_schema_tells_editors_what_each_value_means(name: str) -> None:
    """Unknown keys are errors, and every property of a definition has a description or refers to one."""
    whole = json.loads(schemas()[name])

    assert "https://json-schema.org/draft/2020-12/schema" == whole["$schema"]
    for type_name, node in whole["$defs"].items():
        if node.get("type") == "object":
            assert node["additionalProperties"] is False, type_name
            bare = [
                key
                for key, value in node["properties"].items()
                if not ({"description", "$ref", "oneOf", "items", "anyOf"} & value.keys())
            ]
            assert [] == [key for key in bare if type_name not in {"Toleration", "Resources"}], type_name


def test_a_schema_is_found_by_kind() -> None:
    """The generated schema is kept, and has the file's keys as properties."""
    assert {"apiVersion", "kind", "metadata", "spec"} == set(schema("Tenant")["properties"])
