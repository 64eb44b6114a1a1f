"""One mistake in one file: told once, at its place, with what to write instead."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from reading_trees import TREE, edited, problems_of

from function_app.model.errors import Severity

BLUE, NORTH, WEST, BASE, RAILS = (
    "tenants/blue.yaml",
    "clusters/north.yaml",
    "hubs/west.yaml",
    "rulesets/base.yaml",
    "guardrails.yaml",
)
FQDN = "[www.example.com]"


@dataclass(frozen=True)
class Mistake:
    """What is written, and what must be answered."""

    story: str
    path: str
    old: str
    new: str
    code: str
    where: str
    hint: str
    severity: Severity = Severity.ERROR


def fqdn(story: str, text: str, code: str, hint: str, severity: Severity = Severity.ERROR) -> Mistake:
    """A mistake in a name of an application rule."""
    return Mistake(story, BLUE, FQDN, f"[§{text}]", code, "spec.egress.allow[0].fqdns[0]", hint, severity)


def cidr(story: str, text: str, code: str, hint: str) -> Mistake:
    """A mistake in an attachment's range."""
    return Mistake(story, BLUE, "cidr: 10.80.0.0/29", f"cidr: §{text}", code, "spec.attachments[0].cidr", hint)


def destination(story: str, text: str, code: str, hint: str) -> Mistake:
    """A mistake in a destination of a network rule."""
    return Mistake(story, BLUE, "[198.51.100.20/32]", f"[§{text}]", code, "spec.egress.allow[1].destinations[0]", hint)


def port(story: str, text: str, code: str, hint: str) -> Mistake:
    """A mistake in a port of a network rule."""
    return Mistake(story, BLUE, 'ports: ["443"]', f"ports: [§{text}]", code, "spec.egress.allow[1].ports[0]", hint)


