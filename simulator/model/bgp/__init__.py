"""Calico's BGP as seen from outside a cluster: which routes its nodes offer to a peer, after aggregation and filters.

Imitated: block and workload routes, node-to-node mesh, route reflectors, pools' export, BGPFilter semantics, next hops,
hold time of dead nodes. Not imitated: import filters, communities, operations of filters, priorities but the ordinary one,
IPv6, passwords.
"""
