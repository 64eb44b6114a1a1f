"""What of a hub has been told to the outside: so that nothing is left out, and nothing is told for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Told:
    """How far the telling has come. Lost, it only makes things be told a second time.

    Ledger records up to `ledger_seq` were logged; on `restated_on` (UTC) those that still hold were logged once more.
    """

    ledger_seq: int = 0
    restated_on: date | None = None
