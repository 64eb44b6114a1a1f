"""What a delivery comes to, whoever sent it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

type Headers = Mapping[str, str]
"""A request's headers by lower-case name."""
type Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Push:
    """Branches or tags moved.

    `repositories` are addresses by which the provider knows the repository, `refs` are full refs, `commit` is what the delivery
    names (for people alone), `by` who pushed. `paths` are all files that changed, from the repository's root; None when the
    delivery does not tell them all.
    """

    repositories: tuple[str, ...]
    refs: tuple[str, ...]
    commit: str = ""
    by: str = ""
    paths: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """A genuine delivery that asks for nothing, and why in words."""

    because: str


class Malformed(ValueError):
    """Not the shape that the provider publishes; says where, never what was there."""


class Provider(Protocol):
    """One kind of sender."""

    def verify(self, headers: Headers, body: bytes, secrets: Sequence[str]) -> bool:
        """Whether whoever sent these bytes knows one of the secrets."""

    def parse(self, headers: Headers, payload: Json) -> Push | Ignored:
        """What a genuine delivery says; raises Malformed."""
