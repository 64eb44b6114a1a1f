"""Azure's side of a hub: firewall policies, the firewall, Route Server, and Azure Resource Manager in front of them.

Rules only; what they look like over HTTP belongs to the wire. Nothing here is safe for threads: the wire holds one lock.
"""
