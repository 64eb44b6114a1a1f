"""Who may call: a key that the host asked for, or app roles that App Service authentication vouches for."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from function_app.service.callers import KEY_HOLDER, Entitlement, Right

ENTRA = Entitlement(entra=True, reader_role="Egress.Read", operator_role="Egress.Operate")
KEYS = Entitlement(entra=False, reader_role="Egress.Read", operator_role="Egress.Operate")
ROLE_TYPE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"


def principal(*claims: tuple[str, str], auth_typ: str = "aad", role_typ: str = ROLE_TYPE) -> dict[str, str]:
    """The header as App Service writes it."""
    value = {
        "auth_typ": auth_typ,
        "name_typ": "name",
        "role_typ": role_typ,
        "claims": [{"typ": kind, "val": value} for kind, value in claims],
    }
    return {"x-ms-client-principal": b64encode(json.dumps(value).encode()).decode()}


NAMED = ("preferred_username", "jo@example.com")
OID = ("http://schemas.microsoft.com/identity/claims/objectidentifier", "8f0d")


@pytest.mark.parametrize(
    ("roles", "rights"),
    [
        ((), set()),
        (("Egress.Read",), {Right.READ}),
        (("Egress.Operate",), {Right.READ, Right.OPERATE}),
        (("Egress.Read", "Egress.Operate"), {Right.READ, Right.OPERATE}),
        (("egress.operate", "Egress.Operate2", "Owner"), set()),
    ],
)
@pytest.mark.parametrize("kind", ["roles", ROLE_TYPE])
def test_app_roles_decide(kind: str, roles: tuple[str, ...], rights: set[Right]) -> None:
    """An operator is a reader too; any other role is none of ours."""
    caller = ENTRA.caller(principal(NAMED, OID, *((kind, role) for role in roles)))

    assert caller is not None
    assert ("jo@example.com (8f0d)", frozenset(rights)) == (caller.name, caller.rights)


STRANGERS = [
    {},
    {"x-ms-client-principal": ""},
    {"x-ms-client-principal": "***"},
    {"x-ms-client-principal": b64encode(b"[]").decode()},
    {"x-ms-client-principal": b64encode(b"\xff").decode()},
    {"x-ms-client-principal": b64encode(b'{"auth_typ": "aad", "claims": 7}').decode()},
    {"x-ms-client-principal": b64encode(b'{"auth_typ": "aad", "claims": [7, {"typ": 1}]}').decode()},
    {"x-ms-client-principal": "A" * 100_000},
    {"x-ms-client-principal-name": "jo@example.com"},
    principal(("roles", "Egress.Operate"), auth_typ="github"),
]


@pytest.mark.parametrize("headers", STRANGERS)
def test_everybody_else_is_a_stranger(headers: dict[str, str]) -> None:
    """No header, one that App Service does not write, another identity provider."""
    assert ENTRA.caller(headers) is None


def test_the_header_counts_only_where_app_service_writes_it() -> None:
    """Where the host asks for keys, anybody could send the header: it is not looked at."""
    caller = KEYS.caller(principal(NAMED, ("roles", "Egress.Operate")))

    assert caller is not None
    assert (KEY_HOLDER, frozenset(Right)) == (caller.name, caller.rights)


def test_a_name_is_short_and_printable() -> None:
    """It goes into logs and records."""
    caller = ENTRA.caller(principal(("name", "jo\n\x1b[2J" + "x" * 500), ("roles", "Egress.Read")))

    assert caller is not None
    assert caller.name.isprintable()
    assert len(caller.name) <= 120
