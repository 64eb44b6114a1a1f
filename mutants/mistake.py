"""What a named mistake is."""

from __future__ import annotations

from dataclasses import dataclass

from mutants.planting import NotPlanted


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


def planted(mistake: Mistake, source: str) -> str:
    """The source with the mistake in it; raises NotPlanted."""
    found = source.count(mistake.right)
    if found != 1:
        raise NotPlanted(
            f"{mistake.name}: its text stands {found} times in {mistake.file}, not once. Renew it in mutants/."
        )
    return source.replace(mistake.right, mistake.wrong)
