"""Programs that are not ours, run as they are: what the simulated world and the service are held against.

Each is pinned in a folder here and had once, into a cache outside the tree; where one cannot be had, one line says what is missing.
"""