W = Severity.WARNING
MISTAKES = [
    # Keys, types and single values.
    Mistake(
        "typo in a key", BLUE, "fqdns:", "§fqdn:", "unknown-key", "spec.egress.allow[0].fqdn", "Did you mean `fqdns`?"
    ),
    Mistake(
        "Python's spelling of a key",
        BLUE,
        "{replicas: 2}",
        "{replicas: 2, §block_size: 32}",
        "unknown-key",
        "spec.attachments[0].gateway.block_size",
        "Did you mean `blockSize`?",
    ),
    Mistake(
        "a foreign key", BLUE, "  owner:", "  §zzz: 1\n  owner:", "unknown-key", "spec.zzz", "Known keys: `attachments`"
    ),
    Mistake(
        "a missing key",
        BLUE,
        "- cluster: north\n      cidr: 10.80.0.0/29",
        "- §cluster: north",
        "missing-key",
        "spec.attachments[0].cidr",
        "Add `cidr:`",
    ),
    Mistake(
        "two missing envelopes",
        BLUE,
        "apiVersion: egress-gitops.io/v1alpha1\n",
        "§",
        "missing-key",
        "apiVersion",
        "Add `apiVersion:`",
    ),
    Mistake(
        "a version that does not exist",
        BLUE,
        "egress-gitops.io/v1alpha1",
        "§egress-gitops.io/v2",
        "wrong-value",
        "apiVersion",
        "`egress-gitops.io/v1alpha1`",
    ),
    Mistake("a kind that does not exist", BLUE, "kind: Tenant", "kind: §Tenat", "wrong-value", "kind", "`Tenant`"),
    Mistake(
        "a number for a text",
        BLUE,
        'ports: ["443"]',
        "ports: [§443]",
        "wrong-type",
        "spec.egress.allow[1].ports[0]",
        '"443"',
    ),
    Mistake("a text for a list", BLUE, "[shop]", "§shop", "wrong-type", "spec.attachments[0].namespaces", '["shop"]'),
    Mistake(
        "a quoted number",
        BLUE,
        "replicas: 2",
        'replicas: §"2"',
        "wrong-type",
        "spec.attachments[0].gateway.replicas",
        "without quotes",
    ),
    Mistake(
        "an empty value",
        BLUE,
        "namespaces: [shop]",
        "namespaces:§",
        "wrong-type",
        "spec.attachments[0].namespaces",
        "a list",
    ),
    Mistake("no namespace", BLUE, "[shop]", "§[]", "wrong-size", "spec.attachments[0].namespaces", "At least 1"),
    Mistake(
        "too many replicas",
        BLUE,
        "replicas: 2",
        "replicas: §65",
        "wrong-size",
        "spec.attachments[0].gateway.replicas",
        "64 or less",
    ),
    Mistake(
        "no replica",
        BLUE,
        "replicas: 2",
        "replicas: §0",
        "wrong-size",
        "spec.attachments[0].gateway.replicas",
        "1 or more",
    ),
    Mistake(
        "an enumeration's other word",
        BLUE,
        "  owner:",
        "  onRemoval: §drop\n  owner:",
        "wrong-value",
        "spec.onRemoval",
        "`node` or `block`",
    ),
    Mistake(
        "an upper-case namespace",
        BLUE,
        "[shop]",
        "[§Shop]",
        "wrong-form",
        "spec.attachments[0].namespaces[0]",
        "lower-case",
    ),
    Mistake(
        "an unknown resource",
        BLUE,
        "{replicas: 2}",
        "{replicas: 2, resources: {requests: {§gpu: '1'}}}",
        "wrong-value",
        "spec.attachments[0].gateway.resources.requests.gpu",
        "`cpu` or `memory`",
    ),
    Mistake(
        "a half resource id",
        NORTH,
        '{server: "https://10.1.0.10:6443"}',
        "{aksResourceId: §/subscriptions/x}",
        "wrong-form",
        "spec.apiServer.aksResourceId",
        "managedClusters",
    ),
    Mistake(
        "both ways to an API server",
        NORTH,
        '{server: "https://10.1.0.10:6443"}',
        '{server: "https://10.1.0.10:6443", §aksResourceId: x}',
        "unknown-key",
        "spec.apiServer.aksResourceId",
        "Known keys",
    ),
    Mistake(
        "one peer address",
        WEST,
        "[10.0.1.4, 10.0.1.5]",
        "§[10.0.1.4]",
        "wrong-size",
        "spec.routeServer.peerIPs",
        "At least 2",
    ),
    # Name and folder.
    Mistake(
        "a name that is not the file's",
        BLUE,
        "{name: blue}",
        "{name: §green}",
        "file-name",
        "metadata.name",
        "`green.yaml`",
    ),
    Mistake(
        "guardrails by another name",
        RAILS,
        "{name: guardrails}",
        "{name: §rules}",
        "file-name",
        "metadata.name",
        "`name: guardrails`",
    ),
    # Ranges.
    cidr("host bits", "10.80.0.1/29", "host-bits", "Write 10.80.0.0/29."),
    cidr("IPv6", '"fd00::/64"', "ipv6", "IPv4"),
    cidr("an address", "10.80.0.0", "cidr-form", "10.80.0.0/32"),
    cidr("everything", "0.0.0.0/0", "everything", "Name the ranges"),
    cidr("loopback", "127.0.0.0/29", "unusable-range", "another range"),
    cidr("link-local", "169.254.0.0/29", "unusable-range", "another range"),
    cidr("multicast", "224.0.0.0/29", "unusable-range", "another range"),
    cidr("33 bits", "10.80.0.0/33", "cidr-form", "/32"),
    cidr("a netmask", "10.80.0.0/255.255.255.248", "cidr-form", "10.99.0.0/29"),
    cidr("leading zeros", "10.080.0.0/29", "cidr-form", "10.99.0.0/29"),
    cidr("too small for its rollout", "10.80.0.0/31", "pool-too-small", "/30"),
    Mistake(
        "a block larger than the range",
        BLUE,
        "{replicas: 2}",
        "{replicas: 2, blockSize: §26}",
        "block-larger-than-pool",
        "spec.attachments[0].gateway.blockSize",
        "32",
    ),
    Mistake(
        "too few blocks",
        BLUE,
        "{replicas: 2}",
        "{replicas: 2, blockSize: §30}",
        "too-few-blocks",
        "spec.attachments[0].gateway.blockSize",
        "32",
    ),
    Mistake(
        "everything bypassed",
        BLUE,
        "[172.20.0.0/16]",
        "[§0.0.0.0/0]",
        "bypass-everything",
        "spec.egress.bypass[0]",
        "10.0.0.0/8",
    ),
    Mistake(
        "a bypass twice",
        BLUE,
        "[172.20.0.0/16]",
        "[172.20.0.0/16, §172.20.0.0/16]",
        "duplicate-entry",
        "spec.egress.bypass[1]",
        "Delete",
    ),
    Mistake(
        "a bypass in another",
        BLUE,
        "[172.20.0.0/16]",
        "[172.20.0.0/16, §172.20.1.0/24]",
        "redundant-entry",
        "spec.egress.bypass[1]",
        "Delete",
        W,
    ),
    # Names of application rules.
    fqdn("a space", '"www.example .com"', "fqdn-space", "`www.example.com`"),
    fqdn("a scheme", '"https://www.example.com/x"', "fqdn-scheme", "`www.example.com`"),
    fqdn("a path", "www.example.com/x", "fqdn-path", "`www.example.com`"),
    fqdn("a port", "www.example.com:8443", "fqdn-port", '"https:8443"'),
    fqdn("a wildcard in the middle", "www.*.example.com", "fqdn-wildcard-place", "`*.example.com`"),
    fqdn("everything", '"*"', "fqdn-everything", "`*.example.com`"),
    fqdn("a wildcard without a dot", '"*contoso.com"', "fqdn-wildcard-form", "`*.contoso.com`, and `contoso.com`"),
    fqdn("a leading dot", ".example.com", "fqdn-dot", "`*.example.com`"),
    fqdn("a trailing dot", "www.example.com.", "fqdn-dot", "`www.example.com`"),
    fqdn("two dots", "www..example.com", "fqdn-dot", "`www.example.com`"),
    fqdn("letters outside ASCII", "münchen.example", "fqdn-not-ascii", "`xn--mnchen-3ya.example`"),
    fqdn("an address", "198.51.100.20", "fqdn-address", "`destinations`"),
    fqdn("a part of 64 letters", f"{'a' * 64}.example.com", "fqdn-length", "shorter"),
    fqdn("254 letters", ".".join(["a" * 49] * 5) + ".test", "fqdn-length", "shorter"),
    fqdn("a hyphen at the end of a part", "www-.example.com", "fqdn-form", "inner hyphens"),
    fqdn("one word", "intranet", "fqdn-form", "whole name"),
    Mistake(
        "a name twice",
        BLUE,
        FQDN,
        "[www.example.com, §WWW.example.com]",
        "duplicate-entry",
        "spec.egress.allow[0].fqdns[1]",
        "Delete",
    ),
    fqdn("a whole top level", '"*.com"', "wide-wildcard", "Name the hosts", W),
    fqdn("a registry's level", '"*.co.uk"', "wide-wildcard", "Name the hosts", W),
    fqdn("a cloud's names", '"*.azure.com"', "wide-wildcard", "Name the hosts", W),
    fqdn("anybody's storage", '"*.blob.core.windows.net"', "wide-wildcard", "Name the hosts", W),
    # Rules.
    Mistake(
        "port 0 of a web protocol",
        BLUE,
        '"https:443"',
        '§"https:0"',
        "port-range",
        "spec.egress.allow[0].protocols[0]",
        "1 to 64000",
    ),
    Mistake(
        "port 64001 of a web protocol",
        BLUE,
        '"https:443"',
        '§"https:64001"',
        "port-range",
        "spec.egress.allow[0].protocols[0]",
        "1 to 64000",
    ),
    Mistake(
        "port 70000 of a web protocol",
        BLUE,
        '"https:443"',
        '§"https:70000"',
        "port-range",
        "spec.egress.allow[0].protocols[0]",
        "1 to 64000",
    ),
    Mistake(
        "an unknown protocol",
        BLUE,
        '"https:443"',
        '§"ftp:21"',
        "wrong-form",
        "spec.egress.allow[0].protocols[0]",
        "https",
    ),
    Mistake(
        "a swapped pair",
        BLUE,
        '"https:443"',
        '§"http:443"',
        "unusual-port",
        "spec.egress.allow[0].protocols[0]",
        '"https:443"',
        W,
    ),
    port("port 0", '"0"', "port-range", "1 to 65535"),
    port("port 70000", '"70000"', "port-range", "1 to 65535"),
    port("a backward range", '"90-80"', "port-range", '"80-90"'),
    port("a word", '"https"', "port-form", '"443"'),
    destination("a name", "www.example.com", "destination-form", "`fqdns`"),
    destination("a wildcard name", '"*.example.com"', "destination-form", "`fqdns`"),
    destination("an unknown word", "storage", "destination-form", "`Storage.WestEurope`"),
    destination("a tag of security groups", "Internet", "destination-form", '"*"'),
    destination("a backward range", "10.9.0.9-10.9.0.1", "destination-form", "10.9.0.1-10.9.0.9"),
    destination("host bits", "10.9.0.9/24", "host-bits", "10.9.0.0/24"),
    destination("IPv6", '"2001:db8::1"', "ipv6", "IPv4"),
    destination("loopback", "127.0.0.1", "unusable-range", "another range"),
    Mistake(
        "names and destinations",
        BLUE,
        "      - name: website",
        "      - §name: website\n        destinations: [Storage]",
        "rule-both",
        "spec.egress.allow[0]",
        "two rules",
    ),
    Mistake(
        "neither",
        BLUE,
        '- name: ledger\n        destinations: [198.51.100.20/32]\n        ports: ["443"]',
        "- §name: ledger",
        "rule-neither",
        "spec.egress.allow[1]",
        "`fqdns`",
    ),
    Mistake(
        "no ports",
        BLUE,
        '- name: ledger\n        destinations: [198.51.100.20/32]\n        ports: ["443"]',
        "- §name: ledger\n        destinations: [198.51.100.20/32]",
        "rule-without-ports",
        "spec.egress.allow[1].ports",
        '"443"',
    ),
    Mistake(
        "ports beside names",
        BLUE,
        'protocols: ["https:443"]',
        '§ports: ["443"]',
        "rule-mixed",
        "spec.egress.allow[0].ports",
        "protocols",
    ),
    Mistake(
        "protocols beside destinations",
        BLUE,
        '        ports: ["443"]',
        '        ports: ["443"]\n        §protocols: ["https:443"]',
        "rule-mixed",
        "spec.egress.allow[1].protocols",
        "`ports:",
    ),
    Mistake(
        "a rule's name twice",
        BLUE,
        "name: ledger",
        "name: §website",
        "duplicate-rule",
        "spec.egress.allow[1].name",
        "name of its own",
    ),
    Mistake(
        "a day that does not exist",
        BLUE,
        FQDN,
        FQDN + '\n        expires: §"2027-02-30"',
        "expires-day",
        "spec.egress.allow[0].expires",
        '"2027-06-30"',
    ),
    Mistake(
        "a day without quotes",
        BLUE,
        FQDN,
        FQDN + "\n        expires: §2027-06-30",
        "quote-it",
        "spec.egress.allow[0].expires",
        '"2027-06-30"',
    ),
    Mistake(
        "a day that is over",
        BLUE,
        FQDN,
        FQDN + '\n        expires: §"2026-11-22"',
        "expired",
        "spec.egress.allow[0].expires",
        "later day",
        W,
    ),
    Mistake(
        "a day that is near",
        BLUE,
        FQDN,
        FQDN + '\n        expires: §"2026-11-23"',
        "expires-soon",
        "spec.egress.allow[0].expires",
        "later day",
        W,
    ),
    Mistake(
        "a rule set's day that is over",
        BASE,
        "[login.example.com]",
        '[login.example.com]\n      expires: §"2020-01-01"',
        "expired",
        "spec.allow[0].expires",
        "later day",
        W,
    ),
    Mistake(
        "an expectation without scheme",
        BLUE,
        '"https://www.example.com"',
        '§"www.example.com"',
        "reach-form",
        "spec.expect[0].reach",
        "`https://`",
    ),
    Mistake(
        "an expectation without port",
        BLUE,
        '"https://www.example.com"',
        '§"tcp://10.9.0.1"',
        "reach-form",
        "spec.expect[0].reach",
        "`tcp://10.9.0.1:PORT`",
    ),
    Mistake(
        "an expectation with a wildcard",
        BLUE,
        '"https://www.example.com"',
        '§"https://*.example.com"',
        "reach-form",
        "spec.expect[0].reach",
        "one host",
    ),
    # Attachments.
    Mistake(
        "a namespace twice",
        BLUE,
        "[shop]",
        "[shop, §shop]",
        "duplicate-entry",
        "spec.attachments[0].namespaces[1]",
        "Delete",
    ),
    Mistake(
        "a cluster twice",
        BLUE,
        "  egress:",
        "    - cluster: §north\n      cidr: 10.80.0.16/29\n      namespaces: [cart]\n  egress:",
        "duplicate-attachment",
        "spec.attachments[1].cluster",
        "one range",
    ),
    Mistake(
        "a toleration without a key",
        BLUE,
        "{replicas: 2}",
        "{replicas: 2, tolerations: [§{value: x}]}",
        "toleration-form",
        "spec.attachments[0].gateway.tolerations[0]",
        "`operator: Exists`",
    ),
    # Clusters, hubs, guardrails.
    Mistake(
        "an AS number of Azure's", NORTH, "asn: 64512", "asn: §12076", "reserved-asn", "spec.bgp.asn", "64512 to 65514"
    ),
    Mistake(
        "an AS number for documentation",
        NORTH,
        "asn: 64512",
        "asn: §64500",
        "reserved-asn",
        "spec.bgp.asn",
        "64512 to 65514",
    ),
    Mistake(
        "an AS number of 32 bits",
        NORTH,
        "asn: 64512",
        "asn: §4200000000",
        "wrong-size",
        "spec.bgp.asn",
        "65534 or less",
    ),
    Mistake(
        "a gateway outside its subnet",
        NORTH,
        "reachableBy: 10.1.0.1",
        "reachableBy: §10.9.0.1",
        "outside-subnet",
        "spec.bgp.reachableBy",
        "10.1.0.1",
        W,
    ),
    Mistake(
        "a gateway that is no address",
        NORTH,
        "reachableBy: 10.1.0.1",
        "reachableBy: §gateway",
        "address-form",
        "spec.bgp.reachableBy",
        "10.0.1.4",
    ),
    Mistake(
        "nodes outside their VNet",
        NORTH,
        "vnet: [10.1.0.0/16]\n    nodes: ",
        "vnet: [10.3.0.0/16]\n    nodes: §",
        "outside-vnet",
        "spec.network.nodes",
        "`vnet`",
    ),
    Mistake(
        "pods in the VNet",
        NORTH,
        "pods: 10.244.0.0/16",
        "pods: §10.1.128.0/17",
        "overlap",
        "spec.network.pods",
        "Correct",
    ),
    Mistake(
        "a CA that is no certificate",
        NORTH,
        ':6443"}',
        ':6443", caData: §aGVsbG8=}',
        "ca-data",
        "spec.apiServer.caData",
        "base64",
    ),
    Mistake(
        "a peer outside the VNet",
        WEST,
        "[10.0.1.4, 10.0.1.5]",
        "[10.0.1.4, §10.7.1.5]",
        "outside-vnet",
        "spec.routeServer.peerIPs[1]",
        "`vnet`",
    ),
    Mistake(
        "another AS number for Azure",
        WEST,
        "{name: west-rs,",
        "{name: west-rs, asn: §65010,",
        "route-server-asn",
        "spec.routeServer.asn",
        "Leave",
        W,
    ),
    Mistake(
        "a band without room",
        WEST,
        "policy: tenants}",
        "policy: tenants, shards: {priority: {first: 1000, last: §1000}}}",
        "priority-band",
        "spec.firewall.shards.priority.last",
        "above 1000",
    ),
    Mistake(
        "bounds that exclude all",
        RAILS,
        "{min: 1, max: 8}",
        "{min: 9, max: §8}",
        "replica-bounds",
        "spec.replicas.max",
        "9 or more",
    ),
    Mistake(
        "a forbidden name that is none",
        RAILS,
        '"*.paste.example"',
        '§"paste example"',
        "fqdn-space",
        "spec.forbid.fqdns[0]",
        "pasteexample",
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake.path.split('/')[0]}: {mistake.story}")
def test_a_mistake_is_told_once_at_its_place_with_what_to_write_instead(mistake: Mistake) -> None:
    """Whatever is wrong with one value, exactly one problem says so, at file, line and column."""
    tree, place = edited(TREE, mistake.path, mistake.old, mistake.new)

    problems = problems_of(tree)

    assert [(mistake.code, place, mistake.where, mistake.severity)] == [
        (problem.code, str(problem.place), problem.path, problem.severity) for problem in problems
    ]
    assert mistake.hint in problems[0].hint
    assert str(problems[0]).startswith(f"{place} {mistake.where}: ")


def test_the_tree_without_mistakes_has_no_problem() -> None:
    """The tree that all stories start from is valid."""
    assert [] == problems_of(TREE)
