"""Rules across files: both owners are named, every file that takes part is listed, and the changed one is told."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from reading_trees import BASE, BLUE, HUB, NORTH, RED, SOUTH, TODAY, TREE, edited, errors_of, parsed, problems_of

from function_app.model.errors import Problem, Severity
from function_app.reading.check import check

TENANT_BLUE, TENANT_RED = "gitops/tenants/blue.yaml", "gitops/tenants/red.yaml"
CLUSTER_NORTH, CLUSTER_SOUTH = "gitops/clusters/north.yaml", "gitops/clusters/south.yaml"
HUB_WEST = "gitops/hubs/west.yaml"


@dataclass(frozen=True)
class Clash:
    """One value that does not fit another file."""

    story: str
    path: str
    old: str
    new: str
    code: str
    files: set[str]
    words: tuple[str, ...]
    hint: str


def red_range(story: str, cidr: str, code: str, files: set[str], words: tuple[str, ...], hint: str = "range") -> Clash:
    """Red's range put where it does not belong."""
    return Clash(story, "tenants/red.yaml", "10.80.0.8/29", f"§{cidr}", code, files, words, hint)


CLASHES = [
    red_range(
        "another tenant's range",
        "10.80.0.0/29",
        "overlap",
        {TENANT_RED, TENANT_BLUE},
        ("tenant `red`", "tenant `blue`", "blue.yaml:8:13"),
    ),
    red_range(
        "a range around another's",
        "10.80.0.0/28",
        "overlap",
        {TENANT_RED, TENANT_BLUE},
        ("tenant `red`", "tenant `blue`"),
    ),
    red_range(
        "inside a node subnet",
        "10.1.0.64/29",
        "overlap",
        {TENANT_RED, CLUSTER_NORTH},
        ("the node range of cluster `north`",),
    ),
    red_range(
        "inside a VNet", "10.1.200.0/29", "overlap", {TENANT_RED, CLUSTER_NORTH}, ("the VNet of cluster `north`",)
    ),
    red_range("inside the hub's VNet", "10.0.200.0/29", "overlap", {TENANT_RED, HUB_WEST}, ("the VNet of hub `west`",)),
    red_range(
        "inside a service range",
        "172.17.0.0/29",
        "overlap",
        {TENANT_RED, CLUSTER_SOUTH},
        ("the service range of cluster `south`",),
    ),
    red_range(
        "in another cluster's egress CIDR",
        "10.80.1.0/29",
        "outside-egress-cidr",
        {TENANT_RED, CLUSTER_NORTH},
        ("that of cluster `south`",),
        "inside 10.80.0.0/24",
    ),
    red_range(
        "in nobody's egress CIDR",
        "10.81.0.0/29",
        "outside-egress-cidr",
        {TENANT_RED, CLUSTER_NORTH},
        ("cluster `north`",),
        "inside 10.80.0.0/24",
    ),
    Clash(
        "a namespace claimed twice",
        "tenants/red.yaml",
        "[mail]",
        "[§shop]",
        "namespace-claimed",
        {TENANT_RED, TENANT_BLUE},
        ("tenant `blue`", "tenant `red`"),
        "one of them",
    ),
    Clash(
        "the system's namespace",
        "tenants/red.yaml",
        "[mail]",
        "[§kube-system]",
        "namespace-reserved",
        {TENANT_RED},
        ("system",),
        "off the list",
    ),
    Clash(
        "a gateway's namespace",
        "tenants/red.yaml",
        "[mail]",
        "[§blue-egw]",
        "namespace-reserved",
        {TENANT_RED},
        ("gateways",),
        "off the list",
    ),
    Clash(
        "a namespace that the cluster reserves",
        "tenants/red.yaml",
        "[mail]",
        "[§platform]",
        "namespace-reserved",
        {TENANT_RED, CLUSTER_NORTH},
        ("cluster `north`",),
        "off the list",
    ),
    Clash(
        "an unknown cluster",
        "tenants/red.yaml",
        "cluster: north",
        "cluster: §nort",
        "unknown-reference",
        {TENANT_RED, "gitops/clusters/nort.yaml"},
        ("clusters/nort.yaml",),
        "`north`",
    ),
    Clash(
        "an unknown rule set",
        "tenants/red.yaml",
        "[base]",
        "[§bass]",
        "unknown-reference",
        {TENANT_RED, "gitops/rulesets/bass.yaml"},
        ("rulesets/bass.yaml",),
        "`base`",
    ),
    Clash(
        "an unknown hub",
        "clusters/south.yaml",
        "hub: west",
        "hub: §east",
        "unknown-reference",
        {CLUSTER_SOUTH, "gitops/hubs/east.yaml"},
        ("hubs/east.yaml",),
        "`west`",
    ),
    Clash(
        "an egress CIDR over another's",
        "clusters/south.yaml",
        "10.80.1.0/24",
        "§10.80.0.128/25",
        "overlap",
        {CLUSTER_SOUTH, CLUSTER_NORTH},
        ("the egress CIDR of cluster `south`", "the egress CIDR of cluster `north`"),
        "range",
    ),
    Clash(
        "an egress CIDR in pods' range",
        "clusters/south.yaml",
        "10.80.1.0/24",
        "§10.244.9.0/24",
        "overlap",
        {CLUSTER_SOUTH, CLUSTER_NORTH},
        ("the pod range of cluster",),
        "range",
    ),
    Clash(
        "the Route Server's AS number",
        "clusters/south.yaml",
        "asn: 64512",
        "asn: §65515",
        "reserved-asn",
        {CLUSTER_SOUTH},
        ("Route Server",),
        "64512",
    ),
    Clash(
        "an API server of another cluster",
        "clusters/south.yaml",
        '{server: "https://10.2.0.10:6443"}',
        '{server: §"https://10.1.0.10:6443/"}',
        "shared-resource",
        {CLUSTER_SOUTH, CLUSTER_NORTH},
        ("clusters/north.yaml",),
        "of its own",
    ),
    Clash(
        "a VNet over another's",
        "clusters/south.yaml",
        "vnet: [10.2.0.0/16]",
        "vnet: [10.2.0.0/16, §10.1.128.0/17]",
        "overlap",
        {CLUSTER_SOUTH, CLUSTER_NORTH},
        ("the VNet of cluster `north`",),
        "wrong",
    ),
    Clash(
        "a forbidden name",
        "tenants/red.yaml",
        "[www.example.com]",
        "[§www.paste.example]",
        "guardrail-fqdn",
        {TENANT_RED},
        ("`*.paste.example`", "gitops/guardrails.yaml"),
        "Leave it out",
    ),
    Clash(
        "a wildcard over a forbidden name",
        "tenants/red.yaml",
        "[www.example.com]",
        '[§"*.www.paste.example"]',
        "guardrail-fqdn",
        {TENANT_RED},
        ("`*.paste.example`",),
        "Leave it out",
    ),
    Clash(
        "a range over a forbidden port",
        "tenants/red.yaml",
        'ports: ["443"]',
        'ports: [§"20-25"]',
        "guardrail-port",
        {TENANT_RED},
        ("port 22",),
        "Leave",
    ),
    Clash(
        "a forbidden port of a name",
        "tenants/red.yaml",
        '["https:443"]',
        '[§"https:22"]',
        "guardrail-port",
        {TENANT_RED},
        ("port 22",),
        "Leave",
    ),
    Clash(
        "every destination",
        "tenants/red.yaml",
        "[198.51.100.20/32]",
        '[§"*"]',
        "guardrail-destination",
        {TENANT_RED},
        ("`*`",),
        "Name other",
    ),
    Clash(
        "too many replicas for the organisation",
        "tenants/red.yaml",
        "10.80.0.8/29\n      namespaces: [mail]\n      gateway: {replicas: 2}",
        "10.80.0.64/26\n      namespaces: [mail]\n      gateway: {replicas: §9}",
        "guardrail-replicas",
        {TENANT_RED},
        ("9 replicas",),
        "1 to 8",
    ),
    Clash(
        "a rule set with a forbidden name",
        "rulesets/base.yaml",
        "[login.example.com]",
        "[§paste.paste.example]",
        "guardrail-fqdn",
        {"gitops/rulesets/base.yaml"},
        ("paste",),
        "Leave it out",
    ),
]


