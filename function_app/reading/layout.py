"""Which files of a definitions folder are definitions, and of which kind; everything else is refused or ignored by name."""

from __future__ import annotations

from pathlib import PurePosixPath

from function_app.model.errors import Problem
from function_app.reading.places import Places, quoted, shown_file

FOLDERS = {"hubs": "Hub", "clusters": "Cluster", "tenants": "Tenant", "rulesets": "RuleSet"}
FOLDER_OF = {kind: folder for folder, kind in FOLDERS.items()}
GUARDRAILS_FILE = "guardrails.yaml"
MAX_FILES = 20_000
_LAYOUT = "hubs/NAME.yaml, clusters/NAME.yaml, tenants/NAME.yaml, rulesets/NAME.yaml and guardrails.yaml"


def kind_of(path: str) -> str | None:
    """The kind that a path (relative to the definitions folder) asks for; None when definitions do not lie there."""
    if path == GUARDRAILS_FILE:
        return "Guardrails"
    parts = PurePosixPath(path).parts
    if len(parts) == 2 and path.endswith(".yaml"):
        return FOLDERS.get(parts[0])
    return None


def path_of(kind: str, name: str) -> str:
    """The path that a definition of this kind and name has."""
    return GUARDRAILS_FILE if kind == "Guardrails" else f"{FOLDER_OF[kind]}/{name}.yaml"


def is_ignored(path: str) -> bool:
    """Whether a file is no definition by intent: README.md and whatever is hidden."""
    parts = PurePosixPath(path).parts
    return any(part.startswith(".") for part in parts) or parts[-1] == "README.md"


def path_problem(path: str, root: str) -> Problem | None:
    """What is wrong with a file's name or folder; None when it is a definition's or ignored."""
    if is_ignored(path) or kind_of(path) is not None:
        return None
    places = Places(shown_file(root, path))
    if path.endswith((".yml", ".YAML", ".YML")):
        better = path.rsplit(".", 1)[0] + ".yaml"
        return places.problem(
            (),
            "file-extension",
            "definitions end in `.yaml`; this file would be overlooked.",
            f"Rename it to {quoted(better)}.",
        )
    return places.problem(
        (),
        "unknown-file",
        "no definition is expected here, so this file would be overlooked.",
        f"Definitions are {_LAYOUT}; move or delete it.",
    )


def link_problem(path: str, root: str, what: str) -> Problem:
    """A symbolic link, submodule or other thing that is no plain file: refused, never followed."""
    places = Places(shown_file(root, path))
    return places.problem(
        (),
        "not-a-plain-file",
        f"this is a {what}; links are never followed.",
        "Put the definition here as a plain file, or delete this entry.",
    )


def count_problem(count: int, root: str) -> Problem:
    """More files than a tree may have."""
    return Places(root or ".").problem(
        (),
        "too-many-files",
        f"this folder holds {count} files or more; at most {MAX_FILES} are read.",
        "Keep only definitions here; more tenants need more repositories.",
    )
