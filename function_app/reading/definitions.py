"""Parsed files to definitions by name, and a whole folder on disk for `egressctl validate`, without Git.

Does not belong here: rules; and Git, which `effective` reads.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from function_app.model.definitions import Cluster, Guardrails, Hub, RuleSet, Tenant
from function_app.model.errors import Problem, Severity
from function_app.model.names import ClusterName, HubName, TenantName
from function_app.model.tree import Definitions
from function_app.reading.check import check
from function_app.reading.documents import MAX_BYTES
from function_app.reading.layout import MAX_FILES, count_problem, is_ignored, link_problem, path_problem
from function_app.reading.parse import ParsedFile, parse_file
from function_app.reading.places import Places


def build(files: Mapping[str, ParsedFile]) -> Definitions:
    """All valid definitions by name; files without one are left out."""
    hubs: dict[HubName, Hub] = {}
    clusters: dict[ClusterName, Cluster] = {}
    tenants: dict[TenantName, Tenant] = {}
    rulesets: dict[str, RuleSet] = {}
    guardrails: Guardrails | None = None
    for _, file in sorted(files.items()):
        match file.definition:
            case Hub() as hub:
                hubs[HubName(hub.metadata.name)] = hub
            case Cluster() as cluster:
                clusters[ClusterName(cluster.metadata.name)] = cluster
            case Tenant() as tenant:
                tenants[TenantName(tenant.metadata.name)] = tenant
            case RuleSet() as ruleset:
                rulesets[ruleset.metadata.name] = ruleset
            case Guardrails() as found:
                guardrails = found
    return Definitions(hubs, clusters, tenants, rulesets, guardrails)


def read_directory(folder: Path, *, today: date) -> tuple[Definitions | None, tuple[Problem, ...]]:
    """Read a definitions folder; everything in it counts as changed.

    Returns the definitions, None when any problem is an error, and all problems in order of their places. Never raises for
    what lies in the folder, unreadable files included.
    """
    root = folder.as_posix()
    if folder.is_symlink() or not folder.is_dir():
        hint = "Name the folder that holds hubs/, clusters/, tenants/, rulesets/ and guardrails.yaml."
        return None, (Places(root).problem((), "no-folder", "there is no such folder.", hint),)
    files: dict[str, ParsedFile] = {}
    problems: list[Problem] = []
    for count, (path, what) in enumerate(_walk(folder, "")):
        if count >= MAX_FILES:
            return None, (count_problem(count, root),)
        if what:
            problems.append(link_problem(path, root, what))
        elif found := path_problem(path, root):
            problems.append(found)
        elif not is_ignored(path):
            files[path] = _read(folder, path, root)
    if not files and not problems:
        hint = "Is this the definitions folder? Begin with hubs/NAME.yaml and clusters/NAME.yaml."
        problems.append(Places(root).problem((), "no-definitions", "the folder holds no definition.", hint))
    problems += [problem for file in files.values() for problem in file.problems]
    problems += check(files, changed=None, previous={}, today=today, root=root)
    problems.sort(key=lambda problem: (problem.place, problem.code, problem.path))
    if any(problem.severity is Severity.ERROR for problem in problems):
        return None, tuple(problems)
    return build(files), tuple(problems)


def _walk(folder: Path, below: str) -> Iterator[tuple[str, str]]:
    """All files below a folder by relative path; with a word for what is no plain file, which is not entered."""
    with os.scandir(folder / below) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    for entry in entries:
        path = f"{below}/{entry.name}" if below else entry.name
        if is_ignored(path) and not entry.is_symlink():
            continue
        if entry.is_symlink():
            yield path, "symbolic link"
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(folder, path)
        elif entry.is_file(follow_symlinks=False):
            yield path, ""
        else:
            yield path, "device, pipe or socket"


def _read(folder: Path, path: str, root: str) -> ParsedFile:
    try:
        with (folder / path).open("rb") as stream:
            # One byte more than is allowed shows that a file is too large without reading all of it.
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        places = Places(f"{root}/{path}")
        problem = places.problem(
            (), "unreadable", f"the file cannot be read: {error.strerror}.", "Check its permissions."
        )
        return ParsedFile(path, "", None, (problem,), places)
    return parse_file(path, content, root=root)