@pytest.mark.parametrize("clash", CLASHES, ids=lambda clash: clash.story)
def test_what_does_not_fit_another_file_is_told_with_both_owners(clash: Clash) -> None:
    """One value that clashes is told at its place; the message names the owners, the problem lists the files."""
    tree, place = edited(TREE, clash.path, clash.old, clash.new)
    changed = frozenset({clash.path})

    problems = [each for each in problems_of(tree, changed=changed) if each.severity is Severity.ERROR]

    assert {clash.code} == {problem.code for problem in problems}
    problem = problems[0]
    assert place == str(problem.place)
    assert clash.files == {file for each in problems for file in each.files}
    assert [] == [word for word in clash.words if word not in "".join(each.message for each in problems)]
    assert clash.hint in problem.hint


def only(problems: list[Problem]) -> Problem:
    """The one problem there is."""
    assert len(problems) == 1, "\n".join(map(str, problems))
    return problems[0]


def test_two_files_for_one_tenant_name_both() -> None:
    """A copied file that still bears the old name is told, with the place of the first."""
    tree = {**TREE, "tenants/copy.yaml": BLUE}

    codes = {problem.code for problem in errors_of(tree)}
    twice = only([problem for problem in errors_of(tree) if problem.code == "duplicate-name"])

    assert {"file-name", "duplicate-name", "overlap", "namespace-claimed"} >= codes >= {"file-name", "duplicate-name"}
    assert {TENANT_BLUE, "gitops/tenants/copy.yaml"} == set(twice.files)


