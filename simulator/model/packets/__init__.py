"""Packets that workloads send: the path is really followed, hop by hop, and each hop can lose them.

Imitated as in Tigera docs, egress-gateway-azure. Not imitated: pods and destinations answering, MTU, load on gateways,
`maxNextHops`, probes of gateways (a gateway serves while its pod and its node are ready), Kubernetes services and names.
"""

from simulator.model.packets.flows import Flow, FlowTable
from simulator.model.packets.packet import Packet, Reason, Verdict, World
from simulator.model.packets.sending import send, send_all

__all__ = ["Flow", "FlowTable", "Packet", "Reason", "Verdict", "World", "send", "send_all"]
