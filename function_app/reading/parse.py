"""One file to one definition: shape, folder, name and single-file rules, all problems at once.

Belongs here: the order of these steps. Does not belong here: rules that look at another file (`check`).
"""

from __future__ import annotations

from dataclasses import dataclass

from function_app.model.definitions import KINDS, AnyDefinition
from function_app.model.errors import Problem, Severity
from function_app.reading.documents import Document, read_document
from function_app.reading.forms import form_problems
from function_app.reading.layout import FOLDER_OF, GUARDRAILS_FILE, kind_of, path_of, path_problem
from function_app.reading.places import Path, Places, quoted, shown_file
from function_app.reading.shapes import shape


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What one file gives.

    `path` is relative to the definitions folder. `definition` is None as soon as one problem is an error. `draft` is the
    definition, or what could still be understood of a file with errors: cross-file rules look at it so that all problems
    of a tree come at once; nothing else may use it. `kind` is empty when neither folder nor content tells it.
    """

    path: str
    kind: str
    definition: AnyDefinition | None
    problems: tuple[Problem, ...]
    places: Places
    draft: AnyDefinition | None = None


def parse_file(path: str, content: bytes, *, root: str = "gitops") -> ParsedFile:
    """Read one file's content; never raises. `root` is the definitions folder as people see it."""
    document = read_document(shown_file(root, path), content)
    expected = kind_of(path)
    if expected is None:
        misplaced = path_problem(path, root)
        return ParsedFile(path, "", None, (*((misplaced,) if misplaced else ()), *document.problems), document.places)
    if document.root is None:
        return ParsedFile(path, expected, None, document.problems, document.places)
    stated = document.root.get("kind")
    kind = stated if isinstance(stated, str) and stated in KINDS else expected
    shaped = shape(kind, document)
    problems = [*document.problems, *_unless_known(shaped.problems, document.problems)]
    problems += _placement_problems(path, expected, kind, document)
    if shaped.draft is not None:
        problems += _of_what_remains(form_problems(shaped.draft, document.places), problems, shaped.dropped)
    problems.sort(key=lambda problem: (problem.place, problem.path, problem.code))
    broken = any(problem.severity is Severity.ERROR for problem in problems)
    draft = shaped.draft if kind == expected else None
    return ParsedFile(path, expected, None if broken else draft, tuple(problems), document.places, draft)


def _unless_known(found: tuple[Problem, ...], known: tuple[Problem, ...]) -> list[Problem]:
    """A value which is no clean YAML is named once, not a second time for what it is taken for."""
    paths = {problem.path for problem in known}
    return [problem for problem in found if problem.path not in paths]


def _of_what_remains(
    found: list[tuple[Path, Problem]], known: list[Problem], dropped: frozenset[Path]
) -> list[Problem]:
    """Problems of a draft, without those that come only from what was left out of it or was named already."""
    paths = {problem.path for problem in known}
    return [problem for path, problem in found if path not in dropped and problem.path not in paths]


def _placement_problems(path: str, expected: str, kind: str, document: Document) -> list[Problem]:
    problems: list[Problem] = []
    places = document.places
    if kind != expected:
        home = GUARDRAILS_FILE if kind == "Guardrails" else f"{FOLDER_OF[kind]}/"
        message = f"this file lies where a {expected} is expected, and says that it is a {kind}."
        problems.append(
            places.problem(("kind",), "wrong-folder", message, f"Move it to `{home}`, or write `{expected}`.")
        )
        return problems
    metadata = document.root.get("metadata") if document.root else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if (
        isinstance(name, str)
        and name
        and (path_of(kind, name) != path or (kind == "Guardrails" and name != "guardrails"))
    ):
        stem = path.rsplit("/", 1)[-1].removesuffix(".yaml")
        message = f"the name {quoted(name)} is not the file's name, `{stem}.yaml`."
        hint = f"Write `name: {stem}`" + (
            "." if kind == "Guardrails" else f", or rename the file to {quoted(name + '.yaml')}."
        )
        problems.append(places.problem(("metadata", "name"), "file-name", message, hint))
    return problems
