"""A small valid tree, and mistakes put into it: `§` in a replacement marks the place where the problem must be told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from function_app.model.errors import Problem, Severity
from function_app.reading.check import check
from function_app.reading.parse import ParsedFile, parse_file

TODAY = date(2026, 11, 23)
MARK = "§"

HUB = """\
apiVersion: egress-gitops.io/v1alpha1
kind: Hub
metadata: {name: west}
spec:
  subscription: 99999999-2222-3333-4444-555555555555
  resourceGroup: west-network
  vnet: [10.0.0.0/16]
  firewall: {name: west-fw, policy: tenants}
  routeServer: {name: west-rs, peerIPs: [10.0.1.4, 10.0.1.5]}
"""
NORTH = """\
apiVersion: egress-gitops.io/v1alpha1
kind: Cluster
metadata: {name: north}
spec:
  hub: west
  apiServer: {server: "https://10.1.0.10:6443"}
  network:
    vnet: [10.1.0.0/16]
    nodes: 10.1.0.0/22
    pods: 10.244.0.0/16
    services: 172.16.0.0/16
  bgp: {asn: 64512, reachableBy: 10.1.0.1}
  egressCIDR: 10.80.0.0/24
  reservedNamespaces: [platform]
"""
SOUTH = (
    NORTH.replace("north", "south")
    .replace("10.1.", "10.2.")
    .replace("10.80.0.0/24", "10.80.1.0/24")
    .replace("172.16", "172.17")
)
BLUE = """\
apiVersion: egress-gitops.io/v1alpha1
kind: Tenant
metadata: {name: blue}
spec:
  owner: {team: blue, contact: blue@example.com}
  attachments:
    - cluster: north
      cidr: 10.80.0.0/29
      namespaces: [shop]
      gateway: {replicas: 2}
  egress:
    include: [base]
    allow:
      - name: website
        fqdns: [www.example.com]
        protocols: ["https:443"]
      - name: ledger
        destinations: [198.51.100.20/32]
        ports: ["443"]
    bypass: [172.20.0.0/16]
  expect:
    - {reach: "https://www.example.com", verdict: allow}
"""
RED = BLUE.replace("blue", "red").replace("10.80.0.0/29", "10.80.0.8/29").replace("[shop]", "[mail]")
BASE = """\
apiVersion: egress-gitops.io/v1alpha1
kind: RuleSet
metadata: {name: base}
spec:
  allow:
    - name: sign-in
      fqdns: [login.example.com]
"""
GUARDRAILS = """\
apiVersion: egress-gitops.io/v1alpha1
kind: Guardrails
metadata: {name: guardrails}
spec:
  replicas: {min: 1, max: 8}
  forbid:
    fqdns: ["*.paste.example"]
    ports: ["22"]
"""
TREE: Mapping[str, str] = {
    "hubs/west.yaml": HUB,
    "clusters/north.yaml": NORTH,
    "clusters/south.yaml": SOUTH,
    "tenants/blue.yaml": BLUE,
    "tenants/red.yaml": RED,
    "rulesets/base.yaml": BASE,
    "guardrails.yaml": GUARDRAILS,
}


def edited(tree: Mapping[str, str], path: str, old: str, new: str) -> tuple[dict[str, str], str]:
    """The tree with one text replaced once, and the marked place as `gitops/PATH:LINE:COLUMN`."""
    text = tree[path]
    assert text.count(old) >= 1, f"{path} does not hold {old!r}"
    marked = text.replace(old, new, 1)
    before = marked[: marked.index(MARK)]
    place = f"gitops/{path}:{before.count('\n') + 1}:{len(before) - before.rfind('\n')}"
    return {**tree, path: marked.replace(MARK, "")}, place


def parsed(tree: Mapping[str, str | bytes]) -> dict[str, ParsedFile]:
    """All files of a tree, parsed."""
    return {path: parse_file(path, text.encode() if isinstance(text, str) else text) for path, text in tree.items()}


def problems_of(
    tree: Mapping[str, str | bytes],
    *,
    changed: frozenset[str] | None = None,
    previous: Mapping[str, str | bytes] | None = None,
) -> list[Problem]:
    """Every problem of a tree: single files' and cross-file ones."""
    files = parsed(tree)
    own = [problem for file in files.values() for problem in file.problems]
    return own + list(check(files, changed=changed, previous=parsed(previous or {}), today=TODAY))


def errors_of(tree: Mapping[str, str | bytes]) -> list[Problem]:
    """Only the errors."""
    return [problem for problem in problems_of(tree) if problem.severity is Severity.ERROR]
