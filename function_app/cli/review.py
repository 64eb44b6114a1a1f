"""plan --base --head: what merging a branch would bring about, as the comment that a pipeline posts."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from function_app.cli.options import assembled, teams
from function_app.cli.printing import ExitCode, OutputForm, print_json
from function_app.model.names import HubName
from function_app.planning.reviewing import Surroundings
from function_app.reading.base_policy import read_base_policy
from function_app.reporting.comment import comment
from function_app.reporting.review_json import review_json
from function_app.reviewing import beside_base_policy, read_surroundings, review


def show_review(
    base: str | None,
    head: str,
    repo: str | None,
    output: OutputForm,
    *,
    live: bool,
    author_teams: str | None,
    base_policy: Path | None = None,
) -> ExitCode:
    """Print the comment, or all of it as JSON; raises EgressError."""
    with assembled(repo) as parts:
        found = parts.compared(base, head, repo)
        around: Mapping[HubName, Surroundings] = read_surroundings(found, parts) if live else {}
        if base_policy is not None:
            around = beside_base_policy(found, read_base_policy(base_policy))
        made = review(found, parts.clock.now().date(), around, teams(author_teams))
    if output is OutputForm.JSON:
        print_json(review_json(made))
    else:
        sys.stdout.write(comment(made))
    if made.refused:
        return ExitCode.REFUSED
    return ExitCode.PENDING if made.hubs else ExitCode.DONE
