"""A simulated world whose clusters are real API servers: its controllers act on them over their API.

Tigera's operator, scheduler, kubelet, Calico's IPAM and BGP, Route Server, firewall and packets are the simulator's, each
controller unchanged; what it writes it writes over HTTPS under its own field manager, and what it sees was listed there.
Deletion of namespaces and garbage collection are kube-controller-manager's own.
"""
