"""Single-file rules for permissions and expectations, wherever they stand: in tenants, rule sets and guardrails."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from urllib.parse import urlsplit

from function_app.model.definitions import AllowRule, Expectation
from function_app.model.errors import Severity
from function_app.reading.findings import Finding, Findings, duplicates, found
from function_app.reading.fqdns import fqdn_fault, wide_wildcard
from function_app.reading.places import Path, listed, quoted
from function_app.reading.ranges import (
    MAX_PORT,
    Fault,
    address,
    destination_fault,
    destination_networks,
    network_fault,
    port_fault,
    web_protocol_fault,
)

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SCHEMES = ("http", "https", "mssql", "tcp", "udp")
_SWAPPED = {"http:443": "https:443", "https:80": "http:80"}


def allow_findings(path: Path, rules: Sequence[AllowRule]) -> Findings:
    """All rules of one list."""
    yield from _duplicate_names(path, rules)
    for index, rule in enumerate(rules):
        where = (*path, index)
        yield from _form_of(where, rule)
        yield from _names(where, rule)
        yield from _network(where, rule)
        yield from _expiry(where, rule)


def expectation_findings(path: Path, expectations: Sequence[Expectation]) -> Findings:
    """The URLs of expectations."""
    for index, expectation in enumerate(expectations):
        yield from found((*path, index, "reach"), _reach_fault(expectation.reach))


def day(text: str) -> date | None:
    """The day that an `expires` names, None when there is no such day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _duplicate_names(path: Path, rules: Sequence[AllowRule]) -> Findings:
    first: dict[str, int] = {}
    for index, rule in enumerate(rules):
        if rule.name in first:
            fault = Fault(
                "duplicate-rule",
                f"the rule name {quoted(rule.name)} is taken by rule {first[rule.name]} of this list.",
                "Give each rule a name of its own; logs are read by it.",
            )
            yield Finding((*path, index, "name"), fault)
        first.setdefault(rule.name, index)


def _form_of(where: Path, rule: AllowRule) -> Findings:
    given = rule.model_fields_set
    if rule.fqdns and rule.destinations:
        yield Finding(
            where,
            Fault(
                "rule-both",
                "the rule has `fqdns` and `destinations`; the firewall knows either.",
                "Make two rules of it.",
            ),
        )
    elif rule.fqdns:
        for name in ("ports", "transport"):
            if name in given:
                message = f"`{name}` has no meaning beside `fqdns`."
                yield Finding(
                    (*where, name), Fault("rule-mixed", message, 'Write `protocols: ["https:443"]`.'), at_key=True
                )
        if not rule.protocols:
            yield Finding(
                (*where, "protocols"), Fault("rule-empty", "the rule names no protocol.", 'Write ["https:443"].')
            )
    elif rule.destinations:
        if "protocols" in given:
            message = "`protocols` has no meaning beside `destinations`."
            hint = 'Write `ports: ["443"]`, and `transport` if it is not TCP.'
            yield Finding((*where, "protocols"), Fault("rule-mixed", message, hint), at_key=True)
        if not rule.transport:
            yield Finding((*where, "transport"), Fault("rule-empty", "the rule names no transport.", "Write [TCP]."))
        elif not rule.ports and set(rule.transport) != {"ICMP"}:
            message = "the rule has `destinations` and no `ports`."
            yield Finding(
                (*where, "ports"), Fault("rule-without-ports", message, 'Add `ports: ["443"]`, or "*" for all.')
            )
    else:
        message = "the rule allows nothing: it has neither `fqdns` nor `destinations`."
        yield Finding(where, Fault("rule-neither", message, "Add `fqdns`, or `destinations` with `ports`."))


