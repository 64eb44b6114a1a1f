"""Which deliveries concern us: those about our repository and our ref, and for which hubs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from function_app.webhooks.push import Push

_HUB_FILE = re.compile(r"hubs/([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)\.yaml")
_SCP_FORM = re.compile(r"(?:[^/@]+@)?([^/:@]+):(?!//)(.+)")
"""`git@host:owner/name.git`, as Git and ssh write it."""


def same_repository(configured: str, named: Iterable[str]) -> bool:
    """Whether one of the addresses in a delivery is the configured one, which may also be the bare `owner/name`."""
    ours = repository_key(configured)
    return bool(ours) and any(repository_key(each) == ours for each in named)


def repository_key(address: str) -> str:
    """An address without what its forms differ in: scheme, user, port, `.git`; Azure DevOps' three hosts are one.

    A text that is no address has itself as its key; one that cannot be read has none.
    """
    try:
        parts = urlsplit(address)
        host, path = (parts.hostname or "", parts.path) if parts.scheme else ("", address)
    except ValueError:
        return ""
    scp = _SCP_FORM.fullmatch(address) if not host else None
    if scp is not None:
        host, path = scp[1].lower(), scp[2]
    path = unquote(path).rstrip("/").removesuffix(".git")
    if host in ("dev.azure.com", "ssh.dev.azure.com") or host.endswith(".visualstudio.com"):
        host, path = _azure_devops(host, path)
    return f"{host}/{path.lstrip('/')}".casefold() if host else path.casefold()


def is_our_ref(configured: str, ref: str) -> bool:
    """Whether a full ref is the configured branch, tag or full ref; a configured commit never moves."""
    if configured.startswith("refs/"):
        return ref == configured
    return ref in (f"refs/heads/{configured}", f"refs/tags/{configured}")


def touched_hubs(push: Push, folder: str, known: Iterable[str]) -> tuple[str, ...]:
    """The hubs that a push can touch, by name.

    Hub files alone touch their hubs, whether these are known yet or not; files outside the folder of definitions touch none.
    Anything else, and a push that does not tell its files, may touch every hub that is known.
    """
    if push.paths is None:
        return tuple(sorted(known))
    inside = f"{folder}/" if folder else ""
    paths = [path.removeprefix(inside) for path in push.paths if path.startswith(inside)]
    hubs = [_HUB_FILE.fullmatch(path) for path in paths]
    named = {found[1] for found in hubs if found is not None}
    return tuple(sorted(named if len(named) == len(paths) else {*known, *named}))


def may_touch(push: Push, folder: str) -> bool:
    """Whether a push can have touched any definition; one that does not tell its files can."""
    inside = f"{folder}/" if folder else ""
    return push.paths is None or any(path.startswith(inside) for path in push.paths)


def _azure_devops(host: str, path: str) -> tuple[str, str]:
    steps = [step for step in path.split("/") if step and step not in ("_git", "v3", "DefaultCollection")]
    if host.endswith(".visualstudio.com"):
        steps = [host.partition(".")[0], *steps]
    # The repository that is named as its project may be written once.
    return "dev.azure.com", "/".join(steps if len(steps) != 2 else [*steps, steps[-1]])
