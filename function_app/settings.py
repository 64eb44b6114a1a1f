"""The only reader of the environment.

Each setting is one field below with its name, its form, its default and what it is for; units stand in the names. All settings that
are missing or wrong are reported at once. Nothing is opened here: whether a file that a setting names can be read is said by
whoever reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Self, get_args, get_type_hints
from urllib.parse import urlsplit

from function_app.model.errors import SettingsError

PREFIX = "EGRESS_"
_SHORTEST_SECRET = 16
_PARTS_OF_AN_HOUR = ("1", "2", "3", "4", "5", "6", "10", "12", "15", "20", "30", "60")


class CredentialKind(StrEnum):
    """Who vouches for us towards Entra. There is no chain that tries one after the other: it hides which one was used."""

    MANAGED_IDENTITY = "managed-identity"
    AZURE_CLI = "azure-cli"


class Callers(StrEnum):
    """Who says who may call the service's routes besides webhook and health.

    With FUNCTION_KEY the Functions host lets in who shows a key; with ENTRA App Service authentication, which must be on, says
    who calls and with which app roles. Its header counts then alone: without it, anybody could send that header.
    """

    FUNCTION_KEY = "function-key"
    ENTRA = "entra"


@dataclass(frozen=True, slots=True)
class _Form:
    """How one setting is read: `parse` raises ValueError with what is wrong; without a default it is required.

    `meaning` says what it is for and why it is as it is; `name` is without the prefix. The value of a `secret` is never shown.
    """

    name: str
    parse: Callable[[str], Any]
    meaning: str
    default: str | None
    example: str = ""
    secret: bool = False

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name

    @property
    def advice(self) -> str:
        """The meaning and how to write it."""
        return f"{self.meaning} For example: {self.variable}={self.example or self.default}"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One line of `egressctl settings`. `value` shows no secret, and is empty when the setting is not set."""

    name: str
    value: str
    default: str
    meaning: str


def _text(value: str) -> str:
    if any(not character.isprintable() for character in value):
        raise ValueError("holds a control character")
    return value


def _not_an_option(value: str) -> str:
    if value.startswith("-"):
        raise ValueError("begins with '-' and could be taken for an option")
    return _text(value)


def _repository(value: str) -> str:
    if "::" in value.split("/", 1)[0]:
        raise ValueError("names a Git transport helper, which would run a program")
    return _not_an_option(value)


def _folder_in_repository(value: str) -> str:
    parts = _not_an_option(value).strip("/").split("/")
    if value.startswith("/") or ".." in parts:
        raise ValueError("must be a folder inside the repository")
    return "/".join(part for part in parts if part not in ("", "."))


def _path(value: str) -> Path:
    return Path(_text(value)).expanduser()


def _optional[T](parse: Callable[[str], T]) -> Callable[[str], T | None]:
    return lambda value: parse(value) if value else None


def _or_empty(parse: Callable[[str], str]) -> Callable[[str], str]:
    return lambda value: parse(value) if value else ""


