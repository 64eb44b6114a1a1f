"""Reading a payload of which nothing is certain: each step says what is missing, and no value is repeated in a message."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from function_app.webhooks.push import Json, Malformed

NO_COMMIT = "0" * 40
_LONGEST_TEXT = 2000


def json_object(body: bytes) -> Json:
    """The body as a JSON object; raises Malformed."""
    try:
        payload = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise Malformed("The body is not UTF-8.") from None
    except (ValueError, RecursionError):
        raise Malformed("The body is not JSON.") from None
    return _mapping(payload, "The body")


def part(payload: Json, key: str) -> Json:
    """An object below a key; raises Malformed."""
    return _mapping(payload.get(key), f"`{key}`")


def parts(payload: Json, key: str) -> Sequence[Json]:
    """A list of objects below a key; raises Malformed."""
    value = payload.get(key)
    if not isinstance(value, list):
        raise Malformed(f"`{key}` is not a list.")
    return [_mapping(each, f"An item of `{key}`") for each in value]


def text(payload: Json, key: str) -> str:
    """A text that must be there; raises Malformed."""
    value = payload.get(key)
    if not isinstance(value, str) or not value or len(value) > _LONGEST_TEXT:
        raise Malformed(f"`{key}` is not a text of 1 to {_LONGEST_TEXT} characters.")
    return value


def texts(payload: Json, *keys: str) -> tuple[str, ...]:
    """The texts that are there among several keys."""
    found = [payload.get(key) for key in keys]
    return tuple(each for each in found if isinstance(each, str) and 0 < len(each) <= _LONGEST_TEXT)


def optional_text(payload: Json, *path: str) -> str:
    """A text somewhere below, empty when it or anything on the way to it is not there."""
    value: object = payload
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) and len(value) <= _LONGEST_TEXT else ""


def changed_paths(payload: Json, *, all_of: object, most: int) -> frozenset[str] | None:
    """The files that the listed commits touch; None unless the list is whole.

    `all_of` is how many commits there are, `most` how many the provider lists at the most. GitHub and GitLab alike give each
    commit's files in `added`, `modified` and `removed`.
    """
    commits = payload.get("commits")
    if not isinstance(commits, list) or not 0 < len(commits) < most or len(commits) != all_of:
        return None
    paths: set[str] = set()
    for commit in commits:
        lists = [commit.get(key) for key in ("added", "modified", "removed")] if isinstance(commit, dict) else [None]
        for each in lists:
            if not isinstance(each, list) or not all(isinstance(path, str) for path in each):
                return None
            paths.update(each)
    return frozenset(paths) if paths else None


def _mapping(value: object, what: str) -> Json:
    if not isinstance(value, Mapping):
        raise Malformed(f"{what} is not an object.")
    return value
