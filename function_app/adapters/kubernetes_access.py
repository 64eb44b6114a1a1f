"""How to reach a cluster's API server: a kubeconfig context, an AKS resource, or an address with its authority.

Read when a cluster is first called, so that a mistake in one cluster's access delays that cluster alone. Raises TargetRejected
with what is wrong; no message repeats a credential.
"""

from __future__ import annotations

import ssl
import tempfile
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from azure.core.credentials import TokenCredential

from function_app.adapters.answers import Call
from function_app.adapters.azure_arm import ResourceManager
from function_app.adapters.credentials import Bearer, EntraBearer, token_in
from function_app.adapters.kubeconfig import Mapped, clusters_of, context_of, read_kubeconfig
from function_app.model.definitions import AksApiServer, Cluster
from function_app.model.errors import TargetRejected
from function_app.model.names import TargetName, cluster_target

AKS_API_VERSION = "2025-01-01"


@dataclass(frozen=True, slots=True)
class ApiServerAccess:
    """Where an API server is, how it proves itself and how we do. `tls` is None for plain http, which only loopback may use."""

    server: str
    tls: ssl.SSLContext | None = field(repr=False)
    bearer: Bearer = field(repr=False)
    tls_server_name: str = ""


Access = Callable[[], ApiServerAccess]
"""Finds out how to reach one cluster; raises TargetRejected or TargetUnavailable."""


@dataclass(frozen=True, slots=True)
class AccessOptions:
    """What the settings say about reaching clusters. With a kubeconfig every cluster is the context of its name."""

    kubeconfig: Path | None = None
    token_file: Path | None = None
    ca_file: Path | None = None


def cluster_access(
    cluster: Cluster, options: AccessOptions, arm: ResourceManager, credential: TokenCredential
) -> Access:
    """The way to a cluster: its kubeconfig context when there is a kubeconfig, else what its definition says."""
    name = cluster.metadata.name
    api_server = cluster.spec.api_server

    def find() -> ApiServerAccess:
        if options.kubeconfig is not None:
            return kubeconfig_access(options.kubeconfig, name)
        if isinstance(api_server, AksApiServer):
            return aks_access(cluster_target(name), api_server.aks_resource_id, arm, credential)
        return address_access(
            cluster_target(name),
            api_server.server,
            ca_data=api_server.ca_data,
            ca_file=options.ca_file,
            token_file=options.token_file,
        )

    return find


def kubeconfig_access(path: Path, context: str) -> ApiServerAccess:
    """Access by one context of a kubeconfig. What would run a program or switch checks off is refused."""
    config = read_kubeconfig(path)
    cluster, user = context_of(config, context)
    return ApiServerAccess(
        server=_checked_server(cluster.where, cluster.required("server")),
        tls=_tls(cluster, user) if cluster.required("server").startswith("https:") else None,
        bearer=_kubeconfig_bearer(user),
        tls_server_name=cluster.text("tls-server-name"),
    )


def aks_access(
    target: TargetName, resource_id: str, arm: ResourceManager, credential: TokenCredential
) -> ApiServerAccess:
    """Access to an AKS cluster with Entra: address and authority from ARM, the token from azure-identity.

    ARM's `listClusterUserCredential` answers with a kubeconfig whose user starts a program on Entra clusters; only its cluster is
    read (learn.microsoft.com, "Control access to cluster configuration").
    """
    call = Call(target, "read the address of", "its API server from ARM (listClusterUserCredential)")
    body = arm.post(call, f"{resource_id}/listClusterUserCredential", AKS_API_VERSION)
    try:
        text = b64decode(body["kubeconfigs"][0]["value"], validate=True)
    except (KeyError, IndexError, TypeError, ValueError):
        raise TargetRejected(
            f"{call}: the answer holds no kubeconfig; is local access to it disabled?", code="NoKubeconfig"
        ) from None
    clusters = clusters_of(text, f"{target}: the kubeconfig that ARM gave")
    if not clusters:
        raise TargetRejected(f"{call}: the kubeconfig names no cluster.", code="NoKubeconfig")
    cluster = clusters[0]
    server = _checked_server(cluster.where, cluster.required("server"))
    return ApiServerAccess(server=server, tls=_tls(cluster, Mapped({}, cluster.where)), bearer=EntraBearer(credential))


