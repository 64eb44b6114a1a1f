"""The desk that stories are told at: the one that histories are searched at."""

from __future__ import annotations

from search.desk import HUB, IN_ORDER, PLATFORM, ROOT, Desk, describe, sample

__all__ = ["HUB", "IN_ORDER", "PLATFORM", "ROOT", "Desk", "describe", "sample"]
