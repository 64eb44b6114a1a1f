"""Forms of names in application rules: what Azure Firewall accepts, and which wildcards match more than they seem to.

Azure Firewall takes an asterisk only at the left end, and lets it match anything to its left, further labels and, without a
dot, other domains' ends as well (Azure Firewall FAQ). Does not belong here: places, files, definitions.
"""

from __future__ import annotations

import re

from function_app.reading.places import quoted
from function_app.reading.ranges import Fault, address

MAX_LENGTH = 253
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
# Below these, anybody can have a name: a wildcard admits strangers.
_SHARED = frozenset(
    {
        "amazonaws.com", "appspot.com", "azure-api.net", "azure.com", "azurecontainerapps.io", "azurecr.io", "azureedge.net",
        "azurefd.net", "azurewebsites.net", "blob.core.windows.net", "cloudapp.azure.com", "cloudapp.net", "cloudfront.net",
        "core.windows.net", "database.windows.net", "file.core.windows.net", "firebaseapp.com", "github.io",
        "githubusercontent.com", "googleapis.com", "googleusercontent.com", "herokuapp.com", "netlify.app", "ngrok.app",
        "ngrok.io", "onmicrosoft.com", "pages.dev", "queue.core.windows.net", "run.app", "s3.amazonaws.com",
        "servicebus.windows.net", "sharepoint.com", "table.core.windows.net", "trafficmanager.net", "vault.azure.net",
        "vercel.app", "web.app", "web.core.windows.net", "windows.net", "workers.dev",
    }
)  # fmt: skip
# Second levels under which country registries sell names: `co.uk`, `com.au`.
_REGISTRY_LEVELS = frozenset({"ac", "co", "com", "edu", "gob", "gov", "ne", "net", "or", "org"})


def fqdn_fault(text: str) -> Fault | None:
    """What is wrong with a name of an application rule."""
    shown = quoted(text)
    if not text:
        return Fault("fqdn-form", "the name is empty.", "Write a name such as www.example.com.")
    if "://" in text:
        host = text.split("://", 1)[1].split("/", 1)[0].split(":", 1)[0]
        return Fault(
            "fqdn-scheme",
            f"{shown} has a scheme; rules take names alone.",
            f"Write {quoted(host)}, and the scheme under `protocols`.",
        )
    if any(character.isspace() for character in text):
        return Fault(
            "fqdn-space",
            f"{shown} holds a space, which no name has.",
            f"Write {quoted(''.join(text.split()))}, or two entries.",
        )
    if "/" in text:
        return Fault(
            "fqdn-path", f"{shown} has a path; rules see names only.", f"Write {quoted(text.split('/', 1)[0])}."
        )
    if ":" in text:
        host, _, port = text.partition(":")
        return Fault(
            "fqdn-port", f"{shown} has a port.", f'Write {quoted(host)}, and "https:{port[:5]}" under `protocols`.'
        )
    if not text.isascii():
        return Fault("fqdn-not-ascii", f"{shown} has letters outside ASCII.", _ascii_hint(text))
    if address(text) is not None or re.fullmatch(r"[0-9.]+", text):
        return Fault(
            "fqdn-address", f"{shown} is an address, not a name.", "Write it under `destinations`, with `ports`."
        )
    return _wildcard_fault(text) or _label_fault(text)


def _ascii_hint(text: str) -> str:
    try:
        return f"Write its ASCII form, {quoted(text.encode('idna').decode('ascii'))}."
    except UnicodeError:
        return "Write its ASCII form (xn--...)."


def _wildcard_fault(text: str) -> Fault | None:
    if "*" not in text:
        return None
    if text in {"*", "*."}:
        return Fault(
            "fqdn-everything", "`*` allows every name there is.", "Name the destinations, such as `*.example.com`."
        )
    rest = text.lstrip("*").lstrip(".")
    if "*" in text[1:]:
        base = text.rsplit("*", 1)[1].lstrip(".")
        hint = f"Write {quoted('*.' + base)} or whole names." if "." in base else "Write whole names."
        return Fault("fqdn-wildcard-place", f"{quoted(text)} has an asterisk that is not at its left end.", hint)
    if not text.startswith("*."):
        return Fault(
            "fqdn-wildcard-form",
            f"{quoted(text)} matches every name that ends so, {quoted('not' + rest)} included.",
            f"Write {quoted('*.' + rest)}, and {quoted(rest)} as well if it is meant.",
        )
    return None


def _label_fault(text: str) -> Fault | None:
    shown = quoted(text)
    name = text.removeprefix("*.")
    if name.endswith("."):
        return Fault("fqdn-dot", f"{shown} ends in a dot.", f"Write {quoted(text.rstrip('.'))}.")
    if text.startswith("."):
        return Fault("fqdn-dot", f"{shown} begins with a dot.", f"Write {quoted('*' + text)} for all names below it.")
    if len(text) > MAX_LENGTH:
        return Fault(
            "fqdn-length",
            f"{shown} has {len(text)} characters; names have at most {MAX_LENGTH}.",
            "Write a shorter name.",
        )
    labels = name.split(".")
    if "" in labels:
        return Fault("fqdn-dot", f"{shown} has two dots in a row.", f"Write {quoted(re.sub(r'[.]+', '.', text))}.")
    for label in labels:
        if len(label) > 63:
            return Fault(
                "fqdn-length",
                f"the part {quoted(label)} has {len(label)} characters; parts have at most 63.",
                "Write a shorter name.",
            )
        if not _LABEL.fullmatch(label):
            return Fault(
                "fqdn-form",
                f"the part {quoted(label)} of {shown} is none that a name can have.",
                "Parts have letters, digits and inner hyphens.",
            )
    if len(labels) == 1 and not text.startswith("*."):
        return Fault(
            "fqdn-form",
            f"{shown} is no full name: it has no dot.",
            f"Write the whole name, such as {quoted(text + '.example.com')}.",
        )
    return None


def wide_wildcard(text: str) -> str:
    """Why a valid wildcard matches more than its author may think; empty when it does not."""
    if not text.startswith("*."):
        return ""
    base = text[2:].lower()
    labels = base.split(".")
    if len(labels) == 1:
        return f"it allows every name under `.{base}`"
    if len(labels) == 2 and len(labels[1]) == 2 and labels[0] in _REGISTRY_LEVELS:
        return f"it allows every name that is registered under `.{base}`"
    if base in _SHARED:
        return f"anybody can get a name under `{base}`, strangers included"
    return ""


def covers(rule: str, name: str) -> bool:
    """Whether a rule's name, wildcards included, and a name or wildcard have any name in common."""
    rule, name = rule.lower(), name.lower()
    if rule == name:
        return True
    if rule.startswith("*.") and name.startswith("*."):
        return rule.endswith(name[1:]) or name.endswith(rule[1:])
    if rule.startswith("*."):
        return name.endswith(rule[1:])
    return name.startswith("*.") and rule.endswith(name[1:])
