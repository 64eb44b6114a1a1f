"""What a commit's message says of the review that it came in by: the pull request, and who approved.

The forms are those that Git hosts write when they merge: GitHub `Merge pull request #12 from ...` and `Title (#12)`, Azure
Repos `Merged PR 12: ...`, Bitbucket `Merged in ... (pull request #12)`. GitLab's stands in the body and is not read. Approvals
stand in trailers, `Approved-by` (Bitbucket, GitLab's templates) and `Reviewed-by`. All of it is the word of whoever wrote the
commit: as good as the branch protection that let it in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

TRAILERS = ("Approved-by", "Reviewed-by")
LINE_FORMAT = "%H%x00%P%x00%an <%ae>%x00%cI%x00%s" + "".join(
    f"%x00%(trailers:key={name},valueonly,separator=%x2C%x20)" for name in TRAILERS
)
"""For `git rev-list`: commit, parents, author, time, subject and one field a trailer, apart by NUL, one commit a line."""
_LONGEST = 200
_SUBJECTS = (
    re.compile(r"Merge pull request #(\d{1,9}) from "),
    re.compile(r"Merged PR (\d{1,9}): "),
    re.compile(r"Merged in .* \(pull request #(\d{1,9})\)"),
    re.compile(r".*\(#(\d{1,9})\)$"),
)


def pull_request_in(subject: str) -> str:
    """`#12`, or empty when the subject names none."""
    found = next((match for form in _SUBJECTS if (match := form.match(subject))), None)
    return f"#{found[1]}" if found else ""


def approver_in(trailers: Sequence[str]) -> str:
    """Who approved, each once; empty when no trailer says so."""
    named = (one.strip() for line in trailers for one in line.split(", "))
    printable = ("".join(character for character in one if character.isprintable()) for one in named)
    return ", ".join(dict.fromkeys(one for one in printable if one))[:_LONGEST]
