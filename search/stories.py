"""A counter-example as people read it: what was broken, and everything that happened, in order, with the calls."""

from __future__ import annotations

from collections.abc import Iterator

from search.actions import Action
from search.runner import Run


def story(run: Run, *, seed: int | None = None) -> str:
    """The whole story."""
    return "\n".join(_lines(run, seed))


def _lines(run: Run, seed: int | None) -> Iterator[str]:
    if seed is not None:
        yield f"seed {seed}"
    for violation in run.violations[:3]:
        yield f"BROKEN {violation}"
    yield f"hub: {run.variant}"
    yield "what happened:"
    for line in run.lines:
        yield f"  {line.at} {'    ' * line.depth}{line.words}"
    yield "to play it again:"
    yield f"  replay({run.variant!r}, ["
    for action in run.actions:
        yield f"      {code(action)},"
    yield "  ])"


def code(action: Action) -> str:
    """An action as Python that makes it."""
    shown = ", ".join(code(one) if isinstance(one, Action) else repr(one) for one in action.arguments)
    trailing = "," if len(action.arguments) == 1 else ""
    return f'Action("{action.name}", ({shown}{trailing}))' if action.arguments else f'Action("{action.name}")'
