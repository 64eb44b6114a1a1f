"""`egressctl import` before a classic firewall, over the wire: what it says, writes and leaves alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from demo.scene import PLATFORM, WORLD_FILE, Scene, sample
from simulator.model.world import World, read_document
from terraform_provider.workspace import TREE

PAGE = TREE / "docs" / "importing.md"
EXAMPLE = TREE / "examples" / "classic-firewall"
_QUOTED = re.compile(r"(```text\n\$ egressctl import\n).*?(```\n)", re.DOTALL)
DENIED_IN_IPV6 = {
    "name": "six",
    "properties": {
        "priority": 100,
        "action": {"type": "Deny"},
        "rules": [
            {"name": "one", "protocols": ["TCP"], "sourceAddresses": ["2001:db8::/32"], "destinationPorts": ["*"]}
        ],
    },
}
WEB = {
    "name": "web",
    "properties": {
        "priority": 100,
        "action": {"type": "Allow"},
        "rules": [
            {
                "name": "tigera",
                "sourceAddresses": ["10.1.0.0/22"],
                "protocols": [{"protocolType": "Http", "port": 80}],
                "targetFqdns": ["www.tigera.io"],
            }
        ],
    },
}


def imported_before(*arguments: str, **firewall: Any) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
    """What the command says of a hub with this firewall, and the files beside and below `gitops/` afterwards."""
    document = read_document(WORLD_FILE)
    hub = document.hubs["hub1"]
    changed = hub.firewall.model_copy(update=firewall)
    base = hub.base_groups if changed.base_policy else ()
    hubs = {"hub1": hub.model_copy(update={"firewall": changed, "base_groups": base})}
    with Scene(World(document.model_copy(update={"hubs": hubs}))) as scene:
        folder = scene.folder / "repository" / "gitops"
        for name, text in sample(*PLATFORM).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        told = subprocess.run(
            [sys.executable, "-m", "function_app", "import", *arguments],
            cwd=folder.parent,
            env={**scene.environment("state"), "COLUMNS": "140"},
            capture_output=True,
            text=True,
            check=False,
        )
        return told, _files(folder.parent)


def _files(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def unchanged() -> dict[str, str]:
    """What was there before."""
    return {f"gitops/{name}": text for name, text in sample(*PLATFORM).items()}


@pytest.mark.xdist_group("demo")
def test_the_policy_is_written_and_nothing_else() -> None:
    """One file beside the definitions; it is pending, since somebody must deploy it before anything is imported."""
    told, files = imported_before(policy="", base_policy="", own={"applicationRuleCollections": [WEB]})

    assert 2 == told.returncode, told.stderr
    written = json.loads(files.pop("hub1-firewall-policy.json"))
    assert ["tenants", "tenants/DefaultApplicationRuleCollectionGroup"] == [
        each["name"] for each in written["resources"]
    ]
    assert unchanged() == files
    for words in ("hub-fw is a classic firewall", "hub1-firewall-policy.json", "import again"):
        assert words in told.stdout


@pytest.mark.xdist_group("demo")
def test_the_page_shows_what_is_said_of_the_example(request: pytest.FixtureRequest) -> None:
    """docs/importing.md quotes the command to the letter, and links to the file that it writes."""
    example = json.loads((EXAMPLE / "hub-fw.json").read_text(encoding="utf-8"))
    told, files = imported_before(policy="", base_policy="", own=example["properties"])

    said = told.stdout
    page = PAGE.read_text(encoding="utf-8")
    if request.config.getoption("--renew-golden"):
        page = _QUOTED.sub(lambda found: f"{found[1]}{said}{found[2]}", page)
        PAGE.write_text(page, encoding="utf-8")
    quoted = _QUOTED.search(page)
    assert quoted is not None
    assert said == quoted[0].removeprefix(quoted[1]).removesuffix(quoted[2])
    assert files["hub1-firewall-policy.json"] == (EXAMPLE / "hub1-firewall-policy.json").read_text(encoding="utf-8")


@pytest.mark.xdist_group("demo")
def test_a_denial_without_a_place_bars_the_file() -> None:
    """A policy without it would open the firewall: nothing is written, and it is a failure."""
    own = {"applicationRuleCollections": [WEB], "networkRuleCollections": [DENIED_IN_IPV6]}
    told, files = imported_before("--output", "json", policy="", base_policy="", own=own)

    assert 1 == told.returncode
    assert unchanged() == files
    said = json.loads(told.stdout)
    assert ("hub-fw", []) == (said["classic"], said["files"])
    assert "IPv6" in said["barred"][0]


@pytest.mark.xdist_group("demo")
def test_a_dry_run_writes_nothing() -> None:
    """It says what it would."""
    told, files = imported_before("--dry-run", policy="", base_policy="", own={"applicationRuleCollections": [WEB]})

    assert 2 == told.returncode
    assert unchanged() == files
    assert "would be written" in told.stdout
