"""A judge that watches every call which reaches the world and says which invariant it broke; it decides nothing.

It knows the world's truth, the ledger and what the definitions ask for, and nothing of how the reconciler decides. Judged are
calls of the reconciler made under a valid lease; what people, faults and late calls bring about is theirs.
"""

from simulator.judge.judge import Judge
from simulator.judge.violations import Invariant, Violation

__all__ = ["Invariant", "Judge", "Violation"]
