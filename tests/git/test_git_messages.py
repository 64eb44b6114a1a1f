"""What a commit's message says of its review."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from function_app.adapters.git_messages import approver_in, pull_request_in
from function_app.adapters.git_repository import GitRepository


@pytest.mark.parametrize(
    ("subject", "pull_request"),
    [
        ("Merge pull request #12 from payments/orders", "#12"),
        ("Let orders reach the provider (#345)", "#345"),
        ("Merged PR 7: orders", "#7"),
        ("Merged in feature/orders (pull request #9)", "#9"),
        ("Mends #12, again", ""),
        ("orders (#x)", ""),
        ("orders (#12) and more", ""),
        ("", ""),
    ],
)
def test_a_pull_request_is_read_as_git_hosts_write_it(subject: str, pull_request: str) -> None:
    """A number that merely stands somewhere is none."""
    assert pull_request == pull_request_in(subject)


@pytest.mark.parametrize(
    ("body", "pull_request"),
    [
        ("Let orders out\n\nCloses #3\n\nSee merge request payments/egress/gitops!12\n", "!12"),
        ("See merge request payments/gitops!12\n\nand more", ""),
        ("Do not see merge request payments/gitops!12", ""),
        ("See merge request !x", ""),
        ("", ""),
    ],
)
def test_gitlabs_merge_request_stands_at_the_end_of_the_body(body: str, pull_request: str) -> None:
    """Where its template puts it, and nowhere else."""
    assert pull_request == pull_request_in("Merge branch 'orders' into 'main'", body)


def test_approvers_stand_once_each_and_cannot_steer_a_terminal() -> None:
    """From both trailers, without control characters, cut where it becomes a letter."""
    assert "Ann <a@x>, Bo" == approver_in(["Ann <a@x>, Bo", "Bo"])
    assert "Ann[2J" == approver_in(["Ann\x1b[2J", ""])
    assert 200 == len(approver_in(["x" * 5000, ""]))
    assert "" == approver_in(["", ""])


def test_the_first_parent_line_carries_them(tmp_path: Path) -> None:
    """From a real commit, whatever else stands in its message."""
    message = "Let orders out (#31)\n\ncommit 0\nBecause.\n\nReviewed-by: Ann <ann@example.com>\nApproved-by: Bo\n"
    merged = "Merge branch 'a' into 'main'\n\nMore\n\nSee merge request payments/gitops!32\n"
    work = tmp_path / "work"
    work.mkdir()
    (work / "gitops").mkdir()
    (work / "gitops" / "a.yaml").write_text("a: 1\n")
    for arguments in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        ["commit", "--quiet", "-m", message],
        ["commit", "--quiet", "--allow-empty", "-m", merged],
    ):
        somebody = ["-c", "user.name=Jo", "-c", "user.email=jo@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(work), *somebody, *arguments], check=True)
    repository = GitRepository(str(work), tmp_path / "cache", definitions_folder="gitops")
    repository.fetch()

    first, second = repository.first_parents(repository.resolve("main"), None)
    repository.close()

    assert ("Bo, Ann <ann@example.com>", "#31") == (first.approver, first.pull_request)
    assert ("Jo <jo@example.com>", "!32", first.commit) == (second.author, second.pull_request, second.first_parent)
