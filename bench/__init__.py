"""What the reconciler costs: calls, CPU, memory and time on a hub at its limit, beside another tool's call pattern.

Belongs here: the measured world, the measuring, the tables. Nothing here decides anything about egress.
"""
