"""Whether a push is about our repository and branch, and which hubs it can touch."""

from __future__ import annotations

import pytest

from function_app.webhooks.filters import is_our_ref, repository_key, same_repository, touched_hubs
from function_app.webhooks.push import Push

ONE_REPOSITORY = [
    [
        "https://github.com/example/egress.git",
        "https://me:token@GitHub.com/Example/egress/",
        "git@github.com:example/egress.git",
        "ssh://git@github.com:22/example/egress.git",
    ],
    [
        "https://dev.azure.com/org/project/_git/egress",
        "https://org@dev.azure.com/org/project/_git/egress",
        "git@ssh.dev.azure.com:v3/org/project/egress",
        "https://org.visualstudio.com/project/_git/egress",
        "https://org.visualstudio.com/DefaultCollection/project/_git/egress",
    ],
    ["https://dev.azure.com/org/egress/_git/egress", "https://dev.azure.com/org/_git/egress"],
    ["example/egress", "Example/egress"],
    ["/srv/git/egress.git", "file:///srv/git/egress"],
]


@pytest.mark.parametrize("addresses", ONE_REPOSITORY)
def test_a_repository_has_many_addresses(addresses: list[str]) -> None:
    """Scheme, user, port, ending and Azure DevOps' hosts make no difference."""
    assert 1 == len({repository_key(each) for each in addresses})
    assert all(same_repository(addresses[0], [each]) for each in addresses)


@pytest.mark.parametrize(
    "other",
    [
        "https://github.com/example/egress-fork.git",
        "https://github.com/evil/egress.git",
        "https://github.com.evil.example/example/egress.git",
        "https://evil.example/github.com/example/egress",
        "http://[",
        "",
    ],
)
def test_another_repository_is_another(other: str) -> None:
    """A fork, another owner, another host that is made to look alike, and what is no address."""
    assert not same_repository("https://github.com/example/egress.git", [other])


def test_no_address_is_nobodys() -> None:
    """Two addresses that cannot be read are not the same one."""
    assert not same_repository("http://[", ["http://["])


@pytest.mark.parametrize(
    ("configured", "ref", "ours"),
    [
        ("main", "refs/heads/main", True),
        ("main", "refs/heads/main2", False),
        ("main", "refs/heads/feature/main", False),
        ("main", "refs/tags/v1", False),
        ("v1", "refs/tags/v1", True),
        ("refs/heads/main", "refs/heads/main", True),
        ("refs/heads/main", "refs/tags/main", False),
        ("c" * 40, "refs/heads/main", False),
    ],
)
def test_only_the_configured_ref_counts(configured: str, ref: str, ours: bool) -> None:
    """Other branches and tags ask for nothing, and a commit never moves."""
    assert ours == is_our_ref(configured, ref)


@pytest.mark.parametrize(
    ("paths", "hubs"),
    [
        (None, ("hub1", "hub2")),
        ({"README.md", "gitops-old/tenants/x.yaml"}, ()),
        ({"gitops/hubs/hub2.yaml", "README.md"}, ("hub2",)),
        ({"gitops/hubs/hub3.yaml"}, ("hub3",)),
        ({"gitops/hubs/hub3.yaml", "gitops/tenants/x.yaml"}, ("hub1", "hub2", "hub3")),
        ({"gitops/tenants/x.yaml"}, ("hub1", "hub2")),
        ({"gitops/hubs/../x.yaml"}, ("hub1", "hub2")),
        ({"gitops/hubs/Hub.yaml"}, ("hub1", "hub2")),
    ],
)
def test_a_push_touches_no_more_hubs_than_it_can(paths: set[str] | None, hubs: tuple[str, ...]) -> None:
    """Hub files touch their hub, files elsewhere none, and anything else every hub."""
    push = Push(("r",), ("refs/heads/main",), paths=None if paths is None else frozenset(paths))

    assert hubs == touched_hubs(push, "gitops", ("hub2", "hub1"))


def test_definitions_may_stand_at_the_top() -> None:
    """Without a folder every path is inside."""
    push = Push(("r",), ("refs/heads/main",), paths=frozenset({"hubs/hub2.yaml"}))

    assert ("hub2",) == touched_hubs(push, "", ("hub1",))
