"""What the page says, and that nothing of it can be more than text."""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import IPv4Network

import pytest
from page.page_builders import NOW, ago, attachment, holders, hub, page, tenant_name, troubled

from function_app.reporting.page import content_of
from function_app.reporting.page.addresses import Holder, picture_of


def test_all_is_well_is_said_in_a_few_words() -> None:
    """No concern, nothing loud, one badge."""
    content = content_of(hub(3), (), NOW)

    assert ("as Git says", "good", (), ()) == (content.verdict, content.grade, content.concerns, content.loud)
    assert 3 == len(content.quiet)


def test_what_a_person_must_know_stands_first_and_grave_or_not() -> None:
    """Blocks, refusals, what cannot be read, what is held back, each with its way out."""
    content = content_of(troubled(), (), NOW)

    assert ("needs a person", "grave") == (content.verdict, content.grade)
    assert [
        ("risk-005 is blocked", False),
        ("refused: hub2 (removals)", True),
        ("cluster/spoke2-aks cannot be read", False),
        ("held back: tenants/mail-003.yaml", True),
    ] == [(one.what, one.grave) for one in content.concerns]
    assert "for 3 h more: exfiltration suspected" in content.concerns[0].words
    assert "gitops/tenants/mail-003.yaml:14:9" in content.concerns[3].words


def test_what_is_not_taken_up_is_told_once() -> None:
    """A suspension with who and why, a window without alarm, an order that stopped with alarm."""
    suspended = {"subject": "tenant/mail-003", "reason": "ticket 4711", "by": "jo", "expires": ago(-180)}
    window = {"scope": "hub/hub1", "reason": "change-window", "detail": "opens at ten", "until": ago(-60)}
    stopped = {"scope": "cluster/c", "reason": "rollout", "detail": "d is in trouble", "until": None}
    told = {"scope": "tenant/mail-003", "reason": "suspended", "detail": "by jo", "until": ago(-180)}
    row = hub(3) | {"suspensions": [suspended]}
    row["report"]["deferrals"] = [told, window, stopped]

    concerns = content_of(row, (), NOW).concerns

    assert [
        ("tenant/mail-003 is suspended", "for 3 h more: ticket 4711 (by jo)", False),
        ("not taken up on hub/hub1", "opens at ten", False),
        ("not taken up on cluster/c", "d is in trouble", True),
    ] == [(one.what, one.words, one.grave) for one in concerns]


def test_who_waits_is_not_folded_away() -> None:
    """Each with what it waits for and since when."""
    loud = {row.tenant: row for row in content_of(troubled(), (), NOW).loud}

    assert {"mail-003", "ledger-004", "risk-005", "fx-007"} == loud.keys()
    assert (2, "its routes on the Route Server, its firewall rules", "6 min") == (
        loud["mail-003"].reached,
        loud["mail-003"].waits,
        loud["mail-003"].since,
    )


def test_a_hub_that_nobody_looks_after_is_a_concern() -> None:
    """The newest pass is older than the timer allows."""
    content = content_of(hub(1), (), NOW + timedelta(hours=2))

    assert ["no pass came lately"] == [one.what for one in content.concerns]


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        ({"hub": "hub1", "report": None}, "no pass yet"),
        ({"hub": "hub1", "report": {"nonsense": 1}}, "no pass yet"),
        ({"hub": "hub1", "report": None, "problem": "storage cannot be reached"}, "no pass yet"),
    ],
)
def test_a_hub_without_a_report_is_shown_all_the_same(row: dict[str, object], verdict: str) -> None:
    """Before the first pass, of another release, with storage down."""
    assert verdict == content_of(row, (), NOW).verdict
    assert "hub1" in page(hub(1)).html


def test_limits_say_how_near_they_are() -> None:
    """Good, near from 80 percent, over at the limit; the fullest first."""
    bars = content_of(hub(1), (), NOW).bars

    assert [("routes per peer", 82, "moving"), ("routes per peer", 19, "good"), ("BGP peers", 100, "grave")] == [
        (bar.name, bar.percent, bar.grade) for bar in bars[:3]
    ]


def test_drift_is_taken_from_the_history() -> None:
    """What was changed behind Git's back, and what became of it."""
    (line,) = content_of(hub(1), (), NOW).drift

    assert "cluster/spoke1-aks BGPFilter/export-egress-ips: updated" in line


