"""What reviewers wait for: a pull request's comment, who may reach what, an audit, expectations.

Needs no settled world: `python -m bench.reviewing --write` measures it alone. The comment is made in a process of its own, imports
included. CPU time is told beside wall time: on a busy machine the one still means something.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median

from bench.estate import Estate, tenant_file
from bench.figures import Row
from bench.page import renew, table
from bench.reconciler import as_in_the_image
from function_app.model.definitions import Expectation, Guardrails, Tenant
from function_app.model.names import Commit, HubName, TenantName
from function_app.model.tree import HubDefinitions, Tree, hub_definitions
from function_app.planning.intended_policy import Intended, intended
from function_app.planning.meaning import Around, meanings
from function_app.planning.reachability.auditing import Audited, audit
from function_app.planning.reachability.expectations import decide
from function_app.planning.reachability.policy import Policy, policy_of
from function_app.planning.reachability.reach import Answer, Destination, ask, destination_of
from function_app.planning.reachability.spans import Spans
from function_app.reading.definitions import build
from function_app.reading.fqdns import wide_wildcard
from function_app.reading.parse import parse_file

REVIEWING = "Reviewing"
"""The title of its table."""
TODAY = date(2026, 11, 23)
SIZES = (250, 500, 999)
_SHARED = tuple(f"198.51.{100 + one // 256}.{one % 256}/32" for one in range(1000))


@dataclass(frozen=True, slots=True)
class _Took:
    """Seconds of one run."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.cpu:.2f} s CPU, {self.wall:.1f} s wall"


def reviewing(folder: Path, runs: int) -> list[Row]:
    """Every figure, with how the comment grows."""
    rows = list(_comments(folder, runs))
    hub, implied, policy = _policy(Estate(tenants=999))
    rules = len(policy.rules)
    everybody = implied.sources
    destination = destination_of("https://www.example.com")
    took = _timed(lambda: _reach(_policy_of(implied), everybody, destination), runs)
    rows.append(_row(f"reach: one destination, all of 999 tenants, {rules:,} rules compiled afresh", 2.0, took))
    audited = Audited(_policy_of(implied), hub.hub.spec.firewall.shards, everybody, hub.rules, TODAY, wide_wildcard)
    took = _timed(lambda: audit(audited), runs)
    rows.append(_row(f"audit: {rules:,} rules", 2.0, took))
    tenants, guardrails = _expecting(hub)
    took = _timed(lambda: list(decide(_policy_of(implied), tenants, guardrails, everybody)), runs)
    rows.append(_row(f"expectations: 2 of each of 999 tenants and 3 of the guardrails, {rules:,} rules", 2.0, took))
    rows += _digests(hub, runs)
    return rows


