"""The HTTPS face of the simulated world: routing and encoding, no rules."""
