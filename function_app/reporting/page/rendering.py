"""Content into HTML. Everything that others wrote is escaped by Jinja2; style and script are named by their hashes in the CSP."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from function_app.reporting.page.addresses import GAP, ROW, WIDTH
from function_app.reporting.page.content import HubContent
from function_app.reporting.words import STAGES, plain, short

MANY = 12
"""More quiet attachments than this are folded away."""


@dataclass(frozen=True, slots=True)
class Page:
    """The whole file, and the content security policy that it holds to."""

    html: str
    policy: str


def render(
    hubs: Sequence[HubContent],
    now: datetime,
    *,
    found: Mapping[str, Any] | None = None,
    asked: str = "",
    problem: str = "",
) -> Page:
    """One page over all hubs. `found` is the answer to the address that was asked for, `problem` why there is none.

    Without `asked` being possible (a file) the search works by script alone.
    """
    policy = _policy()
    html = _template().render(
        hubs=hubs,
        now=now,
        found=found,
        asked=asked,
        problem=problem,
        policy=policy,
        style=_asset("page.css"),
        script=_asset("page.js"),
        stages=[str(stage) for stage in STAGES],
        width=WIDTH,
        row=ROW,
        gap=GAP,
        many=MANY,
    )
    return Page(html, policy)


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("function_app.reporting.page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["short"] = short
    found.filters["plain"] = plain
    found.filters["thousands"] = lambda number: f"{number:,}"
    return found


@cache
def _template() -> Any:
    return _environment().get_template("page.html.jinja")


@cache
def _asset(name: str) -> str:
    loader = _environment().loader
    assert isinstance(loader, PackageLoader)  # noqa: S101 - set two functions above
    return loader.get_source(_environment(), name)[0].strip()


def _policy() -> str:
    style, script = (_hash(_asset(name)) for name in ("page.css", "page.js"))
    return f"default-src 'none'; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'self'"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
