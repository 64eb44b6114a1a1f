"""The comment itself: it fits, it stays the same, and nobody else's text acts in it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from review_builders import a_tenant, edited, reviewed, sample

from demo.pull_requests import EXAMPLES, comments, pull_requests
from function_app.model.errors import Problem, Severity
from function_app.model.names import Commit, HubName, Place, TenantName
from function_app.model.review import Access, HubReview, Review, TenantReview, Waiting
from function_app.reporting.comment import MARKER, MOST_BYTES, comment
from function_app.reporting.markdown import code, prose

EVIL = "a`b\n\n# h <img src=x onerror=y> [x](https://evil.test) @team #12 |x| **b** <!-- www.evil.test --> </details>"


def a_review(text: str, *, tenants: int = 1) -> Review:
    """A review in which everything that can come from a repository is this text."""
    access = Access((text,), (text,), (f"{text} on {text}",), text)
    place = Place(f"gitops/{text}", 1, 1)
    tenant = TenantReview(TenantName(text), (access,), (access,), (text,), (text,), (text,), (text,), text)
    problems = tuple(
        Problem(place, text, severity, "code", text, text, (text,)) for severity in (Severity.ERROR, Severity.WARNING)
    )
    hub = HubReview(
        HubName(text),
        None,
        (tenant,) * tenants,
        (),
        (),
        Waiting((text,), 240.0, 0),
        refused=(text,),
        warnings=(text,),
        timing=(text,),
    )
    return Review(Commit("0" * 40), Commit("1" * 40), (hub,), problems, held=(text,), conflicts=(text,))


def outside_code(text: str) -> str:
    """What of a line a Markdown reader does not take for code, escapes resolved to marks of their own."""
    return re.sub(r"`[^`\n]*`", "", text)


@given(st.text(alphabet=st.sampled_from(list("`*_<>[]()#@|\\~!&$ab\n\u202e:/.w-")), max_size=40) | st.just(EVIL))
def test_nobody_elses_text_acts(text: str) -> None:
    """No HTML but ours, no link, mention, reference, image or table cell comes out of a name, a file or a message."""
    shown = comment(a_review(text))
    ours = re.compile(r"</?(details|summary|sub)>|<!-- egress-gitops: review of this pull request -->")
    rest = outside_code(ours.sub("", shown))
    assert not re.search(r"(?<!\\)<(?!\\)[a-zA-Z/!]", rest), rest
    assert not re.search(r"(?<!\\)\]\(", rest)
    assert not re.search(r"@\w", rest)
    assert not re.search(r"#\d", rest)
    assert "://" not in rest
    assert "\u202e" not in shown


@given(st.text(max_size=60))
def test_a_code_span_holds_its_text_and_nothing_ends_it(text: str) -> None:
    """One line, two back-quotes, no bar that would part a table's cell."""
    shown = code(text)
    assert 2 == shown.count("`")
    assert not set("\n\r|") & set(shown)


@given(st.text(max_size=60))
def test_prose_says_what_it_was_given(text: str) -> None:
    """Taking the escapes away gives the printable text back, blanks aside: nothing is lost."""
    printable = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split(" "))
    back = re.sub(r"\\([\\`*_\[\]|<>~&$])", r"\1", prose(text)).replace("\u200b", "")
    marks = re.compile("[ `|\u2758\u2019]")
    assert marks.sub("", printable) == marks.sub("", back)


def test_five_hundred_tenants_fit() -> None:
    """Changed at once, each is a line or counted; the end and the marker are there, and every block that opens closes."""
    tenants = {
        f"tenants/t{one:03d}.yaml": a_tenant(
            f"t{one:03d}", f"10.99.{8 + one // 32}.{one % 32 * 8}/29", f"www.t{one}.example"
        )
        for one in range(500)
    }
    cluster = sample()["clusters/spoke1-aks.yaml"].replace("egressCIDR: 10.99.0.0/24", "egressCIDR: 10.99.0.0/16")
    far = sample()["clusters/spoke2-aks.yaml"].replace("egressCIDR: 10.99.1.0/24", "egressCIDR: 10.100.1.0/24")
    hub = sample()["hubs/hub1.yaml"].replace("routesPerPeer: 500", "routesPerPeer: 4000")
    moved = sample()["tenants/tenant1.yaml"].replace("10.99.1.0/29", "10.100.1.0/29")
    platform = {"clusters/spoke1-aks.yaml": cluster, "clusters/spoke2-aks.yaml": far, "hubs/hub1.yaml": hub}
    before = sample() | platform | {"tenants/tenant1.yaml": moved}
    found = reviewed(tenants, before)
    shown = comment(found)
    assert not found.refused, found.refusals[:3]
    assert 500 == sum(len(each.tenants) for each in found.hubs)
    assert len(shown.encode()) <= MOST_BYTES
    assert shown.startswith(MARKER)
    assert "500 tenants changed on hub1" in shown
    assert re.search(r"\d+ parts of this comment had no room", shown)
    assert shown.count("<details>") == shown.count("</details>")
    assert shown.rstrip().endswith("</sub>")


def test_many_long_reasons_fit_too() -> None:
    """A thousand refusals of seven hundred characters: the first ones, and how many more."""
    review = a_review("x")
    hub = replace(review.hubs[0], refused=tuple(f"{number} {'y' * 700}" for number in range(1000)))
    shown = comment(replace(review, hubs=(hub,)))
    assert len(shown.encode()) <= MOST_BYTES
    assert "reasons more" in shown


def test_the_comment_does_not_change_with_the_layout_of_a_file() -> None:
    """Reordered keys, lists and quotes are the same change, and so the same comment."""
    path = "tenants/tenant0.yaml"
    rules = [{"name": "b", "fqdns": ["z.example", "a.example"]}, {"name": "a", "fqdns": ["m.example"]}]
    text = edited(path, egress={"include": ["baseline"], "allow": rules}, expect=[])
    document = yaml.safe_load(text)
    document["spec"]["egress"]["allow"] = [{"fqdns": ["a.example", "z.example"], "name": "b"}, rules[1]]
    other = yaml.safe_dump({key: document[key] for key in reversed(document)}, sort_keys=True)
    shown = [re.sub(r"[0-9a-f]{10} to [0-9a-f]{10}", "", comment(reviewed({path: each}))) for each in (text, other)]
    assert shown[0] == shown[1]


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The demonstration's comments."""
    return comments(tmp_path_factory.mktemp("pull-requests"))


@pytest.mark.parametrize("branch", [one.branch for one in pull_requests()])
def test_the_committed_examples_are_what_is_posted(
    examples: dict[str, str], branch: str, request: pytest.FixtureRequest
) -> None:
    """`make golden` renews them; a reviewer reads the diff."""
    path = Path(EXAMPLES / f"{branch}.md")
    if request.config.getoption("--renew-golden"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(examples[branch], encoding="utf-8")
    assert path.read_text(encoding="utf-8") == examples[branch]


def test_the_three_examples_say_what_they_are_for(examples: dict[str, str]) -> None:
    """One may be merged; two may not, one by the deciding rule and one by the numbers."""
    assert "must not be merged" not in examples["good"]
    assert "egress-006/tenant1-net/hub-services allows part of it: TCP 443, TCP 8443" in examples["over-wide"]
    assert "would send 504 routes" in examples["too-many-routes"]