def test_a_hub_that_is_deleted_under_its_clusters_is_listed_itself() -> None:
    """The deleted path is among the files, so that the deletion can be held back."""
    tree = {path: text for path, text in TREE.items() if path != "hubs/west.yaml"}

    problems = problems_of(tree, changed=frozenset({"hubs/west.yaml"}), previous=TREE)

    assert [{CLUSTER_NORTH, HUB_WEST}, {CLUSTER_SOUTH, HUB_WEST}] == [set(problem.files) for problem in problems]


def test_a_broken_cluster_file_is_not_a_missing_cluster() -> None:
    """Tenants of a cluster whose file has a mistake are not told that it does not exist."""
    tree = {**TREE, "clusters/north.yaml": "kind: ["}

    assert [CLUSTER_NORTH] == [problem.place.file for problem in errors_of(tree)]


def test_an_overlap_is_told_in_the_changed_file() -> None:
    """Whoever changes a file into an overlap is told in that file, whatever the files are called."""
    tree = {**TREE, "tenants/blue.yaml": BLUE.replace("10.80.0.0/29", "10.80.0.8/29")}

    problem = only(problems_of(tree, changed=frozenset({"tenants/blue.yaml"}), previous=TREE)[:1])

    assert f"{TENANT_BLUE}:8:13" == str(problem.place)


def test_one_policy_belongs_to_one_hub_whatever_its_letter_case() -> None:
    """Resource Manager ignores letter case; two hubs over one policy would undo each other."""
    east = (
        HUB.replace("west", "east")
        .replace("10.0.", "10.7.")
        .replace("east-network", "WEST-network")
        .replace("tenants}", "Tenants}")
    )

    problem = only(errors_of({**TREE, "hubs/east.yaml": east}))

    assert ("shared-resource", {HUB_WEST, "gitops/hubs/east.yaml"}) == (problem.code, set(problem.files))


def test_routes_beyond_the_limit_are_refused_with_the_numbers() -> None:
    """Beyond Azure's limit the session would drop for every tenant: two gateways of 2 replicas are 6 routes."""
    hub = HUB + "  limits: {routesPerPeer: 5}\n"
    problem = only(problems_of({**TREE, "hubs/west.yaml": hub}, changed=frozenset({"tenants/red.yaml"})))

    assert ("routes-per-peer", TENANT_RED) == (problem.code, problem.place.file)
    assert "6 routes" in problem.message
    assert "is 5" in problem.message
    assert {TENANT_RED, TENANT_BLUE, HUB_WEST, CLUSTER_NORTH} == set(problem.files)
    assert [] == problems_of({**TREE, "hubs/west.yaml": hub.replace("5}", "6}")})


def test_a_lowered_limit_is_told_at_the_hub() -> None:
    """When only the hub changed it is the hub's file that is told."""
    hub = HUB + "  limits: {routesPerPeer: 5}\n"

    problem = only(problems_of({**TREE, "hubs/west.yaml": hub}, changed=frozenset({"hubs/west.yaml"})))

    assert (f"{HUB_WEST}:10:27", "spec.limits.routesPerPeer") == (str(problem.place), problem.path)


