"""A tenant's file: a new one with the comments that its owner will want, and edits of one that change nothing else in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

SCHEMA_LINE = "# yaml-language-server: $schema=../../schemas/tenant.schema.json\n"
_ENDLESS = 1 << 16
"""No line is folded that a person wrote as one."""


class NoSuchEdit(ValueError):
    """What was to be edited is not there, in words."""


@dataclass(frozen=True, slots=True)
class NewTenant:
    """What has to be known of a tenant."""

    name: str
    team: str
    contact: str
    cluster: str
    cidr: str
    namespaces: tuple[str, ...]
    fqdns: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    replicas: int = 2
    on_removal: str = "node"


def new_file(tenant: NewTenant) -> str:
    """The file, with its schema line; what is not asked for stands there as a comment."""
    lines = [
        SCHEMA_LINE.rstrip(),
        "# A tenant is one file: its ranges, its namespaces, and what it may reach. All else is denied.",
        "apiVersion: egress-gitops.io/v1alpha1",
        "kind: Tenant",
        "metadata:",
        _with(f"  name: {_plain(tenant.name)}", "the file's name without .yaml"),
        "spec:",
        f"  owner: {{team: {_plain(tenant.team)}, contact: {_plain(tenant.contact)}}}",
        _with(f"  onRemoval: {tenant.on_removal}", "node: pods then leave as their node; block: not at all"),
        "  attachments:",
        f"    - cluster: {_plain(tenant.cluster)}",
        _with(f"      cidr: {tenant.cidr}", "inside the cluster's egressCIDR, nobody else's"),
        _with(f"      namespaces: {_list(tenant.namespaces)}", "their pods leave through the gateway"),
        f"      gateway: {{replicas: {tenant.replicas}}}",
        *_egress(tenant),
    ]
    return "\n".join(lines) + "\n"


def round_trip() -> YAML:
    """Reads and writes YAML as people wrote it: comments, quotes, order."""
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = _ENDLESS
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def with_range(text: str, cluster: str, cidr: str) -> str:
    """Another range for the attachment on a cluster; raises NoSuchEdit."""
    document, yaml = _read(text)
    found = _attachment(document, cluster)
    found["cidr"] = cidr
    found.pop("adopt", None)  # names what has the old range
    return _written(document, yaml)


def with_attachment(text: str, like: str, cluster: str, cidr: str) -> str:
    """One more attachment, on another cluster, with the namespaces and gateway of one that is there; raises NoSuchEdit."""
    document, yaml = _read(text)
    model = _attachment(document, like)
    if any(one.get("cluster") == cluster for one in document["spec"]["attachments"]):
        raise NoSuchEdit(f"it is attached to {cluster} already.")
    added = CommentedMap(cluster=cluster, cidr=cidr, namespaces=model["namespaces"])
    if "gateway" in model:
        added["gateway"] = model["gateway"]
    document["spec"]["attachments"].append(added)
    yaml.representer.ignore_aliases = lambda _: True
    return _written(document, yaml)


def without_attachment(text: str, cluster: str) -> str:
    """Without the attachment on a cluster; raises NoSuchEdit, also for the last one."""
    document, yaml = _read(text)
    found = _attachment(document, cluster)
    rows = document["spec"]["attachments"]
    if len(rows) == 1:
        raise NoSuchEdit(f"{cluster} is its only cluster. Remove the tenant instead: egressctl tenant remove.")
    rows.remove(found)
    return _written(document, yaml)


def renamed(text: str, name: str, ranges: dict[str, str]) -> str:
    """The same tenant under another name, with another range on each cluster; raises NoSuchEdit."""
    document, yaml = _read(text)
    document["metadata"]["name"] = name
    for one in document["spec"]["attachments"]:
        one["cidr"] = ranges[one["cluster"]]
        one.pop("adopt", None)
    return _written(document, yaml)


def _egress(tenant: NewTenant) -> Iterator[str]:
    if tenant.include or tenant.fqdns:
        yield "  egress:"
    else:
        yield "  egress: {}" + " " * 24 + "# nothing yet: all is denied. For example:"
        yield "    # allow:"
        yield "    #   - name: provider"
        yield "    #     fqdns: [api.example.com]"
        return
    if tenant.include:
        yield _with(f"    include: {_list(tenant.include)}", "shared rules: rulesets/NAME.yaml")
    if tenant.fqdns:
        yield "    allow:"
    for fqdn in tenant.fqdns:
        yield f"      - name: {_plain(fqdn.replace('*.', 'any-').replace('.', '-'))}"
        yield f"        fqdns: {_list((fqdn,))}"
    if tenant.fqdns:
        yield "  expect:" + " " * 27 + "# checked against the firewall policy that results"
    for fqdn in tenant.fqdns:
        reached = fqdn.replace("*.", "www.")
        yield f'    - {{reach: "https://{reached}", verdict: allow}}'


def _with(line: str, comment: str) -> str:
    return f"{line:<36}# {comment}"


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(_plain(value) for value in values)}]"


def _plain(value: str) -> str:
    """A scalar, in quotes unless it is plainly a word."""
    word = value.replace("-", "").replace(".", "").replace("@", "")
    safe = word.isascii() and word.isalnum() and not word.isdecimal() and value[0].isalpha()
    return value if safe and value.lower() not in _NOT_WORDS else json.dumps(value)


_NOT_WORDS = frozenset({"yes", "no", "on", "off", "true", "false", "null", "y", "n"})


def _read(text: str) -> tuple[Any, YAML]:
    yaml = round_trip()
    try:
        document = yaml.load(text)
        document["spec"]["attachments"][0]["cluster"]
    except (YAMLError, KeyError, TypeError, IndexError):
        raise NoSuchEdit("it is no tenant's file with an attachment; egressctl validate says what is wrong.") from None
    return document, yaml


def _attachment(document: Any, cluster: str) -> Any:
    rows = document["spec"]["attachments"]
    found = next((one for one in rows if one.get("cluster") == cluster), None)
    if found is None:
        named = ", ".join(str(one.get("cluster")) for one in rows)
        raise NoSuchEdit(f"it is not attached to {cluster}, only to {named}.")
    return found


def _written(document: Any, yaml: YAML) -> str:
    out = StringIO()
    yaml.dump(document, out)
    return out.getvalue()
