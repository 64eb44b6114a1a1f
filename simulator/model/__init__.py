"""The rules of the simulated world; nothing here knows HTTP."""