def test_a_band_too_small_for_its_tenants_is_refused() -> None:
    """Two tenants in shards of one need two priorities and one for the block shard."""
    shards = "policy: tenants, shards: {tenantsPerShard: 1, priority: {first: 1000, last: 1001}}}"
    tree = {**TREE, "hubs/west.yaml": HUB.replace("policy: tenants}", shards)}

    problem = only(problems_of(tree))

    assert "hub-full" == problem.code
    assert "need 3 priorities" in problem.message
    assert [] == problems_of({**tree, "hubs/west.yaml": tree["hubs/west.yaml"].replace("1001", "1002")})


def cluster(number: int) -> str:
    """The tree's second cluster once more, in other ranges."""
    text = SOUTH.replace("south", f"more{number}").replace("10.2.", f"10.{20 + number}.")
    return text.replace("10.80.1.0", f"10.80.{20 + number}.0")


def test_a_fifth_cluster_is_warned_of_and_a_ninth_refused() -> None:
    """A Route Server takes 8 peers; clusters have two route reflectors each, one at the least."""
    five = {**TREE, **{f"clusters/more{number}.yaml": cluster(number) for number in range(3)}}
    nine = {**TREE, **{f"clusters/more{number}.yaml": cluster(number) for number in range(7)}}

    assert [("too-many-peers", Severity.WARNING)] == [(each.code, each.severity) for each in problems_of(five)]
    assert [("too-many-peers", Severity.ERROR)] == [(each.code, each.severity) for each in problems_of(nine)]


def test_tightened_guardrails_warn_and_bind_the_next_edit() -> None:
    """Findings in unchanged files are warnings, in changed files errors; the guardrails themselves are never held."""
    tree = {**TREE, "guardrails.yaml": TREE["guardrails.yaml"].replace("max: 8", "max: 1")}

    tightened = problems_of(tree, changed=frozenset({"guardrails.yaml"}), previous=TREE)
    edit = problems_of(tree, changed=frozenset({"tenants/red.yaml"}), previous=TREE)

    assert [Severity.WARNING, Severity.WARNING] == [each.severity for each in tightened]
    assert [(TENANT_BLUE, Severity.WARNING), (TENANT_RED, Severity.ERROR)] == [
        (each.place.file, each.severity) for each in edit
    ]
    assert [(TENANT_BLUE,), (TENANT_RED,)] == [each.files for each in edit]


def test_guardrails_hold_without_a_file() -> None:
    """Rules for every destination and tenants without owner are refused by default."""
    tree = {path: text for path, text in TREE.items() if path != "guardrails.yaml"}
    tree["tenants/red.yaml"] = RED.replace("[198.51.100.20/32]", '["*"]')

    assert "the default guardrails" in only(errors_of(tree)).message


def test_a_tenant_without_owner_is_refused_unless_the_organisation_allows_it() -> None:
    """Somebody answers for each tenant; the place is that of the mapping in which the key is missing."""
    tree = {**TREE, "tenants/red.yaml": RED.replace("  owner: {team: red, contact: red@example.com}\n", "")}
    lenient = tree["guardrails.yaml"].replace("spec:\n", "spec:\n  requireOwner: false\n")

    problem = only(problems_of(tree))

    assert ("guardrail-owner", f"{TENANT_RED}:5:3") == (problem.code, str(problem.place))
    assert "`owner:" in problem.hint
    assert [] == problems_of({**tree, "guardrails.yaml": lenient})


def test_a_cluster_and_its_route_server_have_two_as_numbers() -> None:
    """They speak external BGP."""
    hub = HUB.replace("{name: west-rs,", "{name: west-rs, asn: 64512,")

    problems = errors_of({**TREE, "hubs/west.yaml": hub})

    assert [("same-asn", {CLUSTER_NORTH, HUB_WEST}), ("same-asn", {CLUSTER_SOUTH, HUB_WEST})] == [
        (problem.code, set(problem.files)) for problem in problems
    ]


