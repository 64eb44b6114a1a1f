"""Which function an HTTP request is for, and whether the host lets it through: from what the app's index says. Pure.

As the Functions host does it (learn.microsoft.com, "Azure Functions HTTP trigger"): routes below the prefix of host.json, `{name}`
parts, methods; a level above anonymous asks for a key in `x-functions-key` or `?code=`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

_ROOT = re.compile(r"\{\w+:maxlength\(0\)\?\}")
"""A part that may be absent and cannot be anything: how an app writes its root, since an empty route means the function's name."""
KEY_HEADER = "x-functions-key"
KEY_PARAMETER = "code"
PRINCIPAL = "x-ms-client-principal"
"""Headers of App Service authentication begin so; where it is on, nobody outside can send one, where it is off, nobody should."""


@dataclass(frozen=True, slots=True)
class Route:
    """One HTTP function."""

    function: str
    pattern: re.Pattern[str]
    methods: frozenset[str]
    anonymous: bool


@dataclass(frozen=True, slots=True)
class Routes:
    """All HTTP functions of an app; `key` opens those that ask for one."""

    routes: tuple[Route, ...]
    key: str

    @classmethod
    def of(cls, index: Mapping[str, Any], prefix: str, key: str) -> Routes:
        """From the worker's index (`{functions: {NAME: [BINDING]}}`)."""
        found = [(name, each) for name, bindings in index["functions"].items() for each in bindings]
        return cls(tuple(_route(name, each, prefix) for name, each in found if each["type"] == "httpTrigger"), key)

    def find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
        """The function and its route's values, None when there is none; a wrong method counts as no such path."""
        for route in self.routes:
            found = route.pattern.fullmatch(path)
            if found and method in route.methods:
                return route, {name: unquote(value) for name, value in found.groupdict().items()}
        return None

    def admits(self, route: Route, headers: Mapping[str, str], query: Mapping[str, str]) -> bool:
        """Whether the host lets the request through; `headers` are by lower-case name."""
        return route.anonymous or self.has_key(headers, query)

    def has_key(self, headers: Mapping[str, str], query: Mapping[str, str]) -> bool:
        """Whether a key is shown, and is the right one."""
        shown = headers.get(KEY_HEADER) or query.get(KEY_PARAMETER, "")
        return hmac.compare_digest(shown.encode(), self.key.encode())


def without_principal(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers by lower-case name, less those that only App Service authentication may set."""
    return {name.lower(): value for name, value in headers if not name.lower().startswith(PRINCIPAL)}


def _route(name: str, binding: Mapping[str, Any], prefix: str) -> Route:
    route = binding["route"] if not _ROOT.fullmatch(binding["route"]) else ""
    path = "/".join(part for part in (prefix.strip("/"), route.strip("/")) if part)
    parts = re.split(r"\{(\w+)\}", path)
    pattern = "".join(f"(?P<{part}>[^/]+)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    methods = frozenset(each.upper() for each in binding.get("methods") or ("GET", "POST"))
    return Route(name, re.compile(f"/{pattern}/?"), methods, binding["authLevel"].upper() == "ANONYMOUS")
