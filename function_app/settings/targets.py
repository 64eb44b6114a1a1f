"""Clusters and Azure: who we are to them, and how patiently they are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from function_app.settings import forms
from function_app.settings.forms import Form


class CredentialKind(StrEnum):
    """Who vouches for us towards Entra. There is no chain that tries one after the other: it hides which one was used."""

    MANAGED_IDENTITY = "managed-identity"
    AZURE_CLI = "azure-cli"


def _credential(value: str) -> CredentialKind:
    return CredentialKind(forms.one_of(*CredentialKind)(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """How clusters are reached."""

    kubeconfig: Annotated[
        Path | None,
        Form(
            "KUBECONFIG",
            forms.optional(forms.path),
            "A kubeconfig with a context per cluster, named as the cluster. When set, it goes before what definitions say.",
            default="",
            example="/etc/egress/kubeconfig",
        ),
    ]
    token_file: Annotated[
        Path | None,
        Form(
            "KUBE_TOKEN_FILE",
            forms.optional(forms.path),
            "The token for clusters whose definition gives an address; read at each request, so that it can be rotated.",
            default="",
            example="/var/run/secrets/egress/token",
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureSettings:
    """How Azure is reached, and who vouches for us."""

    endpoint: Annotated[
        str,
        Form(
            "ARM_ENDPOINT",
            forms.url,
            "Azure Resource Manager; another address for a sovereign cloud.",
            default="https://management.azure.com",
        ),
    ]
    token_file: Annotated[
        Path | None,
        Form(
            "ARM_TOKEN_FILE",
            forms.optional(forms.path),
            "A fixed token for Azure instead of one from Entra, for a simulated Azure.",
            default="",
            example="/run/egress/arm-token",
        ),
    ]
    credential: Annotated[
        CredentialKind,
        Form(
            "AZURE_CREDENTIAL",
            _credential,
            "Who vouches for us towards Entra: managed-identity in Azure, azure-cli at a desk. There is no chain that tries both.",
            default=CredentialKind.MANAGED_IDENTITY,
        ),
    ]
    client_id: Annotated[
        str,
        Form(
            "AZURE_CLIENT_ID",
            forms.or_empty(forms.client_id),
            "The client id of a user-assigned managed identity; without it the system-assigned one counts.",
            default="",
            example="11111111-2222-3333-4444-555555555555",
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSettings:
    """What holds for every call to the outside."""

    ca_file: Annotated[
        Path | None,
        Form(
            "CA_FILE",
            forms.optional(forms.path),
            "Certificate authorities in PEM for Azure and for clusters that name none; without it the system's.",
            default="",
            example="/etc/egress/ca.pem",
        ),
    ]
    time_source: Annotated[
        str,
        Form(
            "TIME_SOURCE",
            forms.or_empty(forms.url),
            "A URL whose answers carry the time in their Date header; without it this machine's clock counts.",
            default="",
            example="https://127.0.0.1:8443/_control/state",
        ),
    ]
    connect_timeout_seconds: Annotated[
        float,
        Form(
            "CONNECT_TIMEOUT_SECONDS",
            forms.seconds(0.1, 60),
            "Seconds for a connection to a target to come about; short, since a dead target delays its own attachments.",
            default="5",
            unit="seconds",
        ),
    ]
    read_timeout_seconds: Annotated[
        float,
        Form(
            "READ_TIMEOUT_SECONDS",
            forms.seconds(0.1, 300),
            "Seconds of silence after which a target counts as not answering; a large listing may take some.",
            default="30",
            unit="seconds",
        ),
    ]
    late_target_grace_seconds: Annotated[
        float,
        Form(
            "LATE_TARGET_GRACE_SECONDS",
            forms.seconds(0, 60),
            "Seconds that a pass waits for a late target once all the others have answered.",
            default="2",
            unit="seconds",
        ),
    ]
    late_target_limit_seconds: Annotated[
        float,
        Form(
            "LATE_TARGET_LIMIT_SECONDS",
            forms.seconds(1, 600),
            "Seconds within which a late target is still planned alone when it answers.",
            default="60",
            unit="seconds",
        ),
    ]


def together(values: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong between settings, as far as each is right by itself; `values` are by variable."""
    grace, limit = "EGRESS_LATE_TARGET_GRACE_SECONDS", "EGRESS_LATE_TARGET_LIMIT_SECONDS"
    if grace in values and limit in values and values[grace] > values[limit]:
        yield f"{grace} ({values[grace]:g}) must not exceed {limit} ({values[limit]:g})."
