"""plan --base --head: what merging a branch would bring about, as the comment that a pipeline posts."""

from __future__ import annotations

import sys

from function_app.cli.options import assembled
from function_app.cli.printing import ExitCode, OutputForm, print_json
from function_app.reporting.comment import comment
from function_app.reporting.review_json import review_json
from function_app.reviewing import read_surroundings, review


def show_review(
    base: str | None, head: str, repo: str | None, output: OutputForm, *, live: bool, author_teams: str | None
) -> ExitCode:
    """Print the comment, or all of it as JSON; raises EgressError."""
    with assembled(repo) as parts:
        found = parts.compared(base, head, repo)
        around = read_surroundings(found, parts) if live else {}
        made = review(found, parts.clock.now().date(), around, _teams(author_teams))
    if output is OutputForm.JSON:
        print_json(review_json(made))
    else:
        sys.stdout.write(comment(made))
    if made.refused:
        return ExitCode.REFUSED
    return ExitCode.PENDING if made.hubs else ExitCode.DONE


def _teams(text: str | None) -> frozenset[str] | None:
    return None if text is None else frozenset(one.strip() for one in text.split(",") if one.strip())