@pytest.mark.parametrize(
    ("forbidden", "destination", "refused"),
    [
        ("10.0.0.0/8", "10.9.0.0/16", True),
        ("10.9.0.0/16", "10.0.0.0/8", True),
        ("10.9.0.0/16", "10.10.0.0/16", False),
        ("10.9.0.0/16", "10.8.255.255-10.9.0.1", True),
        ("10.9.0.0/16", '"*"', True),
        ("0.0.0.0/0", '"*"', True),
        ("0.0.0.0/0", "10.0.0.0/8", False),
        ("Storage", "Storage.WestEurope", True),
        ("Storage", "Sql", False),
        ("Storage.WestEurope", "Storage.NorthEurope", False),
    ],
)
def test_a_forbidden_destination_is_not_reached_in_part_either(forbidden: str, destination: str, refused: bool) -> None:
    """What touches a forbidden destination is refused; everything is reached by rules for everything alone."""
    rails = TREE["guardrails.yaml"] + f"    destinations: [{forbidden}]\n"
    tree = {**TREE, "guardrails.yaml": rails, "tenants/red.yaml": RED.replace("[198.51.100.20/32]", f"[{destination}]")}

    assert (["guardrail-destination"] if refused else []) == [problem.code for problem in errors_of(tree)]


def test_a_tenant_may_not_begin_to_include_a_rule_set_that_breaks_the_guardrails() -> None:
    """The rule set in force is only warned of; the tenant that is edited to include it is refused."""
    tree = {**TREE, "rulesets/base.yaml": BASE.replace("login.example.com", "x.paste.example")}

    errors = [
        each for each in problems_of(tree, changed=frozenset({"tenants/red.yaml"})) if each.severity is Severity.ERROR
    ]

    assert (f"{TENANT_RED}:12:15", "spec.egress.include[0]") == (str(only(errors).place), only(errors).path)


def after(change: dict[str, str | None], *, before: dict[str, str] | None = None) -> list[Problem]:
    """Problems of a commit on top of the tree; None deletes a file."""
    previous = {**TREE, **(before or {})}
    tree = {path: text for path, text in {**previous, **change}.items() if text is not None}
    return problems_of(tree, changed=frozenset(change), previous=previous)


def test_growth_into_an_overlapping_range_is_refused() -> None:
    """A pool cannot grow: its range overlaps itself."""
    problem = only(after({"tenants/blue.yaml": BLUE.replace("10.80.0.0/29", "10.80.0.0/30")}))

    assert ("range-overlaps-former", f"{TENANT_BLUE}:8:13") == (problem.code, str(problem.place))
    assert "does not overlap" in problem.hint


def test_a_swap_of_ranges_is_refused_on_both_sides() -> None:
    """Two tenants who swap ranges would be taken for each other."""
    problems = after(
        {
            "tenants/blue.yaml": BLUE.replace("10.80.0.0/29", "10.80.0.8/29"),
            "tenants/red.yaml": RED.replace("10.80.0.8/29", "10.80.0.0/29"),
        }
    )

    assert [("range-not-free", (TENANT_BLUE,)), ("range-not-free", (TENANT_RED,))] == [
        (each.code, each.files) for each in problems
    ]
    assert "two merges" in problems[0].hint


def test_a_range_passes_on_only_after_its_holder_is_gone() -> None:
    """Removing a tenant and giving its range to another in one commit: only the taker is refused."""
    problem = only(after({"tenants/blue.yaml": None, "tenants/red.yaml": RED.replace("10.80.0.8/29", "10.80.0.0/29")}))

    assert ("range-not-free", (TENANT_RED,)) == (problem.code, problem.files)
    assert "tenant `blue`" in problem.message
    assert "is removed" in problem.message


def test_the_one_who_moves_away_is_not_at_fault() -> None:
    """A tenant renumbers to a free range and another takes the old one: only the second is refused."""
    problem = only(
        after(
            {
                "tenants/blue.yaml": BLUE.replace("10.80.0.0/29", "10.80.0.16/29"),
                "tenants/red.yaml": RED.replace("10.80.0.8/29", "10.80.0.0/29"),
            }
        )
    )

    assert (TENANT_RED,) == problem.files
    assert "moves away" in problem.message


def test_a_block_size_changes_only_with_its_range() -> None:
    """A pool's block size is fixed; with a new range it is free."""
    kept = BLUE.replace("{replicas: 2}", "{replicas: 2, blockSize: 31}")
    moved = kept.replace("10.80.0.0/29", "10.80.0.16/29")

    assert ("block-size-change", f"{TENANT_BLUE}:10:41") == (
        (problem := only(after({"tenants/blue.yaml": kept}))).code,
        str(problem.place),
    )
    assert [] == after({"tenants/blue.yaml": moved})


