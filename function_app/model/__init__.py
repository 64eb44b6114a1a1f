"""Nouns: names, definitions, resources, observations, plans, ledger records, reports and errors.

Belongs here: values that say what may be. Does not belong here: I/O, clocks, threads, decisions.
"""
