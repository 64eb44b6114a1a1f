"""`egressctl tenant`: definitions written and changed for people, never at the expense of what they wrote."""

from __future__ import annotations

import difflib
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from attributing.ledger_stories import record
from cli.session import Session

from function_app.adapters.ledger_file import LedgerFile

NEW = (
    "tenant",
    "new",
    "orders",
    "--cluster",
    "spoke1-aks",
    "--namespace",
    "orders",
    "--team",
    "orders",
    "--contact",
    "o@x.org",
)


@pytest.fixture
def gitops(session: Session) -> Path:
    """The sample's folder."""
    return session.repository / "gitops"


def run(session: Session, *arguments: str) -> tuple[int, str, str]:
    """One command over the sample."""
    told = session.run(*arguments, "--dir", str(session.repository / "gitops"))
    return told.exit_code, " ".join(told.stdout.split()), " ".join(told.stderr.split())


def changed(before: str, after: str) -> list[str]:
    """The lines that differ."""
    return [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]


def test_a_new_tenant_gets_a_free_range_and_a_file_that_validates(session: Session, gitops: Path) -> None:
    """With schema line and comments, and words on what merging it will do."""
    code, out, _ = run(session, *NEW, "--allow", "*.provider.example", "--include", "baseline")

    text = (gitops / "tenants" / "orders.yaml").read_text()
    assert 0 == code
    assert "cidr: 10.99.0.16/29" in text
    assert text.startswith("# yaml-language-server: $schema=../../schemas/tenant.schema.json\n")
    assert "# the file's name without .yaml" in text
    assert "orders gets 10.99.0.16/29 on spoke1-aks" in out
    assert 0 == session.run("validate", str(gitops)).exit_code


def test_quarantined_and_held_ranges_are_passed_over(session: Session, gitops: Path) -> None:
    """Whatever the definitions say of them."""
    folder = session.folder / "state" / "hubs" / "hub1"
    folder.mkdir(parents=True)
    held = record(1, "reserve", 0, "gone", range=IPv4Network("10.99.0.16/28"), at=datetime(2026, 11, 1, tzinfo=UTC))
    LedgerFile(folder).append(
        [
            held,
            *(
                replace(record(n, kind, 0, "gone"), range=held.range, at=held.at)
                for n, kind in ((2, "leave"), (3, "freed"))
            ),
        ]
    )

    assert 0 == run(session, *NEW)[0]
    assert "cidr: 10.99.0.32/29" in (gitops / "tenants" / "orders.yaml").read_text()


def test_without_a_ledger_it_says_what_it_does_not_know(session: Session) -> None:
    """A range may be in quarantine."""
    assert "may be in quarantine" in run(session, *NEW)[2]


def test_a_dry_run_writes_nothing(session: Session, gitops: Path) -> None:
    """And shows the same."""
    code, out, _ = run(session, *NEW, "--dry-run")

    assert (0, True) == (code, "+ name: orders" in out)
    assert not (gitops / "tenants" / "orders.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tenant", "new", "orders"), "is missing, and there is no terminal"),
        (("tenant", "new", "tenant0", "--cluster", "spoke1-aks"), "is there already"),
        ((*NEW, "--cidr", "10.99.0.0/29"), "overlaps"),
        ((*NEW, "--cidr", "nonsense"), "is no IPv4 range"),
        ((*NEW[:3], "--cluster", "nowhere", *NEW[5:]), "there is no cluster nowhere"),
        ((*NEW, "--namespace", "default"), "default"),
        ((*NEW, "--allow", "*pastebin.com"), "pastebin"),
        (("tenant", "new", "Orders!", *NEW[3:]), "Orders!"),
        (("tenant", "renumber", "nobody"), "there is no tenant nobody"),
        (("tenant", "renumber", "tenant1"), "name one of its clusters"),
        (("tenant", "move", "tenant1", "--to", "spoke2-aks", "--from", "spoke1-aks"), "attached to spoke2-aks already"),
        (("tenant", "move", "tenant0", "--to", "spoke2-aks", "--finish", "--from", "spoke1-aks"), "its only cluster"),
        (("tenant", "rename", "tenant0", "tenant1"), "is there already"),
        (("tenant", "remove", "tenant0", "--cluster", "spoke2-aks"), "not attached to spoke2-aks"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_changed(
    session: Session, gitops: Path, arguments: tuple[str, ...], words: str
) -> None:
    """By the same rules as a pull request."""
    before = {path: path.read_text() for path in gitops.rglob("*.yaml")}

    code, _, err = run(session, *arguments)

    assert 1 == code
    assert words in err
    assert before == {path: path.read_text() for path in gitops.rglob("*.yaml")}


@pytest.mark.parametrize(("name", "cluster"), [("tenant0", "spoke1-aks"), ("tenant1", "spoke2-aks")])
def test_renumbering_changes_one_line(session: Session, gitops: Path, name: str, cluster: str) -> None:
    """Comments, quotes and order stay as they were written."""
    path = gitops / "tenants" / f"{name}.yaml"
    before = path.read_text()

    code, out, _ = run(session, "tenant", "renumber", name, "--cluster", cluster)

    assert 0 == code
    assert ["-", "+"] == [line[0] for line in changed(before, path.read_text())]
    assert "drains for 10 minutes" in out
    assert 0 == session.run("validate", str(gitops)).exit_code


def test_a_move_attaches_first_and_detaches_when_told(session: Session, gitops: Path) -> None:
    """Two merges; in between the tenant is on both."""
    path = gitops / "tenants" / "tenant0.yaml"
    before = path.read_text()

    assert 0 == run(session, "tenant", "move", "tenant0", "--to", "spoke2-aks")[0]
    both = path.read_text()
    code, out, _ = run(session, "tenant", "move", "tenant0", "--to", "spoke2-aks", "--finish")

    assert {"+"} == {line[0] for line in changed(before, both)}
    assert ("spoke1-aks" in both, "spoke2-aks" in both) == (True, True)
    assert 0 == code
    assert "spoke1-aks" not in path.read_text()
    assert "leave as nodes, unattributed" in out


def test_a_rename_is_a_new_tenant_with_new_ranges(session: Session, gitops: Path) -> None:
    """In one commit, so that its namespaces pass over without a gap."""
    assert 0 == run(session, "tenant", "rename", "tenant1", "shop")[0]

    text = (gitops / "tenants" / "shop.yaml").read_text()
    assert not (gitops / "tenants" / "tenant1.yaml").exists()
    assert ("10.99.0.8/29" in text, "10.99.1.0/29" in text, "# names below payments.example" in text) == (
        False,
        False,
        True,
    )


def test_a_removal_says_what_becomes_of_the_pods(session: Session, gitops: Path) -> None:
    """By the tenant's own onRemoval; from one cluster or from all."""
    _, one, _ = run(session, "tenant", "remove", "tenant1", "--cluster", "spoke2-aks")
    assert "spoke2-aks" not in (gitops / "tenants" / "tenant1.yaml").read_text()
    _, whole, _ = run(session, "tenant", "remove", "tenant1")

    assert not (gitops / "tenants" / "tenant1.yaml").exists()
    for out in (one, whole):
        assert "their traffic ends (onRemoval: block)" in out


def test_an_invalid_folder_is_mended_first(session: Session, gitops: Path) -> None:
    """Nothing is built on it."""
    (gitops / "tenants" / "tenant0.yaml").write_text("kind: Tenant\n")

    code, _, err = run(session, *NEW)

    assert (1, True) == (code, "mend that first" in err)