def test_the_picture_puts_every_range_in_its_place() -> None:
    """Rows are powers of two, large ranges take whole rows, runs of free rows are folded into one."""
    egress = IPv4Network("10.96.0.0/20")
    ranges = ("10.96.0.8/29", "10.96.0.128/25", "10.96.4.0/24", "10.96.15.248/29", "192.0.2.0/24")

    picture = picture_of("c", egress, [Holder(one, "c", IPv4Network(one), "routed", "") for one in ranges])

    assert [
        ("10.96.0.8/29", 65.0, 1, 61.0, 19),
        ("10.96.0.128/25", 1.0, 23, 1021.0, 19),
        ("10.96.4.0/24", 1.0, 67, 1021.0, 41),
        ("10.96.15.248/29", 961.0, 133, 61.0, 19),
    ] == [(cell.holder.tenant, cell.x, cell.y, cell.width, cell.height) for cell in picture.cells]
    assert ["", "", "768 free addresses", "", "", "2,688 free addresses", ""] == [row.words for row in picture.rows]
    assert 8 + 128 + 256 + 8 == picture.taken


@pytest.mark.parametrize("length", [8, 16, 24, 29, 31, 32])
def test_any_egress_range_can_be_drawn(length: int) -> None:
    """From one address to sixteen millions, at most 64 rows."""
    egress = IPv4Network((10 << 24, length))

    picture = picture_of("c", egress, [Holder("t", "c", egress, "routed", "")])

    assert len(picture.rows) <= 64
    assert picture.height == picture.cells[0].height + 3


EVIL = "</script><script>alert(1)</script>\"'<img src=x onerror=alert(1)>{{7*7}}"


def test_what_others_wrote_is_text_and_nothing_else() -> None:
    """Names, messages, an asked address: no tag, no attribute, no template of it comes to life."""
    row = hub(0, converged=False)
    row["report"]["attachments"] = [attachment(0, detail=EVIL, waiting_for=["serving"], tenant=EVIL, namespaces=[EVIL])]
    row["report"]["refused"] = [{"code": EVIL, "subject": EVIL, "message": EVIL}]
    row["passes"][0] |= {"problem": EVIL, "by": [EVIL], "commit": EVIL}
    row["problem"] = EVIL

    html = page(row, asked=EVIL, problem=EVIL).html

    assert 1 == html.count("<script>")
    assert "<img" not in html
    assert "onerror=alert(1)&gt;" in html
    assert "{{7*7}}" in html


def test_the_page_needs_nothing_from_elsewhere_and_says_so() -> None:
    """No address of another host, no inline style or event, and a policy that allows its own two blocks alone."""
    made = page(hub(3), troubled())

    assert "default-src 'none'" in made.policy
    assert "unsafe" not in made.policy
    assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", made.html)
    assert not re.search(r"""\s(?:style|on\w+)=["']""", made.html)


def test_a_thousand_tenants_stay_below_a_megabyte() -> None:
    """Whatever they are called."""
    assert len(page(hub(1000)).html.encode()) < 1_000_000


CSS_PAIRS = [
    ("ink", "paper"),
    ("ink", "card"),
    ("soft", "card"),
    ("soft", "paper"),
    ("accent", "card"),
    ("card", "accent"),
    ("good", "good-bg"),
    ("moving", "moving-bg"),
    ("grave", "grave-bg"),
    ("ink", "moving-bg"),
    ("ink", "grave-bg"),
    ("soft", "moving-bg"),
    ("soft", "free"),
    *((("on-h", f"h{number}")) for number in range(6)),
]


def luminance(colour: str) -> float:
    """WCAG 2 relative luminance."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_can_be_read_against_what_is_behind_it(scheme: int) -> None:
    """Contrast of at least 4.5 to 1 (WCAG 2, 1.4.3), in both schemes."""
    blocks = re.findall(r":root \{(.*?)\}", page(hub(1)).html, flags=re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", blocks[scheme]))

    for front, back in CSS_PAIRS:
        light, dark = sorted((luminance(colours[front]), luminance(colours[back])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (front, back)


def test_holders_that_ended_are_not_drawn() -> None:
    """The picture shows now."""
    row = troubled()
    states = {cell.holder.state for picture in content_of(row, holders(row), NOW).pictures for cell in picture.cells}

    assert {"routed", "waiting", "leaving", "quarantined"} == states
    assert tenant_name(3) in page(row).html
