"""What a commit's message says of the review that it came in by: the pull request, and who approved.

The forms are those that Git hosts write when they merge: GitHub `Merge pull request #12 from ...` and `Title (#12)`, Azure
Repos `Merged PR 12: ...`, Bitbucket `Merged in ... (pull request #12)`, and at the end of the body GitLab's `See merge request
group/project!12` (docs.gitlab.com, commit message templates). Approvals stand in trailers, `Approved-by` (Bitbucket, GitLab's
templates) and `Reviewed-by`. All of it is the word of whoever wrote the commit: as good as the branch protection that let it in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

TRAILERS = ("Approved-by", "Reviewed-by")
RECORD_FORMAT = (
    "%H%x00%P%x00%an <%ae>%x00%cI%x00%s%x00%b"
    + "".join(f"%x00%(trailers:key={name},valueonly,separator=%x2C%x20)" for name in TRAILERS)
    + "%x00"
)
"""For `git rev-list`: commit, parents, author, time, subject, body, one field a trailer; each ends in NUL, which no message has."""
_FIELDS = 6 + len(TRAILERS)
_LONGEST = 200
_SUBJECTS = (
    re.compile(r"Merge pull request #(\d{1,9}) from "),
    re.compile(r"Merged PR (\d{1,9}): "),
    re.compile(r"Merged in .* \(pull request #(\d{1,9})\)"),
    re.compile(r".*\(#(\d{1,9})\)$"),
)
_GITLAB = re.compile(r"See merge request \S{1,500}!(\d{1,9})")


def records_in(listing: str) -> Iterator[tuple[str, ...]]:
    """The fields of each commit that `git rev-list --format` shows, without the line that it puts before each."""
    fields = listing.split("\0")[:-1]
    for start in range(0, len(fields), _FIELDS):
        first, *others = fields[start : start + _FIELDS]
        yield first.rpartition("\n")[2], *others


def pull_request_in(subject: str, body: str = "") -> str:
    """`#12`, `!12` for GitLab's, or empty when the message names none; in a body only its last line counts."""
    found = next((match for form in _SUBJECTS if (match := form.match(subject))), None)
    if found is not None:
        return f"#{found[1]}"
    last = body.rstrip().rpartition("\n")[2]
    gitlab = _GITLAB.fullmatch(last.strip())
    return f"!{gitlab[1]}" if gitlab is not None else ""


def approver_in(trailers: Sequence[str]) -> str:
    """Who approved, each once; empty when no trailer says so."""
    named = (one.strip() for line in trailers for one in line.split(", "))
    printable = ("".join(character for character in one if character.isprintable()) for one in named)
    return ", ".join(dict.fromkeys(one for one in printable if one))[:_LONGEST]
