"""What a planted mistake is, and planting it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: in `file` the text `right` becomes `wrong`.

    `harm` says in one sentence what goes wrong in the field, `breaks` which of the design's ten invariants that is (several:
    `1, 5`), `world` for a mistake of the simulator, `told` for what people are told wrongly, or `approved` for what comes into
    force otherwise than somebody approved it. `likely` are the test files to ask first; all others follow.
    """

    name: str
    harm: str
    breaks: str
    file: str
    right: str
    wrong: str
    likely: tuple[str, ...] = ()


class NotPlanted(ValueError):
    """The text to be replaced is not there exactly once."""


def planted(mistake: Mistake, source: str) -> str:
    """The source with the mistake in it; raises NotPlanted."""
    found = source.count(mistake.right)
    if found != 1:
        raise NotPlanted(
            f"{mistake.name}: its text stands {found} times in {mistake.file}, not once. Renew it in mutants/."
        )
    return source.replace(mistake.right, mistake.wrong)


def plant(mistake: Mistake, root: Path) -> None:
    """Write the mistake into the tree at `root`; raises NotPlanted."""
    path = root / mistake.file
    path.write_text(planted(mistake, path.read_text(encoding="utf-8")), encoding="utf-8")
