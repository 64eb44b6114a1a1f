"""Rules across files: one function a rule, a list of rules, every problem of a tree at once.

Belongs here: the list and the order of what comes out. The rules stand in `check_claims`, `check_ranges`, `check_azure`,
`check_capacity`, `check_guardrails`, `check_rollout` and `check_changes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date

from function_app.model.errors import Problem
from function_app.reading.candidate import Candidate
from function_app.reading.check_azure import built_alone, built_together
from function_app.reading.check_capacity import asn_apart, peers, routes_per_peer, shards
from function_app.reading.check_changes import expiries, ranges_in_steps
from function_app.reading.check_claims import azure_resources, leaving_clusters, namespaces, references, unique_names
from function_app.reading.check_guardrails import guardrails
from function_app.reading.check_ranges import inside_egress_cidr, overlaps
from function_app.reading.check_rollout import rollout_order
from function_app.reading.parse import ParsedFile

type Rule = Callable[[Candidate], Iterator[Problem]]

RULES: tuple[Rule, ...] = (
    unique_names,
    references,
    leaving_clusters,
    rollout_order,
    overlaps,
    inside_egress_cidr,
    namespaces,
    azure_resources,
    built_alone,
    built_together,
    asn_apart,
    routes_per_peer,
    peers,
    shards,
    guardrails,
    ranges_in_steps,
    expiries,
)


def check(
    files: Mapping[str, ParsedFile],
    *,
    changed: frozenset[str] | None,
    previous: Mapping[str, ParsedFile],
    today: date,
    root: str = "gitops",
) -> tuple[Problem, ...]:
    """Hold a candidate tree against every cross-file rule.

    `files` are by path relative to the definitions folder. `changed` are the paths that this commit changed, deleted ones
    included; None means that all count as changed and that rules on transitions are skipped. `previous` are the files in
    force before. `Problem.files` lists, as shown to people (`root` in front), every file that takes part: one of the changed
    ones among them must be held back. `root` is the definitions folder as people see it.
    """
    tree = Candidate(files, changed, previous, today, root)
    found = dict.fromkeys(problem for rule in RULES for problem in rule(tree))
    return tuple(sorted(found, key=lambda problem: (problem.place, problem.code, problem.path, problem.message)))
