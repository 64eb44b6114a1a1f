"""Files and variables by which clients find the simulated world."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

import yaml


def kubeconfig(servers: Mapping[str, str], ca: bytes, token: str) -> str:
    """A kubeconfig with one cluster, context and user per server; without a token the user asks `kubelogin`, as Entra clusters do.

    Shape of `listClusterUserCredential` on an Entra cluster: learn.microsoft.com/azure/aks/kubelogin-authentication.
    """
    user = {"token": token} if token else _ENTRA_USER
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": name, "cluster": {"server": server, "certificate-authority-data": b64encode(ca).decode()}}
                for name, server in servers.items()
            ],
            "contexts": [{"name": name, "context": {"cluster": name, "user": f"{name}-user"}} for name in servers],
            "users": [{"name": f"{name}-user", "user": user} for name in servers],
            "current-context": next(iter(servers), ""),
            "preferences": {},
        },
        sort_keys=False,
    )


_ENTRA_USER: Mapping[str, object] = {
    "exec": {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "kubelogin",
        "args": ["get-token", "--login", "devicecode", "--server-id", "6dae42f8-4368-4678-94ff-3960e28e3630"],
        "env": None,
        "installHint": "kubelogin is missing. See https://aka.ms/aks/kubelogin",
        "provideClusterInfo": False,
    }
}