def test_what_may_change_at_once() -> None:
    """A renumbering to a free range, a namespace that passes to another tenant, and a removal are no problems."""
    passed_on = {
        "tenants/blue.yaml": BLUE.replace("[shop]", "[cart]").replace("10.80.0.0/29", "10.80.0.16/29"),
        "tenants/red.yaml": RED.replace("[mail]", "[mail, shop]"),
    }

    assert [] == after({**passed_on})
    assert [] == after({"tenants/blue.yaml": None})


TWELVE = {
    "tenants/blue.yaml": [
        ("fqdns: [www.example.com]", 'fqdns: ["*"]'),
        ("cidr: 10.80.0.0/29", "cidr: 10.80.0.1/29"),
        ("[shop]", "[kube-system]"),
        ('ports: ["443"]', 'ports: ["70000"]'),
        ("[base]", "[bass]"),
    ],
    "tenants/red.yaml": [
        ("cluster: north", "cluster: nowhere"),
        ("- name: website", "- nme: website"),
        ("replicas: 2", "replicas: 010"),
    ],
    "clusters/south.yaml": [("10.80.1.0/24", "10.80.0.0/25"), ("asn: 64512", "asn: 65517")],
    "hubs/west.yaml": [("99999999-", "x")],
    "guardrails.yaml": [("min: 1", "min: yes")],
}
TWELVE_CODES = [
    ("clusters/south.yaml:12", "reserved-asn"),
    ("clusters/south.yaml:13", "overlap"),
    ("guardrails.yaml:5", "quote-it"),
    ("hubs/west.yaml:5", "wrong-form"),
    ("tenants/blue.yaml:8", "host-bits"),
    ("tenants/blue.yaml:9", "namespace-reserved"),
    ("tenants/blue.yaml:12", "unknown-reference"),
    ("tenants/blue.yaml:15", "fqdn-everything"),
    ("tenants/blue.yaml:19", "port-range"),
    ("tenants/red.yaml:7", "unknown-reference"),
    ("tenants/red.yaml:10", "quote-it"),
    ("tenants/red.yaml:14", "unknown-key"),
]


def test_twelve_mistakes_are_told_at_once() -> None:
    """Mistakes of every kind, several in one file, single-file and cross-file ones: each has its own located problem."""
    tree = dict(TREE)
    for path, replacements in TWELVE.items():
        for old, new in replacements:
            assert old in tree[path]
            tree[path] = tree[path].replace(old, new, 1)

    told = [(f"{each.place.file.removeprefix('gitops/')}:{each.place.line}", each.code) for each in errors_of(tree)]

    assert sorted(TWELVE_CODES) == sorted(told)


def test_the_order_of_files_changes_nothing() -> None:
    """Problems come in the order of their places, whatever order the files are given in."""
    tree = {**TREE, "tenants/copy.yaml": BLUE, "clusters/south.yaml": NORTH.replace("north", "south")}
    files = parsed(tree)
    backwards = dict(reversed(files.items()))

    one = check(files, changed=None, previous={}, today=TODAY)

    assert one == check(backwards, changed=None, previous={}, today=TODAY)
    assert list(one) == sorted(one, key=lambda problem: problem.place)


def test_many_equal_ranges_are_told_without_a_problem_for_each_pair() -> None:
    """Every file is told, each with a few partners only."""
    tree = {**TREE, **{f"tenants/t{number}.yaml": BLUE.replace("blue", f"t{number}") for number in range(150)}}

    overlaps = [problem for problem in problems_of(tree) if problem.code == "overlap"]

    assert 151 == len({file for problem in overlaps for file in problem.files})
    assert len(overlaps) <= 151 * 5


def test_a_wrong_item_hides_no_other_mistake_of_its_file() -> None:
    """A value of the wrong type in a list, and a rule without its name: ranges, rules and references are told as well."""
    text = (
        BLUE.replace("[shop]", "[kube-system, 3]")
        .replace("172.20.0.0/16", "172.20.0.0/33")
        .replace("[base]", "[bass]")
        .replace("- name: ledger\n        destinations", "- destinations")
        .replace("[www.example.com]", '["*", 5]')
    )

    told = [(each.place.line, each.code) for each in errors_of({**TREE, "tenants/blue.yaml": text})]

    assert sorted(told) == [
        (9, "namespace-reserved"),
        (9, "wrong-type"),
        (12, "unknown-reference"),
        (15, "fqdn-everything"),
        (15, "wrong-type"),
        (17, "missing-key"),
        (19, "cidr-form"),
    ]
