"""Pure decisions: definitions, ledger and observations become a plan. No I/O, no clock, no threads; imports model only."""

RELEASE = "2"
"""Version of what we render; raised whenever the same definitions render differently (golden files show it)."""