def address_access(
    target: TargetName, server: str, *, ca_data: str | None, ca_file: Path | None, token_file: Path | None
) -> ApiServerAccess:
    """Access by address; `ca_data` is base64 PEM, else the authority file counts, else the system's authorities."""
    checked = _checked_server(f"{target}: apiServer", server)
    if token_file is None:
        raise TargetRejected(
            f"{target}: its definition gives an address but no credential is set; set EGRESS_KUBE_TOKEN_FILE or EGRESS_KUBECONFIG.",
            code="NoCredential",
        )
    cluster = {"certificate-authority-data": ca_data} if ca_data else {}
    tls = (
        _tls(Mapped(cluster, f"{target}: apiServer"), Mapped({}, str(target)), ca_file)
        if checked.startswith("https:")
        else None
    )
    return ApiServerAccess(server=checked, tls=tls, bearer=lambda: token_in(token_file))


def _checked_server(where: str, server: str) -> str:
    """The server's URL without a final slash; plain http is for loopback only, since a token would be readable on the way."""
    try:
        parts = urlsplit(server)
        loopback = parts.hostname == "localhost" or (bool(parts.hostname) and _is_loopback(str(parts.hostname)))
        plausible = (
            parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        plausible = loopback = False
    if not plausible or parts.username or parts.password or parts.query or parts.fragment:
        raise TargetRejected(f"{where}: server must look like https://HOST[:PORT][/PATH].", code="InvalidAddress")
    if parts.scheme == "http" and not loopback:
        raise TargetRejected(
            f"{where}: server is plain http, where anybody reads the token; write https.", code="InvalidAddress"
        )
    return server.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _kubeconfig_bearer(user: Mapped) -> Bearer:
    token = user.text("token")
    if token:
        return lambda: token
    file = user.file("tokenFile")
    if file:
        return lambda: token_in(file)
    if user.text("client-certificate") or user.text("client-certificate-data"):
        return lambda: ""
    raise TargetRejected(
        f"{user.where}: gives no credential; write token, tokenFile or client-certificate with client-key.",
        code="NoCredential",
    )


def _tls(cluster: Mapped, user: Mapped, ca_file: Path | None = None) -> ssl.SSLContext:
    """Verification of the server and, where the user has one, our client certificate."""
    authority = cluster.pem("certificate-authority") or _content(ca_file)
    try:
        context = ssl.create_default_context(cadata=authority.decode("ascii") if authority else None)
    except (ssl.SSLError, ValueError):
        raise TargetRejected(
            f"{cluster.where}: the certificate authority is not PEM.", code="CertificateAuthority"
        ) from None
    # Python 3.13 refuses authorities without a key identifier, which many clusters have: kubernetes-client/python#2394.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    _present(context, user)
    return context


def _content(ca_file: Path | None) -> bytes:
    try:
        return ca_file.read_bytes() if ca_file else b""
    except OSError as error:
        raise TargetRejected(
            f"EGRESS_CA_FILE {ca_file}: cannot be read ({error.strerror}).", code="CertificateAuthority"
        ) from None


def _present(context: ssl.SSLContext, user: Mapped) -> None:
    """Load our client certificate. OpenSSL reads files only: a private one exists for that moment."""
    certificate, key = user.pem("client-certificate"), user.pem("client-key")
    if not certificate:
        return
    with tempfile.NamedTemporaryFile(prefix="egress-", suffix=".pem") as file:
        file.write(certificate + b"\n" + key)
        file.flush()
        try:
            # The empty password makes an encrypted key fail instead of asking at the terminal.
            context.load_cert_chain(file.name, password="")
        except (ssl.SSLError, ValueError):
            raise TargetRejected(
                f"{user.where}: client-certificate and client-key are not a PEM pair without a password.",
                code="ClientCertificate",
            ) from None
