"""A world to run against: Kubernetes with Calico and Tigera's operator, Azure's ARM, Route Server and firewall, packets.

`model` holds the rules, `wire` the HTTPS face for real SDKs, `inprocess` the same rules behind the reconciler's ports.
"""
