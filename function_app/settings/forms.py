"""How one setting is declared, and the kinds of text that settings are read from.

Each kind is a function that raises ValueError with what is wrong with a text, never with the text itself: it may be secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PREFIX = "EGRESS_"
_SHORTEST_SECRET = 16
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PARTS_OF_AN_HOUR = ("1", "2", "3", "4", "5", "6", "10", "12", "15", "20", "30", "60")


@dataclass(frozen=True, slots=True)
class Form:
    """One setting: `parse` reads it; without a default it is required.

    `name` is without the prefix; `meaning` says what it is for and why it is as it is; `unit` is empty for what is no quantity.
    The value of a `secret` is never shown.
    """

    name: str
    parse: Callable[[str], Any]
    meaning: str
    default: str | None
    example: str = ""
    unit: str = ""
    secret: bool = False

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name

    @property
    def required(self) -> bool:
        """Whether nothing works without it."""
        return self.default is None

    @property
    def advice(self) -> str:
        """The meaning and how to write it."""
        return f"{self.meaning} For example: {self.variable}={self.example or self.default}"


def text(value: str) -> str:
    """Anything that can be printed."""
    if any(not character.isprintable() for character in value):
        raise ValueError("holds a control character")
    return value


def not_an_option(value: str) -> str:
    """What no program takes for an option."""
    if value.startswith("-"):
        raise ValueError("begins with '-' and could be taken for an option")
    return text(value)


def repository(value: str) -> str:
    """Where a Git repository is; the adapter looks more closely."""
    if "::" in value.split("/", 1)[0]:
        raise ValueError("names a Git transport helper, which would run a program")
    return not_an_option(value)


def folder_in_repository(value: str) -> str:
    """A relative folder without dots."""
    parts = not_an_option(value).strip("/").split("/")
    if value.startswith("/") or ".." in parts:
        raise ValueError("must be a folder inside the repository")
    return "/".join(part for part in parts if part not in ("", "."))


def path(value: str) -> Path:
    """A file or folder of this machine."""
    return Path(text(value)).expanduser()


def optional[T](parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """None when it is not set."""
    return lambda value: parse(value) if value else None


def or_empty(parse: Callable[[str], str]) -> Callable[[str], str]:
    """Empty when it is not set."""
    return lambda value: parse(value) if value else ""


def seconds(lowest: float, highest: float) -> Callable[[str], float]:
    """A number of seconds within bounds."""

    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            raise ValueError("is not a number of seconds") from None
        if not lowest <= number <= highest:
            raise ValueError(f"must be between {lowest:g} and {highest:g} seconds")
        return number

    return parse


def url(value: str) -> str:
    """An https URL, or http to this machine alone: tokens travel to it."""
    try:
        parts = urlsplit(text(value))
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine:
        raise ValueError("is not a URL that begins with https://")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError("must not carry a user, a password or a query")
    if parts.scheme == "http" and not is_this_machine(parts.hostname):
        raise ValueError("is plain http, where anybody reads the token")
    return value.rstrip("/")


def webhook_url(value: str) -> str:
    """An https URL, or http to this machine alone, whose path or query is the secret."""
    parts = urlsplit(text(resolved(value)))
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(parts.hostname or ""))
    if not safe or not parts.hostname or parts.username is not None:
        raise ValueError("is not a URL that begins with https://")
    return value


def connection_string(value: str) -> str:
    """Application Insights' own form, `Key=value;Key=value`, of which it gives two."""
    parts = dict(part.partition("=")[::2] for part in text(resolved(value)).split(";"))
    if not _GUID.fullmatch(parts.get("InstrumentationKey", "")) or not parts.get("IngestionEndpoint", "").startswith(
        ("https://", "http://127.")
    ):
        raise ValueError("is no connection string with InstrumentationKey and an IngestionEndpoint by https")
    return value


def is_this_machine(host: str) -> bool:
    """Whether a host's name or address is the loopback's."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def container(value: str) -> str:
    """A blob container's name (learn.microsoft.com, Naming and referencing containers, blobs, and metadata)."""
    if not re.fullmatch(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", value):
        raise ValueError("is no container's name (3 to 63 lower-case letters, digits and single hyphens)")
    return value


def client_id(value: str) -> str:
    """A GUID."""
    if not _GUID.fullmatch(value):
        raise ValueError("is not a client id (a GUID)")
    return value.lower()


def resolved(value: str) -> str:
    """App Service leaves the reference itself in place of a vault's secret that it cannot read."""
    if value.startswith("@Microsoft.KeyVault("):
        raise ValueError("is a reference to a vault that could not be resolved")
    return value


def secret(value: str) -> str:
    """A text that nobody guesses."""
    if len(resolved(value)) < _SHORTEST_SECRET:
        raise ValueError(f"has fewer than {_SHORTEST_SECRET} characters and could be guessed")
    return value


def lines(value: str) -> str:
    r"""Several lines, whose ends may be written as \n, as in a setting that holds but one."""
    unfolded = resolved(value).replace("\\n", "\n").replace("\r\n", "\n")
    if any(not character.isprintable() and character not in "\n\t" for character in unfolded):
        raise ValueError("holds a control character")
    return unfolded


def private_key(value: str) -> str:
    """A private key in PEM or OpenSSH's armour; whether it is one says who uses it."""
    unfolded = lines(value)
    if not re.match(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n", unfolded):
        raise ValueError("does not begin with -----BEGIN ... PRIVATE KEY----- and a line end")
    return unfolded


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    """A whole number within bounds."""

    def parse(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", value) or not lowest <= int(value) <= highest:
            raise ValueError(f"must be a whole number between {lowest} and {highest}")
        return int(value)

    return parse


def minutes_of_an_hour(value: str) -> int:
    """What the Functions timer can repeat evenly."""
    if value not in _PARTS_OF_AN_HOUR:
        raise ValueError(f"must divide an hour evenly: {', '.join(_PARTS_OF_AN_HOUR)}")
    return int(value)


def one_of(*words: str) -> Callable[[str], str]:
    """One of these words, in any case."""

    def parse(value: str) -> str:
        for word in words:
            if value.lower() == word.lower():
                return word
        raise ValueError(f"must be one of {', '.join(words)}")

    return parse
