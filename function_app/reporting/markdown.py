"""Text from definitions, file names and messages as Markdown that does what we wrote and nothing else.

What others wrote may hold Markdown, HTML, mentions and links. In a code span nothing of that acts; in prose each sign that
could is taken its meaning.
"""

from __future__ import annotations

import re
from html import escape

_SIGNS = re.compile(r"([\\`*_\[\]|<>~&$])")
_LONGEST = 700


def code(text: str) -> str:
    """A code span: one line, no back-quote, also in a table."""
    return f"`{_one_line(text).replace('`', chr(0x2019)).replace('|', chr(0x2758)) or ' '}`"


def prose(text: str) -> str:
    """A sentence in which what stands between back-quotes is code and everything else is plain text."""
    parts = _one_line(text).split("`")
    # An odd number of back-quotes leaves the last one without a partner: it is a sign like any other.
    if len(parts) % 2 == 0:
        parts[-2:] = ["`".join(parts[-2:])]
    return "".join(code(part) if index % 2 else _plain(part) for index, part in enumerate(parts))


def html(text: str) -> str:
    """Plain text where the host reads HTML and no Markdown, such as a summary."""
    return _unlinked(escape(_one_line(text)))


def _plain(text: str) -> str:
    return _unlinked(_SIGNS.sub(r"\\\1", text))


def _unlinked(text: str) -> str:
    """Mentions, references and bare addresses are linked by the host after all else: a space of no width parts them."""
    return re.sub(r"(@|#|:(?=//)|www(?=\.))", "\\1\u200b", text)


def _one_line(text: str) -> str:
    shown = "".join(character if character.isprintable() else " " for character in text)
    shown = re.sub(r" {2,}", " ", shown).strip(" ") if shown.strip() else ""
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 3]}..."
