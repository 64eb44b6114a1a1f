"""How this process searches for garbage and holds memory: Python's and the C library's own numbers are made for small heaps."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress
from itertools import count

ALLOCATIONS = (200_000, 10, 50)
"""How many allocations between two searches for cyclic garbage, and how many of those before older objects are searched.

A pass over a thousand attachments holds a million small objects for a second, none of them in a cycle. With Python's own
numbers, made for small heaps, searching through them took a third of its CPU.
"""
_sweeps = count(1)


def sweep_garbage() -> None:
    """Collect what a pass has left behind in cycles: bodies that have changed, pages of listings.

    Passes over small hubs would otherwise heap up tens of megabytes of it before so many allocations have come together.
    """
    gc.collect(2 if next(_sweeps) % ALLOCATIONS[2] == 0 else 1)


LARGE_BYTES = 256 * 1024
"""From this size on memory is taken from the system for itself alone, and goes back there when it is freed."""
MOST_HEAPS = 2
"""How many heaps the C library keeps for all threads."""
_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3


def set_up_memory() -> None:
    """Once, before the first pass."""
    gc.set_threshold(*ALLOCATIONS)
    _few_heaps()


def _few_heaps() -> None:
    """Answers of megabytes pass through many threads; glibc would keep what each of them ever held (mallopt(3))."""
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, MOST_HEAPS)
        mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
