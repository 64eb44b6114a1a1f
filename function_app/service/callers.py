"""Who calls, and what they may.

App Service authentication verifies a caller's Entra token and hands its claims on in a header, which nobody outside can set
while it is on (learn.microsoft.com, "Work with user identities in Azure App Service authentication"). Where it is off, anybody
can: so the header counts only in an installation whose settings say that it is on. Elsewhere the Functions host lets nobody
through to these routes who does not show a key.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

PRINCIPAL = "x-ms-client-principal"
KEY_HOLDER = "holder of a function key"
_LONGEST_HEADER = 64 * 1024
_LONGEST_NAME = 120
_ROLE_CLAIMS = ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role")
_NAME_CLAIMS = (
    "preferred_username",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "name",
    "azp",
    "appid",
)
_ID_CLAIMS = ("http://schemas.microsoft.com/identity/claims/objectidentifier", "oid")


class Right(StrEnum):
    """What a route asks of its caller."""

    READ = "read"
    OPERATE = "operate"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who is known; `name` is what gets recorded."""

    name: str
    rights: frozenset[Right]


@dataclass(frozen=True, slots=True)
class Entitlement:
    """How callers are known here. `entra` says that App Service authentication is on; else the host asks for keys."""

    entra: bool
    reader_role: str
    operator_role: str

    def caller(self, headers: Mapping[str, str]) -> Caller | None:
        """Who calls, from headers by lower-case name; None for a stranger."""
        if not self.entra:
            return Caller(KEY_HOLDER, frozenset(Right))
        claims = list(_claims(headers.get(PRINCIPAL, "")))
        if not claims:
            return None
        roles = {value for kind, value in claims if kind in _ROLE_CLAIMS}
        rights = {Right.READ} if {self.reader_role, self.operator_role} & roles else set[Right]()
        if self.operator_role in roles:
            rights.add(Right.OPERATE)
        return Caller(_name(claims), frozenset(rights))


def _claims(header: str) -> Iterator[tuple[str, str]]:
    """The claims as (type, value); none when it is not what App Service writes, or not about an Entra token."""
    if not header or len(header) > _LONGEST_HEADER:
        return
    try:
        principal = json.loads(b64decode(header, validate=True))
    except (ValueError, RecursionError):
        return
    if not isinstance(principal, dict) or principal.get("auth_typ") != "aad":
        return
    claims, role_type = principal.get("claims"), principal.get("role_typ")
    for claim in claims if isinstance(claims, list) else ():
        kind, value = (claim.get("typ"), claim.get("val")) if isinstance(claim, dict) else (None, None)
        if isinstance(kind, str) and isinstance(value, str):
            yield (_ROLE_CLAIMS[0] if kind == role_type else kind), value


def _name(claims: list[tuple[str, str]]) -> str:
    """A name for people and the object's id, which no rename changes."""
    name, identity = _first(claims, _NAME_CLAIMS), _first(claims, _ID_CLAIMS)
    words = f"{name} ({identity})" if name and identity else name or identity or "nameless"
    return "".join(each if each.isprintable() else "?" for each in words)[:_LONGEST_NAME]


def _first(claims: list[tuple[str, str]], kinds: tuple[str, ...]) -> str:
    return next((value for kind in kinds for claimed, value in claims if claimed == kind and value), "")
