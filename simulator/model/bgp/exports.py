"""Calico's own export, asked for every route on which no filter decided: the same order as its BIRD configuration.

Source: projectcalico/calico v3.32.1, confd templates bird_ipam.cfg and bird_aggr.cfg, and bgp_processor.go (processIPPool).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from simulator.model.bgp.inputs import Inputs
from simulator.model.bgp.prefixes import Prefix


class PrefixSet:
    """Finds out fast whether one of many prefixes covers another."""

    def __init__(self, prefixes: Iterable[Prefix] = ()) -> None:
        self._prefixes = frozenset(prefixes)
        self._lengths = sorted({prefix.length for prefix in self._prefixes})

    def __contains__(self, prefix: Prefix) -> bool:
        return prefix in self._prefixes

    def covers(self, prefix: Prefix) -> bool:
        """Whether the prefix is one of these or lies inside one."""
        return any(prefix.cut(length) in self._prefixes for length in self._lengths if length <= prefix.length)


class CalicoExport:
    """What the nodes of a cluster export of themselves, whoever announced a route to them.

    A block that no pool contains is nobody's: IPAM releases it with its pool (libcalico-go ippool.go, Delete).
    """

    def __init__(self, inputs: Inputs | None = None) -> None:
        pools = inputs.pools if inputs else ()
        self._hidden = PrefixSet(pool.prefix for pool in pools if not pool.exported)
        self._shown = PrefixSet(pool.prefix for pool in pools if pool.exported)
        self._services = PrefixSet(inputs.services if inputs else ())
        self.blocks: dict[str, list[Prefix]] = defaultdict(list)
        for node, prefix in inputs.blocks if inputs else ():
            if self._hidden.covers(prefix) or self._shown.covers(prefix):
                self.blocks[node].append(prefix)
        self._own = {node: PrefixSet(prefixes) for node, prefixes in self.blocks.items()}

    def accepts(self, node: str, prefix: Prefix) -> bool:
        """Hidden pools stay inside; own blocks go out and nothing beneath them; then service ranges and shown pools."""
        if self._hidden.covers(prefix):
            return False
        own = self._own.get(node)
        if own is not None and own.covers(prefix):
            return prefix in own
        return self._services.covers(prefix) or self._shown.covers(prefix)
