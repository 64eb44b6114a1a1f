"""`make teardown` and `make smoke`: order, and that they stop before harm. Programs on PATH write down how they were called."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from real_parts import missing

from terraform_provider.workspace import TREE


@dataclass(frozen=True)
class Stage:
    """A copy of the definitions and a PATH whose programs only write down their arguments; `say` makes one print something."""

    folder: Path

    @property
    def calls(self) -> list[str]:
        """What was called, in order."""
        log = self.folder / "calls"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []

    def say(self, program: str, text: str = "", code: int = 0) -> None:
        """Make one program print and end so."""
        path = self.folder / "bin" / program
        lines = (
            "#!/bin/sh",
            f'echo "{program} $*" >> "{self.folder}/calls"',
            f"printf '%s' '{text}'",
            f"exit {code}",
            "",
        )
        path.write_text("\n".join(lines), encoding="utf-8")
        path.chmod(0o755)

    def run(
        self, script: str, typed: str = "", arguments: tuple[str, ...] = (), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a script of deploy/ here."""
        variables = {
            "PATH": f"{self.folder}/bin:/usr/bin:/bin",
            "DEFINITIONS": str(self.folder / "gitops"),
            "EGRESSCTL": "egressctl",
            **environment,
        }
        return subprocess.run(
            ["bash", str(TREE / "deploy" / script), *arguments],
            input=typed,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def without_tenants(self, *, leaving: bool) -> None:
        """Take the tenants' files away and say that the clusters leave."""
        shutil.rmtree(self.folder / "gitops" / "tenants")
        for file in (self.folder / "gitops" / "clusters").iterdir():
            text = file.read_text(encoding="utf-8")
            file.write_text(
                text.replace("spec:\n", "spec:\n  leaving: true\n", 1) if leaving else text, encoding="utf-8"
            )


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """The sample's definitions, and programs that find nothing."""
    shutil.copytree(TREE / "gitops", tmp_path / "gitops")
    (tmp_path / "bin").mkdir()
    found = Stage(tmp_path)
    for program in ("az", "egressctl", "kubectl", "git"):
        found.say(program)
    found.say("terraform", "the-vault")
    return found


def test_teardown_begins_with_the_tenants(stage: Stage) -> None:
    """While a tenant is defined nothing is called at all."""
    done = stage.run("teardown.sh", typed="the-vault\n")
    assert done.returncode == 1
    assert "tenant0.yaml" in done.stderr
    assert stage.calls == []


def test_teardown_then_wants_the_clusters_to_leave(stage: Stage) -> None:
    """Peers and connections are the reconciler's to take back, so each cluster must say that it leaves."""
    stage.without_tenants(leaving=False)
    done = stage.run("teardown.sh", typed="the-vault\n")
    assert done.returncode == 1
    assert "leaving: true" in done.stderr
    assert stage.calls == []


def test_teardown_stops_at_what_the_reconciler_left(stage: Stage) -> None:
    """A group or a connection that is still there is somebody's: nothing is destroyed over it."""
    stage.without_tenants(leaving=True)
    stage.say("az", "egress-000")
    done = stage.run("teardown.sh", typed="the-vault\n")
    assert done.returncode == 1
    assert "egress-000" in done.stderr
    assert not any(call.startswith("terraform") for call in stage.calls)


def test_teardown_stops_when_the_reconciler_is_not_done(stage: Stage) -> None:
    """What it could not take down, Azure would not let go of."""
    stage.without_tenants(leaving=True)
    stage.say("egressctl", code=1)
    assert stage.run("teardown.sh", typed="the-vault\n").returncode == 1
    assert not any(call.startswith(("az", "terraform")) for call in stage.calls)


def test_teardown_asks_for_the_name(stage: Stage) -> None:
    """A habit of pressing Enter destroys nothing."""
    stage.without_tenants(leaving=True)
    done = stage.run("teardown.sh", typed="\n")
    assert done.returncode == 1
    assert "Nothing was destroyed" in done.stderr
    assert not any(" destroy " in call for call in stage.calls)


def test_teardown_goes_from_the_reconciler_to_calico_to_the_platform(stage: Stage) -> None:
    """The order in which Azure lets go; the hub's own policy and Route Server are asked for by their names."""
    stage.without_tenants(leaving=True)
    done = stage.run("teardown.sh", typed="the-vault\n")
    assert done.returncode == 0, done.stderr
    order = [call for call in stage.calls if "destroy" in call or call.startswith(("egressctl", "az"))]
    assert order[0].startswith("egressctl reconcile --until-converged")
    assert "--resource-group demo-hub-network --policy-name tenants" in order[1]
    assert "--resource-group demo-hub-network --routeserver hub-rs" in order[2]
    assert [call.split()[1] for call in order[3:]] == [
        "-chdir=terraform/calico",
        "-chdir=terraform/calico",
        "-chdir=terraform/platform",
    ]
    assert "cluster=spoke1-aks" in order[3]


def test_smoke_asks_for_its_word(stage: Stage) -> None:
    """It merges to the branch in force: never by accident."""
    done = stage.run("smoke.sh", RANGE="10.99.0.248/29", EGRESS_REPOSITORY="https://git.example.com/egress.git")
    assert done.returncode == 1
    assert "SMOKE=yes" in done.stderr
    assert stage.calls == []


@pytest.mark.parametrize("pipeline", sorted(TREE.glob("examples/*/terraform.yml")))
def test_a_pipeline_plans_and_applies_apart(pipeline: Path) -> None:
    """It is YAML, takes foreign actions by commit, holds no secret, and the apply waits for a person."""
    text = pipeline.read_text(encoding="utf-8")
    assert yaml.safe_load(text)
    uses = [line.split("uses:")[1].strip() for line in text.splitlines() if "uses:" in line]
    assert all(len(each.split("@")[1].split(" ")[0]) == 40 for each in uses)
    assert "environment: production" in text
    assert "secrets." not in text
    assert text.count("terraform apply") == 1
    assert "Destroys: yes" in text
    apply = text[text.index("environment: production") :]
    assert apply.index("plan-digest.sh platform.tfplan") < apply.index("terraform apply")
    assert "-lock=false" not in apply
    assert text.count("-lock=false") == 1


def _digest(stage: Stage, *changes: Mapping[str, object], **beside: object) -> str:
    """The digest of a plan with these changes, and what else a plan tells."""
    if shutil.which("jq", path="/usr/bin:/bin") is None:
        missing("jq is not installed")
    stage.say("terraform", json.dumps({"resource_changes": list(changes), **beside}))
    done = stage.run("plan-digest.sh", arguments=("platform.tfplan",))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_two_plans_of_one_meaning_have_one_digest(stage: Stage) -> None:
    """What a person approved is told from what came since, and a second look at the same is not another plan."""
    after = {"cidr": "10.1.0.0/16"}
    change = {"address": "a", "change": {"actions": ["update"], "before": {"etag": "1"}, "after": after}}
    again = {"address": "a", "change": {"actions": ["update"], "before": {"etag": "2"}, "after": after}}
    untouched = {"address": "b", "change": {"actions": ["no-op"], "after": {}}}
    shown = _digest(stage, change, timestamp="08:00")
    assert len(shown) == 64
    assert shown == _digest(stage, again, untouched, timestamp="09:00")
    for other in (
        {"address": "a", "change": {"actions": ["update"], "after": {"cidr": "10.2.0.0/16"}}},
        {"address": "a", "change": {"actions": ["delete"], "after": None}},
        {"address": "c", "change": {"actions": ["update"], "after": after}},
    ):
        assert shown != _digest(stage, other)
    assert shown != _digest(stage)


TOLD = {
    "TimeGenerated": "2026-01-01T00:00:00Z",
    "SourceIp": "10.99.0.1",
    "Tenant": "tenant0",
    "Commit": "c1",
    "Generation": "0a",
}


def _flows(stage: Stage, told: dict[str, str], attributed: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A workspace that tells one line so, and an `attribute` that writes it so."""
    if shutil.which("jq", path="/usr/bin:/bin") is None:
        missing("jq is not installed")
    stage.say("az", json.dumps([told]))
    writer = stage.folder / "bin" / "egressctl"
    writer.write_text(f"#!/bin/sh\necho '{json.dumps(attributed)}' > \"$4\"\n", encoding="utf-8")
    return stage.run("flows.sh", WORKSPACE="w")


def test_flows_are_alike_whatever_the_order_of_namespaces(stage: Stage) -> None:
    """The query puts them in the order of their names."""
    done = _flows(stage, TOLD | {"Namespaces": "blue, shop"}, TOLD | {"Namespaces": "shop, blue"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "of 1 lines" in done.stdout
    asked = [call for call in stage.calls if call.startswith("az monitor log-analytics query --workspace w")]
    assert ["union" in asked[0], "EgressFlows(7h)" in asked[1]] == [True, True]


@pytest.mark.parametrize("column", ["Tenant", "Namespaces", "Commit", "Generation", "SourceIp"])
def test_flows_that_differ_are_shown(stage: Stage, column: str) -> None:
    """One column of one line is enough."""
    done = _flows(stage, TOLD | {column: "other"}, TOLD)
    assert done.returncode == 1
    assert "> " in done.stdout
    assert "other" in done.stdout


def test_a_workspace_without_lines_shows_nothing(stage: Stage) -> None:
    """Two empty answers are alike, and prove nothing."""
    stage.say("az", "[]")
    done = stage.run("flows.sh", WORKSPACE="w")
    assert done.returncode == 1
    assert "nothing is shown" in done.stderr
