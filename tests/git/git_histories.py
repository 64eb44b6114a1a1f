"""Repositories for stories: real ones made with git, remembered ones for searches; and definitions with defaults."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from function_app.adapters.git_repository import GitRepository
from function_app.model.errors import SourceError
from function_app.model.names import Commit
from function_app.model.tree import Tree
from function_app.ports import BlobEntry, CommitEntry
from function_app.reading.checkpoint import Checkpoint
from function_app.reading.effective import effective_tree

TODAY = date(2026, 11, 23)
_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_AUTHOR_DATE": "2026-11-01T12:00:00+01:00",
    "GIT_COMMITTER_DATE": "2026-11-01T12:00:00+01:00",
}


@dataclass(frozen=True, slots=True)
class Upstream:
    """A real repository with a working folder, on branch `main`."""

    folder: Path

    def git(self, *arguments: str, stdin: bytes | None = None) -> str:
        """Run git here."""
        finished = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=_ENVIRONMENT, input=stdin, capture_output=True, check=True
        )
        return finished.stdout.decode().strip()

    def commit(self, files: Mapping[str, str | bytes] | None = None, delete: Iterable[str] = ()) -> Commit:
        """Commit files below `gitops/`; the new commit."""
        for path in delete:
            (self.folder / "gitops" / path).unlink()
        for path, content in (files or {}).items():
            target = self.folder / "gitops" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        return self.commit_all()

    def commit_all(self) -> Commit:
        """Commit whatever lies in the working folder."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A change")
        return self.head()

    def head(self) -> Commit:
        """The commit that is checked out."""
        return Commit(self.git("rev-parse", "HEAD"))


def a_repository(folder: Path) -> Upstream:
    """An empty repository."""
    folder.mkdir(parents=True)
    upstream = Upstream(folder)
    upstream.git("init", "--quiet", "--initial-branch=main")
    return upstream


def fetched(upstream: Upstream, cache: Path) -> GitRepository:
    """Our copy of it."""
    repository = GitRepository(str(upstream.folder), cache)
    repository.fetch()
    return repository


def tree_of(upstream: Upstream, cache: Path) -> Tree:
    """The effective tree at the tip of main."""
    repository = fetched(upstream, cache)
    try:
        return effective_tree(repository, repository.resolve("main"), checkpoint=None, today=TODAY)[0]
    finally:
        repository.close()


@dataclass(slots=True)
class RememberedRepository:
    """A Repository in memory: commits on one line, each a whole tree of regular files below the definitions folder."""

    trees: list[dict[str, bytes]] = field(default_factory=list)
    reads: int = 0

    def commit(self, files: Mapping[str, bytes]) -> Commit:
        """Add a commit with these files and no others."""
        self.trees.append(dict(files))
        return self.line[-1].commit

    @property
    def line(self) -> list[CommitEntry]:
        """All commits, oldest first."""
        names = [Commit(f"{position:040x}") for position in range(1, len(self.trees) + 1)]
        at = datetime(2026, 11, 1, tzinfo=UTC)
        return [
            CommitEntry(name, f"author {position}", at, names[position - 1] if position else None)
            for position, name in enumerate(names)
        ]

    def fetch(self) -> None:
        """There is nothing to fetch."""

    def resolve(self, ref: str) -> Commit:
        """The newest commit."""
        if ref != "main":
            raise SourceError("there is only main")
        return self.line[-1].commit

    def first_parents(self, commit: Commit, since: Commit | None) -> Sequence[CommitEntry]:
        """As the port says."""
        names = [entry.commit for entry in self.line]
        line = self.line[: names.index(commit) + 1]
        if since in names[: len(line)]:
            return line[names.index(since) + 1 :]
        return line

    def entries(self, commit: Commit) -> Sequence[BlobEntry]:
        """All files of a commit."""
        tree = self.trees[int(commit, 16) - 1]
        return [BlobEntry(path, 0o100644, _name(content), len(content)) for path, content in sorted(tree.items())]

    def read(self, blob: str) -> bytes:
        """A file's content."""
        self.reads += 1
        return next(content for tree in self.trees for content in tree.values() if _name(content) == blob)


def folded(repository: RememberedRepository, commit: Commit, checkpoint: Checkpoint | None = None) -> Tree:
    """The effective tree of a remembered repository."""
    return effective_tree(repository, commit, checkpoint=checkpoint, today=TODAY)[0]


def _name(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def a_hub(name: str = "hub1") -> str:
    """A hub's file."""
    return (
        f"apiVersion: egress-gitops.io/v1alpha1\nkind: Hub\nmetadata: {{name: {name}}}\nspec:\n"
        "  subscription: 11111111-2222-3333-4444-555555555555\n"
        f"  resourceGroup: {name}-network\n"
        "  vnet: [10.0.0.0/16]\n"
        f"  firewall: {{name: {name}-fw, policy: {name}-tenants}}\n"
        f"  routeServer: {{name: {name}-rs, asn: 65515, peerIPs: [10.0.1.4, 10.0.1.5]}}\n"
    )


def a_cluster(name: str = "spoke1", *, number: int = 1, hub: str = "hub1") -> str:
    """A cluster's file; its egress CIDR is 10.99.NUMBER.0/24."""
    return (
        f"apiVersion: egress-gitops.io/v1alpha1\nkind: Cluster\nmetadata: {{name: {name}}}\nspec:\n"
        f"  hub: {hub}\n"
        f'  apiServer: {{server: "https://{name}.example.com:6443"}}\n'
        f"  network: {{vnet: [10.{number}.0.0/16], nodes: 10.{number}.0.0/22, pods: 10.244.0.0/16, services: 172.16.0.0/16}}\n"
        f"  bgp: {{asn: 63400, reachableBy: 10.{number}.0.1}}\n"
        f"  egressCIDR: 10.99.{number}.0/24\n"
    )


def a_tenant(
    name: str,
    cidr: str,
    *,
    cluster: str = "spoke1",
    namespace: str = "",
    include: str = "",
    fqdn: str = "www.example.com",
) -> str:
    """A tenant's file."""
    return (
        f"apiVersion: egress-gitops.io/v1alpha1\nkind: Tenant\nmetadata: {{name: {name}}}\nspec:\n"
        "  owner: {team: payments, contact: payments@example.com}\n"
        "  attachments:\n"
        f"    - {{cluster: {cluster}, cidr: {cidr}, namespaces: [{namespace or f'{name}-apps'}]}}\n"
        "  egress:\n"
        f"    include: [{include}]\n"
        f"    allow: [{{name: web, fqdns: [{fqdn}]}}]\n"
    )


def a_ruleset(name: str = "baseline") -> str:
    """A rule set's file."""
    return (
        f"apiVersion: egress-gitops.io/v1alpha1\nkind: RuleSet\nmetadata: {{name: {name}}}\nspec:\n"
        "  allow: [{name: sign-in, fqdns: [login.microsoftonline.com]}]\n"
    )


def a_platform() -> dict[str, str]:
    """A hub with one cluster."""
    return {"hubs/hub1.yaml": a_hub(), "clusters/spoke1.yaml": a_cluster()}
