"""What all definitions share: their settings, and the forms of single values with what editors show of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

API_VERSION = "egress-gitops.io/v1alpha1"


class Definition(BaseModel):
    """Common settings: frozen, strict, camelCase in files, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


DnsLabel = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        max_length=63,
        description="A name: lower-case letters, digits and hyphens, at most 63, beginning and ending with a letter or digit",
    ),
]
TenantId = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        max_length=40,
        description="A tenant's name: lower-case letters, digits and inner hyphens, at most 40",
        examples=["tenant0"],
    ),
]
RuleId = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        max_length=60,
        description="The rule's name: lower-case letters, digits, hyphens and dots, at most 60",
        examples=["vendor-api"],
    ),
]
Cidr = Annotated[str, Field(description="An IPv4 range without host bits", examples=["10.99.0.0/29"])]
Address = Annotated[str, Field(description="An IPv4 address", examples=["10.0.1.4"])]
Port = Annotated[
    str, Field(description='One port, a range or "*", in quotes: "443", "8000-8010"', examples=["443", "8000-8010"])
]
WebProtocol = Annotated[
    str,
    Field(
        pattern=r"^(http|https|mssql):[0-9]{1,5}$",
        description='Protocol and port in quotes: "https:443"; the protocols are http, https and mssql',
        examples=["https:443", "http:80"],
    ),
]
Day = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        description='The last day on which the rule holds, in quotes: "2027-06-30"',
        examples=["2027-06-30"],
    ),
]
Quantity = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?(m|k|M|G|Ki|Mi|Gi)?$",
        description='A Kubernetes quantity: "250m", "0.5", "128Mi"',
        examples=["250m", "128Mi"],
    ),
]
AzureName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]{0,78}[A-Za-z0-9_])?$",
        description="An Azure name: letters, digits, `-`, `_` and `.`, at most 80",
    ),
]
LabelKey = Annotated[
    str,
    Field(
        pattern=r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$",
        description="A Kubernetes label key: letters, digits, `-`, `_` and `.`, with an optional `domain/` in front",
    ),
]
LabelValue = Annotated[
    str,
    Field(
        pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$",
        description="A Kubernetes label value: letters, digits, `-`, `_` and `.`, at most 63",
    ),
]


class Metadata(Definition):
    """A definition's identity; the file is named after it."""

    name: DnsLabel


class DriftMode(StrEnum):
    """What to do with drift: undo it, or only say it."""

    CORRECT = "correct"
    REPORT = "report"


class ApplyMode(StrEnum):
    """Which changes of tenants are applied: all that are merged, or those that mean what was shown and approved."""

    MERGED = "merged"
    REVIEWED = "reviewed"


class Expectation(Definition):
    """A statement about the resulting firewall policy."""

    reach: Annotated[
        str,
        Field(
            min_length=1,
            max_length=300,
            description="A URL: https, http, mssql, tcp or udp, with a port for the last three; or an address or range, for all "
            "transports and ports there",
            examples=["https://www.example.com", "tcp://198.51.100.20:443", "169.254.169.254", "10.0.2.0/24"],
        ),
    ]
    verdict: Annotated[Literal["allow", "deny"], Field(description="What the firewall is to say: allow or deny")]