def _names(where: Path, rule: AllowRule) -> Findings:
    yield from duplicates((*where, "fqdns"), rule.fqdns)
    yield from duplicates((*where, "protocols"), rule.protocols)
    for index, name in enumerate(rule.fqdns):
        path = (*where, "fqdns", index)
        fault = fqdn_fault(name)
        yield from found(path, fault)
        if fault is None and (why := wide_wildcard(name)):
            message = f"{quoted(name)} matches more than it seems to: {why}."
            yield Finding(path, Fault("wide-wildcard", message, "Name the hosts that are meant."), Severity.WARNING)
    for index, protocol in enumerate(rule.protocols):
        path = (*where, "protocols", index)
        yield from found(path, web_protocol_fault(protocol))
        if protocol in _SWAPPED:
            message = f"{quoted(protocol)} is an unusual pair."
            hint = f'Write "{_SWAPPED[protocol]}" if that was meant.'
            yield Finding(path, Fault("unusual-port", message, hint), Severity.WARNING)


def _network(where: Path, rule: AllowRule) -> Findings:
    yield from duplicates((*where, "destinations"), rule.destinations)
    yield from duplicates((*where, "ports"), rule.ports)
    yield from duplicates((*where, "transport"), rule.transport)
    for index, text in enumerate(rule.ports):
        yield from found((*where, "ports", index), port_fault(text))
    for index, text in enumerate(rule.destinations):
        path = (*where, "destinations", index)
        fault = destination_fault(text)
        yield from found(path, fault)
        if fault is None and any(part.prefixlen < 8 for part in destination_networks(text)):
            message = (
                f"{quoted(text)} lets this rule pass before every rule that names a host: network rules come first."
            )
            yield Finding(path, Fault("wide-destination", message, "Name the ranges that are meant."), Severity.WARNING)


def _expiry(where: Path, rule: AllowRule) -> Findings:
    if rule.expires is not None and day(rule.expires) is None:
        message = f"{quoted(rule.expires)} is no day of the calendar."
        yield Finding((*where, "expires"), Fault("expires-day", message, 'Write year, month and day: "2027-06-30".'))


def _reached_range_fault(text: str) -> Fault | None:
    """Expectations may speak of ranges that nobody can use, such as link-local ones."""
    fault = network_fault(text)
    return None if fault is not None and fault.code == "unusable-range" else fault


def _reach_fault(text: str) -> Fault | None:
    """A URL, or an address or range for everything that is sent there."""
    shown = quoted(text)
    if "://" not in text and (address(text) is not None or "/" in text):
        return None if address(text) is not None else _reached_range_fault(text)
    try:
        url = urlsplit(text)
        host, port = url.hostname or "", url.port
    except ValueError:
        return Fault("reach-form", f"{shown} is no URL that can be read.", "Write https://www.example.com.")
    if not text.isascii() or any(character.isspace() for character in text):
        return Fault("reach-form", f"{shown} holds a character that no URL has.", "Write https://www.example.com.")
    if url.scheme not in _SCHEMES or not text.lower().startswith(f"{url.scheme}://"):
        return Fault(
            "reach-form",
            f"{shown} does not begin with a known scheme.",
            f"Begin with one of {listed(f'{s}://' for s in _SCHEMES)}.",
        )
    if url.username is not None or url.query or url.fragment:
        return Fault(
            "reach-form", f"{shown} has more than a host, a port and a path.", "Leave out user, query and fragment."
        )
    if address(host) is None and (fault := fqdn_fault(host)) is not None:
        return Fault("reach-form", f"the host of {shown}: {fault.message}", fault.hint)
    if "*" in host:
        return Fault(
            "reach-form", f"{shown} has an asterisk; one connection goes to one host.", "Write one host's name."
        )
    if port is None and url.scheme not in _DEFAULT_PORTS:
        return Fault("reach-form", f"{shown} has no port.", f"Write {quoted(f'{url.scheme}://{host}:PORT')}.")
    if port is not None and not 1 <= port <= MAX_PORT:
        return Fault("port-range", f"the port of {shown} is outside 1 to {MAX_PORT}.", f"Ports are 1 to {MAX_PORT}.")
    return None
