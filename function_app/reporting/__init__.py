"""Renderings of plans, reports and problems: JSON for machines, rich text for terminals. Nothing is decided here."""
