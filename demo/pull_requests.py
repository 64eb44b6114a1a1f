"""`python -m demo.pull_requests`: three pull requests on a hub with 162 tenants, and the comments that a reviewer sees.

One is good; one lets a tenant into the hub's management range, which the guardrails forbid; one would bring a peer's routes over
the limit. Everything has a fixed date, so that the comments are the same each time: those committed in `examples/pull-requests`
are these.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from function_app.adapters.git_repository import GitRepository
from function_app.reporting.comment import comment
from function_app.reviewing import compared, review

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "gitops"
EXAMPLES = ROOT / "examples" / "pull-requests"
TODAY = date(2026, 11, 23)
NEIGHBOURS = 159
"""Tenants on spoke2-aks besides the sample's: 160 x 3 routes are 480 of 500."""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A branch: what it is about, and the files that it changes, None for deleted."""

    branch: str
    title: str
    files: Mapping[str, str | None]


def pull_requests() -> tuple[PullRequest, ...]:
    """The three."""
    tenant0 = _sample("tenants/tenant0.yaml").replace("fqdns: [www.tigera.io]", 'fqdns: ["*.tigera.io"]')
    too_wide = _sample("tenants/tenant1.yaml").replace(
        "  expect:",
        '      - name: hub-services\n        destinations: [10.0.0.0/16]\n        ports: ["443", "8443"]\n  expect:',
    )
    crowd = {
        f"tenants/batch{one}.yaml": _tenant(f"batch{one}", NEIGHBOURS + 10 + 4 * one, replicas=6) for one in range(3)
    }
    return (
        PullRequest(
            "good",
            "A new tenant, and one that may reach more of a vendor's names",
            {"tenants/tenant0.yaml": tenant0, "tenants/reports.yaml": _tenant("reports", NEIGHBOURS + 1)},
        ),
        PullRequest("over-wide", "A tenant asks for the hub's services", {"tenants/tenant1.yaml": too_wide}),
        PullRequest("too-many-routes", "Three more tenants on a cluster that is nearly full", crowd),
    )


def comments(folder: Path) -> dict[str, str]:
    """Each pull request's comment by branch, from a repository that is made in `folder`."""
    repository = folder / "repository"
    repository.mkdir()
    _git(repository, "init", "--quiet", "--initial-branch=main")
    files = {path.relative_to(SAMPLE).as_posix(): path.read_text() for path in sorted(SAMPLE.rglob("*.yaml"))}
    # The cluster's ranges are wide enough for all of them; its peers' routes are what runs out.
    spoke2 = files["clusters/spoke2-aks.yaml"].replace("egressCIDR: 10.99.1.0/24", "egressCIDR: 10.100.0.0/16")
    tenant1 = files["tenants/tenant1.yaml"].replace("10.99.1.0/29", "10.100.0.0/29")
    first = files | {"clusters/spoke2-aks.yaml": spoke2, "tenants/tenant1.yaml": tenant1}
    _commit(repository, first | _neighbours(range(1, 110)), "2026-08-01T08:00:00Z")
    _commit(repository, _neighbours(range(110, NEIGHBOURS + 1)), "2026-11-20T08:00:00Z")
    for number, one in enumerate(pull_requests()):
        _git(repository, "switch", "--quiet", "--create", one.branch, "main")
        changed = {path: text and text.replace("10.99.1.0/29", "10.100.0.0/29") for path, text in one.files.items()}
        _commit(repository, changed, f"2026-11-23T0{number}:00:00Z")
    with closing(GitRepository(str(repository), folder / "copy")) as git:
        git.fetch()
        base = git.resolve("main")
        return {
            one.branch: comment(review(compared(git, base, git.resolve(one.branch), today=TODAY, root="gitops"), TODAY))
            for one in pull_requests()
        }


def main() -> None:
    """Print the three comments."""
    with tempfile.TemporaryDirectory(prefix="egress-pull-requests-") as name:
        found = comments(Path(name))
    for one in pull_requests():
        print(f"{'=' * 100}\n{one.title} (egressctl plan --base main --head {one.branch})\n{'=' * 100}\n")
        print(found[one.branch])


def _sample(path: str) -> str:
    return (SAMPLE / path).read_text()


def _neighbours(numbers: range) -> dict[str, str | None]:
    return {f"tenants/team{one:03d}.yaml": _tenant(f"team{one:03d}", one) for one in numbers}


def _tenant(name: str, place: int, *, replicas: int = 2) -> str:
    """A tenant on spoke2-aks with the range at this place, counted in eights."""
    size = 29 if replicas == 2 else 28
    address = place * 8 if size == 29 else -(-place // 2) * 16
    cidr = f"10.100.{address // 256}.{address % 256}/{size}"
    document = {
        "apiVersion": "egress-gitops.io/v1alpha1",
        "kind": "Tenant",
        "metadata": {"name": name},
        "spec": {
            "owner": {"team": name, "contact": f"{name}@example.com"},
            "attachments": [
                {
                    "cluster": "spoke2-aks",
                    "cidr": cidr,
                    "namespaces": [f"{name}-jobs"],
                    "gateway": {"replicas": replicas},
                }
            ],
            "egress": {
                "include": ["baseline"],
                "allow": [{"name": "vendor", "fqdns": [f"api.{name}.example"], "protocols": ["https:443"]}],
            },
        },
    }
    return yaml.safe_dump(document, sort_keys=False)


def _commit(repository: Path, files: Mapping[str, str | None], at: str) -> None:
    for path, text in files.items():
        file = repository / "gitops" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            file.unlink()
        else:
            file.write_text(text)
    _git(repository, "add", "--all")
    _git(repository, "commit", "--quiet", "--message", "A change", at=at)


def _git(repository: Path, *arguments: str, at: str = "") -> None:
    somebody = ["-c", "user.name=Jo", "-c", "user.email=jo@example.com", "-c", "commit.gpgsign=false"]
    dates = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at} if at else {}
    command = ["git", "-C", str(repository), *somebody, *arguments]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **dates})  # noqa: S603 - git, our own words


if __name__ == "__main__":
    main()
