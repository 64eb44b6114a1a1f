"""Where the fold over commits can be taken up again: a cache, never a record. Losing it costs time and nothing else.

Belongs here: what the fold carries from commit to commit, and its JSON. Does not belong here: the fold.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from function_app.model import definitions
from function_app.model.names import Commit, TenantName

_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class BlobRef:
    """One version of a file, and which commit by whom wrote it, by which review. `blob` is empty for a deletion."""

    blob: str
    commit: Commit
    author: str
    approver: str = ""
    pull_request: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the fold knows after `commit`; the empty checkpoint stands before the first commit.

    `files` are in force, `held` are newest versions that are not, both by path relative to the definitions folder;
    `departed` is the last blob in force of each tenant that is no longer defined. `root` is the definitions folder.
    """

    commit: Commit | None = None
    files: Mapping[str, BlobRef] = field(default_factory=dict)
    departed: Mapping[TenantName, str] = field(default_factory=dict)
    held: Mapping[str, BlobRef] = field(default_factory=dict)
    root: str = ""

    def to_json(self) -> str:
        """As text for a file; the rules that made it are named in it."""
        fields = _CODEC.dump_python(self, mode="json")
        return json.dumps({"schema": _SCHEMA, "rules": rules_digest(), "checkpoint": fields}, sort_keys=True)


_CODEC = TypeAdapter(Checkpoint)


def from_json(text: str) -> Checkpoint | None:
    """A checkpoint; None for what is damaged, of another schema, or made by rules that differ from today's."""
    try:
        envelope = json.loads(text)
    except ValueError:
        return None
    if not isinstance(envelope, dict) or (envelope.get("schema"), envelope.get("rules")) != (_SCHEMA, rules_digest()):
        return None
    try:
        return _CODEC.validate_python(envelope.get("checkpoint"))
    except ValidationError:
        return None


@cache
def rules_digest() -> str:
    """Names the rules by which files are judged: a release with other rules folds all of history again."""
    models = Path(definitions.__file__).parent.glob("*definition*.py")
    sources = [*sorted(Path(__file__).parent.glob("*.py")), *sorted(models)]
    digest = hashlib.sha256()
    for source in sources:
        content = source.read_bytes()
        digest.update(f"{source.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]
