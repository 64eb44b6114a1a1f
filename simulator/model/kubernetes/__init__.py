"""Simulated Kubernetes clusters with Calico: the API's rules and the controllers behind it; nothing here knows HTTP."""
