"""Text of others made fit for messages: one line, short, without anything that could be a secret."""

from __future__ import annotations

import re

LONGEST = 300
"""Characters of a message of others that we repeat."""

_CUT_MARK = "…"
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(-----END [A-Z0-9 ]+-----|$)", re.DOTALL), "***"),
    (re.compile(r"\beyJ[\w-]+(\.[\w-]*){0,2}"), "***"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+"), r"\1 ***"),
    (re.compile(r"(?i)\b(authorization)\b[\"']?\s*[:=]\s*[^\s\"',;]+"), r"\1: ***"),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@\"']*@"), r"\1***@"),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s?\"']*)\?[^\s\"')\]]*"), r"\1?***"),
    (re.compile(r"(?i)([?&])(sig|sv|se|sp|t|c|s|h|code|token)=[^\s&\"']*"), r"\1\2=***"),
    (
        re.compile(
            r"(?i)\b([\w-]*(?:token|password|passwd|secret|api[_-]?key|accountkey|sharedaccesssignature|sig))"
            r"(\\?[\"']?\s*[:=]\s*\\?[\"']?)[^\s\"'&,;\\]+"
        ),
        r"\1\2***",
    ),
)


def scrubbed(text: str) -> str:
    """`text` on one line without tokens, passwords, keys, user information and query strings of URLs; at most 300 characters.

    Only the first characters are looked at, so that an answer of many megabytes costs nothing; what is cut off
    in the middle of a secret is found all the same, since every pattern ends at the end of the text too.
    """
    line = text[: LONGEST * 10]
    for pattern, replacement in _SECRETS:
        line = pattern.sub(replacement, line)
    line = " ".join("".join(char if char.isprintable() else " " for char in line).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + _CUT_MARK
