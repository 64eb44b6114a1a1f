"""The same calls, answered by both servers in the same words: status, content type and the whole body."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from faces import Face, Real, Simulated, admission_policy, caller, eventually, refused_by_policy
from transcripts import CALICO, POLICIES, SOMEBODY, STORIES, Story, Transcript, calico, told, without_rights

from real.kube.rest import Answer, Rest
from real.kube.server import STRANGER


@pytest.mark.parametrize("story", STORIES, ids=lambda story: str(story.__name__))
def test_the_simulator_answers_as_a_real_server(story: Story, simulated: Simulated, real: Real) -> None:
    """Call by call; uids, times and version numbers compare by where they first appeared."""
    with caller(simulated) as here, caller(real) as there:
        assert told(there, story) == told(here, story)


def test_forbidden_in_the_same_words(simulated: Simulated, real: Real) -> None:
    """403 names the user, the verb, the kind and where; an apply of something new asks for two rights."""

    def said(face: Face) -> list[tuple[int, str, Any]]:
        with caller(face, STRANGER) as stranger:
            user = str(stranger("GET", "/api/v1/nodes").json["message"]).split('"')[1]
            return [_renamed(answer, user) for answer in told(stranger, without_rights)]

    answers = said(real)
    assert {403} == {status for status, _, _ in answers}
    assert answers == said(simulated)


def _renamed(answer: tuple[int, str, Any], user: str) -> tuple[int, str, Any]:
    """The two servers call their strangers by different names."""
    status, kind, body = answer
    return status, kind, {**body, "message": body["message"].replace(user, "somebody")}


def test_an_unknown_token_in_the_same_words(simulated: Simulated, real: Real) -> None:
    """401 says no more than that."""

    def said(face: Face) -> tuple[int, str, Any]:
        nobody = Rest(face.endpoint, "not-a-token")
        answer = nobody("GET", POLICIES)
        nobody.close()
        return Transcript().of(answer)

    assert said(real) == said(simulated)


def test_an_expired_list_in_the_same_words(simulated: Simulated, real: Real) -> None:
    """410, and the rest of the list as it is now under a version of its own."""

    def story(face: Face) -> Iterator[Answer]:
        with caller(face) as admin:
            names = [f"expiring-{letter}" for letter in "abc"]
            for name in names:
                admin.apply(f"{POLICIES}/{name}", calico("EgressGatewayPolicy", name, {}), manager=SOMEBODY)
            page = {"limit": "1", "fieldSelector": "metadata.name!=expiring-b"}
            token = admin("GET", POLICIES, **page).json["metadata"]["continue"]
            admin.merge(f"{POLICIES}/expiring-a", {"metadata": {"labels": {"later": "x"}}})
            face.forget_lists()
            eventually(face, lambda: admin("GET", POLICIES, **page, **{"continue": token}).status == 410)
            yield admin("GET", POLICIES, **page, **{"continue": token})
            for name in names:
                admin("DELETE", f"{POLICIES}/{name}")

    def said(face: Face) -> list[tuple[int, str, Any]]:
        transcript = Transcript()
        return [transcript.of(answer) for answer in story(face)]

    assert said(real) == said(simulated)


def test_the_words_of_an_admission_policy(real: Real) -> None:
    """What the simulator's fault says, a real policy says, with the object's name besides."""
    with real.refusing("bgppeers", "ask the platform team"), caller(real) as admin:
        answer = admin("POST", f"{CALICO}/bgppeers", calico("BGPPeer", "refused", {}))
    policy = admission_policy("bgppeers", "ask the platform team")["metadata"]["name"]
    words = refused_by_policy(
        "bgppeers.projectcalico.org", "projectcalico.org", "bgppeers", policy, "ask the platform team"
    )
    words["message"] = words["message"].replace(" is forbidden", ' "refused" is forbidden')
    words["details"]["name"] = "refused"
    assert (422, words) == (answer.status, answer.json)