def _seconds(lowest: float, highest: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        try:
            seconds = float(value)
        except ValueError:
            raise ValueError("is not a number of seconds") from None
        if not lowest <= seconds <= highest:
            raise ValueError(f"must be between {lowest:g} and {highest:g} seconds")
        return seconds

    return parse


def _url(value: str) -> str:
    """An https URL, or http to this machine alone: tokens travel to it."""
    try:
        parts = urlsplit(_text(value))
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine:
        raise ValueError("is not a URL that begins with https://")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError("must not carry a user, a password or a query")
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise ValueError("is plain http, where anybody reads the token")
    return value.rstrip("/")


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _container(value: str) -> str:
    if not re.fullmatch(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", value):
        raise ValueError("is no container's name (3 to 63 lower-case letters, digits and single hyphens)")
    return value


def _client_id(value: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value):
        raise ValueError("is not a client id (a GUID)")
    return value.lower()


def _secret(value: str) -> str:
    """A text that nobody guesses. App Service leaves the reference itself in place of a vault's secret that it cannot read."""
    if value.startswith("@Microsoft.KeyVault("):
        raise ValueError("is a reference to a vault that could not be resolved")
    if len(value) < _SHORTEST_SECRET:
        raise ValueError(f"has fewer than {_SHORTEST_SECRET} characters and could be guessed")
    return value


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", value) or not lowest <= int(value) <= highest:
            raise ValueError(f"must be a whole number between {lowest} and {highest}")
        return int(value)

    return parse


def _minutes_of_an_hour(value: str) -> int:
    if value not in _PARTS_OF_AN_HOUR:
        raise ValueError(f"must divide an hour evenly: {', '.join(_PARTS_OF_AN_HOUR)}")
    return int(value)


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        for word in words:
            if value.lower() == word.lower():
                return word
        raise ValueError(f"must be one of {', '.join(words)}")

    return parse


def _callers(value: str) -> Callers:
    return Callers(_one_of(*Callers)(value))


def _credential(value: str) -> CredentialKind:
    return CredentialKind(_one_of(*CredentialKind)(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that differs between one installation and another. An empty variable counts as not set."""

    repository: Annotated[
        str,
        _Form(
            "REPOSITORY",
            _repository,
            "The Git repository with the definitions: a URL, or the path of a local one.",
            default=None,
            example="https://github.com/example/egress.git",
        ),
    ] = field(repr=False)
    ref: Annotated[
        str,
        _Form(
            "REF",
            _not_an_option,
            "The branch, tag or commit whose definitions are in force.",
            default="main",
        ),
    ]
    definitions_folder: Annotated[
        str,
        _Form(
            "DEFINITIONS_FOLDER",
            _folder_in_repository,
            "The folder of the repository that holds the definitions.",
            default="gitops",
        ),
    ]
    state_folder: Annotated[
        Path,
        _Form(
            "STATE_FOLDER",
            _path,
            "Where ledger, state, leases and the copy of the repository are kept. Losing it stops new ranges for one quarantine.",
            default=".state",
        ),
    ]
    storage_account: Annotated[
        str,
        _Form(
            "STORAGE_ACCOUNT",
            _or_empty(_url),
            "The URL for blobs of the storage account that keeps ledger, state, leases, queue; without it the state folder does.",
            default="",
            example="https://egressweu.blob.core.windows.net",
        ),
    ]
    storage_queues: Annotated[
        str,
        _Form(
            "STORAGE_QUEUES",
            _or_empty(_url),
            "The storage account's URL for queues; without it the one that belongs to the URL for blobs.",
            default="",
            example="https://egressweu.queue.core.windows.net",
        ),
    ]
    storage_container: Annotated[
        str,
        _Form(
            "STORAGE_CONTAINER",
            _container,
            "The container of that account. Emptying it stops new ranges for one quarantine.",
            default="egress-gitops",
        ),
    ]
    storage_key_file: Annotated[
        Path | None,
        _Form(
            "STORAGE_KEY_FILE",
            _optional(_path),
            "A file with the account's key, for an emulator; without it the identity that EGRESS_AZURE_CREDENTIAL names counts.",
            default="",
            example="/run/egress/storage.key",
        ),
    ]
    kubeconfig: Annotated[
        Path | None,
        _Form(
            "KUBECONFIG",
            _optional(_path),
            "A kubeconfig with a context per cluster, named as the cluster. When set, it goes before what definitions say.",
            default="",
            example="/etc/egress/kubeconfig",
        ),
    ]
    kube_token_file: Annotated[
        Path | None,
        _Form(
            "KUBE_TOKEN_FILE",
            _optional(_path),
            "The token for clusters whose definition gives an address; read at each request, so that it can be rotated.",
            default="",
            example="/var/run/secrets/egress/token",
        ),
    ]
    arm_endpoint: Annotated[
        str,
        _Form(
            "ARM_ENDPOINT",
            _url,
            "Azure Resource Manager; another address for a sovereign cloud.",
            default="https://management.azure.com",
        ),
    ]
    arm_token_file: Annotated[
        Path | None,
        _Form(
            "ARM_TOKEN_FILE",
            _optional(_path),
            "A fixed token for Azure instead of one from Entra, for a simulated Azure.",
            default="",
            example="/run/egress/arm-token",
        ),
    ]
    azure_credential: Annotated[
        CredentialKind,
        _Form(
            "AZURE_CREDENTIAL",
            _credential,
            "Who vouches for us towards Entra: managed-identity in Azure, azure-cli at a desk. There is no chain that tries both.",
            default=CredentialKind.MANAGED_IDENTITY,
        ),
    ]
    azure_client_id: Annotated[
        str,
        _Form(
            "AZURE_CLIENT_ID",
            _or_empty(_client_id),
            "The client id of a user-assigned managed identity; without it the system-assigned one counts.",
            default="",
            example="11111111-2222-3333-4444-555555555555",
        ),
    ]
    ca_file: Annotated[
        Path | None,
        _Form(
            "CA_FILE",
            _optional(_path),
            "Certificate authorities in PEM for Azure and for clusters that name none; without it the system's.",
            default="",
            example="/etc/egress/ca.pem",
        ),
    ]
    time_source: Annotated[
        str,
        _Form(
            "TIME_SOURCE",
            _or_empty(_url),
            "A URL whose answers carry the time in their Date header; without it this machine's clock counts.",
            default="",
            example="https://127.0.0.1:8443/_control/state",
        ),
    ]
    connect_timeout_seconds: Annotated[
        float,
        _Form(
            "CONNECT_TIMEOUT_SECONDS",
            _seconds(0.1, 60),
            "Seconds for a connection to a target to come about; short, since a dead target delays its own attachments.",
            default="5",
        ),
    ]
    read_timeout_seconds: Annotated[
        float,
        _Form(
            "READ_TIMEOUT_SECONDS",
            _seconds(0.1, 300),
            "Seconds of silence after which a target counts as not answering; a large listing may take some.",
            default="30",
        ),
    ]
    late_target_grace_seconds: Annotated[
        float,
        _Form(
            "LATE_TARGET_GRACE_SECONDS",
            _seconds(0, 60),
            "Seconds that a pass waits for a late target once all the others have answered.",
            default="2",
        ),
    ]
    late_target_limit_seconds: Annotated[
        float,
        _Form(
            "LATE_TARGET_LIMIT_SECONDS",
            _seconds(1, 600),
            "Seconds within which a late target is still planned alone when it answers.",
            default="60",
        ),
    ]
    log_level: Annotated[
        str,
        _Form(
            "LOG_LEVEL",
            _one_of("DEBUG", "INFO", "WARNING", "ERROR"),
            "The least important level that is logged.",
            default="INFO",
        ),
    ]
    author: Annotated[
        str,
        _Form(
            "AUTHOR",
            _text,
            "Who is recorded for blocks, waivers and forgets given at a terminal; without it the login name.",
            default="",
            example="jo@example.com",
        ),
    ]
    webhook_provider: Annotated[
        str,
        _Form(
            "WEBHOOK_PROVIDER",
            _or_empty(_one_of("github", "azure-devops", "gitlab", "generic")),
            "Who sends webhooks: github, azure-devops, gitlab or generic (an HMAC of one's own). Without it none is accepted.",
            default="",
            example="github",
        ),
    ]
    webhook_secret: Annotated[
        str,
        _Form(
            "WEBHOOK_SECRET",
            _or_empty(_secret),
            "The secret that the provider shares with us, at least 16 characters; without it no webhook is accepted.",
            default="",
            example="the output of: openssl rand -hex 32",
            secret=True,
        ),
    ] = field(repr=False)
    webhook_second_secret: Annotated[
        str,
        _Form(
            "WEBHOOK_SECOND_SECRET",
            _or_empty(_secret),
            "A second secret that counts as well, so that the first can be replaced without losing a delivery.",
            default="",
            example="the output of: openssl rand -hex 32",
            secret=True,
        ),
    ] = field(repr=False)
    webhook_repository: Annotated[
        str,
        _Form(
            "WEBHOOK_REPOSITORY",
            _or_empty(_text),
            "The repository as the provider names it, where that differs from EGRESS_REPOSITORY.",
            default="",
            example="example/egress",
        ),
    ] = field(repr=False)
    webhook_body_bytes: Annotated[
        int,
        _Form(
            "WEBHOOK_BODY_BYTES",
            _whole(1024, 26214400),
            "The largest webhook that is read. What is beyond is refused, and the timer brings it. Set "
            "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT as well: the host reads a body before we see it.",
            default="4194304",
        ),
    ]
    callers: Annotated[
        Callers,
        _Form(
            "CALLERS",
            _callers,
            "Who may call: function-key (the host asks for a key), or entra (app roles; App Service authentication must be on).",
            default=Callers.FUNCTION_KEY,
        ),
    ]
    reader_role: Annotated[
        str,
        _Form(
            "READER_ROLE",
            _text,
            "With EGRESS_CALLERS=entra: the app role that may see status, plan and whois.",
            default="Egress.Read",
        ),
    ]
    operator_role: Annotated[
        str,
        _Form(
            "OPERATOR_ROLE",
            _text,
            "With EGRESS_CALLERS=entra: the app role that may, besides, ask for passes, waive, block and unblock.",
            default="Egress.Operate",
        ),
    ]
    drift_minutes: Annotated[
        int,
        _Form(
            "DRIFT_MINUTES",
            _minutes_of_an_hour,
            "Every so many minutes each hub is looked at without anybody asking, hubs spread over that time.",
            default="10",
        ),
    ]

    @property
    def queue_endpoint(self) -> str:
        """The storage account's URL for queues, empty without an account."""
        return self.storage_queues or _queues_beside(self.storage_account)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """The settings in these variables; raises SettingsError that lists everything missing or wrong."""
        values: dict[str, Any] = {}
        problems = _misspelled(environ)
        for key, form in _forms().items():
            text = environ.get(form.variable, "").strip() or form.default
            if text is None:
                problems.append(f"{form.variable} is not set. {form.advice}")
                continue
            try:
                values[key] = form.parse(text)
            except ValueError as error:
                problems.append(f"{form.variable} {error}. {form.advice}")
        problems += _together(values)
        if problems:
            raise SettingsError("\n".join(problems))
        return cls(**values)

    def describe(self) -> tuple[SettingRow, ...]:
        """One row per setting, in the order of their definition, without secrets."""
        return tuple(
            SettingRow(form.variable, _hidden(form, getattr(self, key)), form.default or "", form.meaning)
            for key, form in _forms().items()
        )


def _forms() -> dict[str, _Form]:
    """Each field's form, which stands in its annotation."""
    hints = get_type_hints(Settings, include_extras=True)
    return {each.name: get_args(hints[each.name])[1] for each in fields(Settings)}


def _together(values: Mapping[str, Any]) -> list[str]:
    """Rules between settings, as far as each is right by itself."""
    problems: list[str] = []
    grace, limit = values.get("late_target_grace_seconds"), values.get("late_target_limit_seconds")
    if grace is not None and limit is not None and grace > limit:
        problems.append(
            f"{PREFIX}LATE_TARGET_GRACE_SECONDS ({grace:g}) must not exceed {PREFIX}LATE_TARGET_LIMIT_SECONDS ({limit:g})."
        )
    return problems + _storage_together(values)


def _storage_together(values: Mapping[str, Any]) -> list[str]:
    account = values.get("storage_account")
    if account is None:
        return []
    if account:
        found = values.get("storage_queues") != "" or _queues_beside(account)
        return [] if found else [f"{PREFIX}STORAGE_QUEUES is needed: it cannot be told from {PREFIX}STORAGE_ACCOUNT."]
    idle = [key for key in ("storage_queues", "storage_key_file") if values.get(key)]
    return [
        f"{_forms()[key].variable} is set without {PREFIX}STORAGE_ACCOUNT, so nothing would be kept there."
        for key in idle
    ]


def _queues_beside(blobs: str) -> str:
    """The URL for queues of the account with this URL for blobs, empty when the host's name does not tell."""
    host = urlsplit(blobs).netloc
    account, mark, suffix = host.partition(".blob.")
    return f"https://{account}.queue.{suffix}" if mark and blobs == f"https://{host}" else ""


def _misspelled(environ: Mapping[str, str]) -> list[str]:
    """Variables that are nearly one of ours: a setting that silently does nothing is worse than none."""
    known = [form.variable for form in _forms().values()]
    problems: list[str] = []
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.85)
            problems += [f"{name} is no setting; did you mean {near[0]}?"] if near else []
    return problems


def _hidden(form: _Form, value: object) -> str:
    shown = _masked(_shown(value))
    return "***" if form.secret and shown else shown


def _masked(value: str) -> str:
    """A value without the user information and the query of a URL."""
    return re.sub(r"\?\S*", "?***", re.sub(r"(?<=://)[^/\s]*@", "***@", value))


def _shown(value: object) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