def _digests(hub: HubDefinitions, runs: int) -> Iterator[Row]:
    """Plans by meaning, as `apply: reviewed` compares them, beside other people's rules that name every source."""
    everybody = sorted({key.tenant for key in hub.attachments})
    half = everybody[: len(everybody) // 2]
    same, own = "for every source", "for every source, each on a port of its own"
    for tenants, rules, words in (
        (everybody, 0, same),
        (half, 300, same),
        (everybody, 300, same),
        (everybody, 300, own),
    ):
        beside = Around(foreign=_foreign(rules, apart=words is own))
        took = _timed(partial(meanings, hub, tenants, beside, TODAY), runs)
        yield _row(f"plans by meaning: {len(tenants)} tenants beside {rules} rules {words}", None, took)


def _foreign(rules: int, *, apart: bool) -> tuple[dict[str, object], ...]:
    """What a platform team writes by hand: one destination a rule, for whoever asks."""
    allowances = [
        {
            "ruleType": "NetworkRule",
            "name": f"shared{index}",
            "sourceAddresses": ["*"],
            "destinationAddresses": [_SHARED[index]],
            "ipProtocols": ["TCP"],
            "destinationPorts": [str(1000 + index) if apart else "443"],
        }
        for index in range(rules)
    ]
    collection = {"name": "shared", "priority": 100, "action": {"type": "Allow"}, "rules": allowances}
    return ({"name": "by-hand", "properties": {"priority": 300, "ruleCollections": [collection]}},)


def _reach(policy: Policy, everybody: Mapping[TenantName, Spans[int]], destination: Destination) -> list[Answer]:
    return [ask(policy, sources, destination) for sources in everybody.values()]


def _comments(folder: Path, runs: int) -> Iterator[Row]:
    """`egressctl plan --base --head` in a fresh process, with a fresh copy of the repository."""
    for size in SIZES:
        estate = Estate(tenants=size)
        repository = folder / f"review-{size}"
        _repository(repository, estate)
        found: list[_Took] = []
        for run in range(runs):
            state = folder / f"review-state-{size}-{run}"
            environment = {**os.environ, "EGRESS_STATE_FOLDER": str(state), "EGRESS_REPOSITORY": str(repository)}
            command = [sys.executable, "-m", "function_app", "plan", "--base", "main", "--head", "change"]
            started, before = time.monotonic(), _children()
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours
            found.append(_Took(time.monotonic() - started, _children() - before))
            if "1 tenant changed on hub1" not in done.stdout:
                raise RuntimeError(f"no comment: {done.stdout[:300]} {done.stderr[-300:]}")
        goal = 3.0 if size == SIZES[-1] else None
        yield _row(f"plan and comment, cold, {size} attachments, one tenant changed", goal, found)


def _repository(folder: Path, estate: Estate) -> None:
    folder.mkdir()
    _git(folder, "init", "--quiet", "--initial-branch=main")
    _commit(folder, estate.definitions())
    _git(folder, "switch", "--quiet", "--create", "change")
    _commit(folder, {tenant_file(3): estate.tenant(3, site="new.example.com")})


def _commit(folder: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        file = folder / "gitops" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", "a change")


def _git(folder: Path, *arguments: str) -> None:
    somebody = ["-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *somebody, *arguments], check=True, capture_output=True)  # noqa: S603, S607 - git, our own words


def _policy(estate: Estate) -> tuple[HubDefinitions, Intended, Policy]:
    """The estate's rules, with a thousand of a platform that all sources share: about 5,000 in all."""
    files = {path: parse_file(path, text.encode()) for path, text in estate.definitions().items()}
    hub = hub_definitions(Tree(Commit("0" * 40), build(files)), HubName(estate.hub))
    implied = intended(hub, TODAY)
    return hub, implied, _policy_of(implied)


def _policy_of(implied: Intended) -> Policy:
    rules = [
        {
            "ruleType": "NetworkRule",
            "name": f"node{index}",
            "sourceAddresses": ["10.1.0.0/16"],
            "destinationAddresses": [address],
            "ipProtocols": ["TCP"],
            "destinationPorts": ["443"],
        }
        for index, address in enumerate(_SHARED)
    ]
    shared = {
        "ruleType": "NetworkRule",
        "name": "time",
        "sourceAddresses": ["*"],
        "destinationAddresses": ["203.0.113.0/24"],
        "ipProtocols": ["UDP"],
        "destinationPorts": ["123"],
    }
    collection = {"name": "nodes", "priority": 100, "action": {"type": "Allow"}, "rules": [*rules, shared]}
    base = {"name": "platform", "properties": {"priority": 200, "ruleCollections": [collection]}}
    fresh = [{**group, "properties": _copied(group["properties"])} for group in implied.groups]
    return policy_of(fresh, [base])


def _copied(properties: Mapping[str, object]) -> dict[str, object]:
    """Rules as objects of their own, so that nothing that was compiled before is found again."""
    collections = properties["ruleCollections"]
    if not isinstance(collections, list):
        raise TypeError("a group without collections")
    return {
        **properties,
        "ruleCollections": [{**one, "rules": [dict(rule) for rule in one["rules"]]} for one in collections],
    }


def _expecting(hub: HubDefinitions) -> tuple[dict[TenantName, Tenant], Guardrails]:
    own = (
        Expectation(reach="https://api.partner.example", verdict="allow"),
        Expectation(reach="https://example.com", verdict="deny"),
    )
    tenants = {
        key.tenant: one.tenant.model_copy(update={"spec": one.tenant.spec.model_copy(update={"expect": own})})
        for key, one in hub.attachments.items()
    }
    demands = [
        {"reach": "https://pastebin.com", "verdict": "deny"},
        {"reach": "169.254.169.254", "verdict": "deny"},
        {"reach": "10.0.2.0/24", "verdict": "deny"},
    ]
    document = {
        "apiVersion": "egress-gitops.io/v1alpha1",
        "kind": "Guardrails",
        "metadata": {"name": "guardrails"},
        "spec": {"expect": demands},
    }
    return tenants, Guardrails.model_validate(document, strict=False)


def _timed(call: Callable[[], object], runs: int) -> list[_Took]:
    found: list[_Took] = []
    for _ in range(runs):
        wall, cpu = time.monotonic(), time.process_time()
        call()
        found.append(_Took(time.monotonic() - wall, time.process_time() - cpu))
    return found


def _row(figure: str, goal: float | None, found: list[_Took]) -> Row:
    took = _Took(median(one.wall for one in found), median(one.cpu for one in found))
    met = None if goal is None else took.wall <= goal
    return Row(figure, f"<= {goal:g} s" if goal is not None else "", str(took), met)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure, print, and with `--write` renew the table."""
    runs = 3
    as_in_the_image()
    with tempfile.TemporaryDirectory(prefix="egress-review-") as name:
        rows = reviewing(Path(name), runs)
    for row in rows:
        print(
            f"{row.figure:<90} {row.goal:<8} {row.found}  {'' if row.met is None else 'met' if row.met else 'MISSED'}"
        )
    if "--write" in sys.argv[1:]:
        renew({REVIEWING: table(rows, f"--runs {runs}")})


if __name__ == "__main__":
    main()
