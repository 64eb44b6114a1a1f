"""Pure decisions: definitions, ledger and observations become a plan. No I/O, no clock, no threads; imports model only."""
