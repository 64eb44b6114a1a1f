"""Unquoted texts that readers of YAML take for different things.

Held against each other: Terraform's yamldecode (go-cty-yaml), YAML 1.1 as PyYAML reads it, and the core schema of YAML 1.2.
Does not belong here: places, files.
"""

from __future__ import annotations

import re
from functools import lru_cache

INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_AMBIGUOUS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"y|n|yes|no|on|off|true|false", re.IGNORECASE),
        "some readers take it for true or false, others for text",
    ),
    (re.compile(r"~|null", re.IGNORECASE), "some readers take it for nothing, others for text"),
    (re.compile(r"[-+]?[0-9][0-9_]*"), "readers take it for different numbers (octal or decimal) or for text"),
    (
        re.compile(r"[-+]?0[xX][0-9a-fA-F_]+|[-+]?0[oO][0-7_]+|[-+]?0[bB][01_]+"),
        "readers take it for a number or for text",
    ),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"),
        "some readers take it for a number to the base of 60",
    ),
    (
        re.compile(r"[-+]?(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?"),
        "readers take it for a number, which loses trailing zeros, or for text",
    ),
    (re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE), "readers take it for a number or for text"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?"), "some readers take it for a date, others for text"),
    (re.compile(r"="), "some readers give it a meaning of its own"),
)


@lru_cache(maxsize=16_384)
def ambiguity(text: str) -> str:
    """Why an unquoted text is read differently by different readers; empty when it is not."""
    if text in {"", "null", "true", "false"} or INTEGER.fullmatch(text):
        return ""
    return next((why for pattern, why in _AMBIGUOUS if pattern.fullmatch(text)), "")


def instead_of(text: str) -> str:
    """What to write in place of an ambiguous text."""
    quote = f'Write "{text[:40]}" in quotes if it is text'
    if text.lower() in {"y", "yes", "on", "true"}:
        return f"{quote}, `true` if it is a choice."
    if text.lower() in {"n", "no", "off", "false"}:
        return f"{quote}, `false` if it is a choice."
    if text.lower() in {"~", "null"}:
        return f"{quote}, or leave the key out."
    if re.fullmatch(r"[-+0_]*[1-9][0-9_]{0,17}", text):
        return f"{quote}, `{int(text.replace('_', ''))}` if it is a decimal number."
    return f"{quote}; numbers are written in plain decimal digits."
