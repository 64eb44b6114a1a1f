"""Kubeconfig files, read strictly: one context's cluster and user, with what would run a program or weaken TLS refused.

Format: k8s.io/client-go `tools/clientcmd/api/v1`. The refusals follow Flux CVE-2022-24817, where a kubeconfig of
others ran programs in the controller.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from function_app.model.errors import TargetRejected

_LARGEST_FILE = 4 * 1024 * 1024

_CLUSTER_KEYS = frozenset(
    {
        "server",
        "certificate-authority",
        "certificate-authority-data",
        "tls-server-name",
        "insecure-skip-tls-verify",
        "disable-compression",
        "extensions",
    }
)
_USER_KEYS = frozenset(
    {
        "token",
        "tokenFile",
        "client-certificate",
        "client-certificate-data",
        "client-key",
        "client-key-data",
        "extensions",
    }
)
_REFUSED: Mapping[str, str] = {
    "exec": "it would start a program on this machine; use a token, tokenFile or client certificate",
    "auth-provider": "it was removed from Kubernetes and would run code of others; use a token, tokenFile or client certificate",
    "username": "basic authentication was removed from Kubernetes; use a token, tokenFile or client certificate",
    "password": "basic authentication was removed from Kubernetes; use a token, tokenFile or client certificate",
    "as": "impersonation hides who wrote; use an identity with the rights it needs",
    "as-uid": "impersonation hides who wrote; use an identity with the rights it needs",
    "as-groups": "impersonation hides who wrote; use an identity with the rights it needs",
    "as-user-extra": "impersonation hides who wrote; use an identity with the rights it needs",
    "proxy-url": "it would send the credential through a proxy; give an address that is reached directly",
    "insecure-skip-tls-verify": "it would send the credential to anybody who answers; give certificate-authority-data",
}


@dataclass(frozen=True, slots=True)
class Mapped:
    """One mapping of a kubeconfig and where it stands; `folder` is what relative paths start from."""

    values: Mapping[str, Any] = field(repr=False)
    where: str
    folder: Path = Path()

    def text(self, key: str) -> str:
        """A text value, empty when absent; raises TargetRejected for anything else."""
        value = self.values.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise TargetRejected(f"{self.where}: {key} must be text.", code="Kubeconfig")
        return value

    def required(self, key: str) -> str:
        """A text value that must be there."""
        value = self.text(key)
        if not value:
            raise TargetRejected(f"{self.where}: {key} is missing.", code="Kubeconfig")
        return value

    def file(self, key: str) -> Path | None:
        """A path, relative ones from the kubeconfig's folder as kubectl reads them."""
        value = self.text(key)
        return self.folder / value if value else None

    def pem(self, key: str) -> bytes:
        """Content given inline as `KEY-data` in base64, which goes first, or in the file that `KEY` names; empty for neither."""
        inline = self.text(f"{key}-data")
        if inline:
            try:
                return b64decode("".join(inline.split()), validate=True)
            except (Base64Error, ValueError):
                raise TargetRejected(f"{self.where}: {key}-data is not base64.", code="Kubeconfig") from None
        path = self.file(key)
        if path is None:
            return b""
        try:
            return path.read_bytes()
        except OSError as error:
            raise TargetRejected(
                f"{self.where}: {key} {path} cannot be read ({error.strerror}).", code="Kubeconfig"
            ) from None


def read_kubeconfig(path: Path) -> Mapped:
    """The whole file; raises TargetRejected when it cannot be read or is no kubeconfig."""
    where = f"kubeconfig {path}"
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise TargetRejected(
            f"{where}: cannot be read ({error.strerror}); check EGRESS_KUBECONFIG.", code="Kubeconfig"
        ) from None
    return _parsed(content, where, path.parent)


def context_of(config: Mapped, name: str) -> tuple[Mapped, Mapped]:
    """The cluster and user of one context, their keys checked."""
    contexts = _named(config, "contexts", "context")
    if name not in contexts:
        known = ", ".join(sorted(contexts)) or "none"
        raise TargetRejected(
            f"{config.where}: has no context {name}; contexts carry the names of the clusters in gitops/clusters. It has: {known}.",
            code="Kubeconfig",
        )
    context = contexts[name]
    cluster = _one(config, "clusters", "cluster", context.required("cluster"))
    user = _one(config, "users", "user", context.required("user"))
    _check_keys(cluster, _CLUSTER_KEYS)
    _check_keys(user, _USER_KEYS)
    return cluster, user


def clusters_of(content: bytes, where: str) -> list[Mapped]:
    """The clusters of a kubeconfig whose users are not of interest, their keys checked."""
    clusters = list(_named(_parsed(content, where, Path()), "clusters", "cluster").values())
    for cluster in clusters:
        _check_keys(cluster, _CLUSTER_KEYS)
    return clusters


def _parsed(content: bytes, where: str, folder: Path) -> Mapped:
    if len(content) > _LARGEST_FILE:
        raise TargetRejected(f"{where}: is larger than {_LARGEST_FILE} bytes.", code="Kubeconfig")
    try:
        value = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        raise TargetRejected(f"{where}: is not YAML{place}.", code="Kubeconfig") from None
    if not isinstance(value, dict) or value.get("kind", "Config") != "Config":
        raise TargetRejected(f"{where}: is no kubeconfig (kind: Config).", code="Kubeconfig")
    return Mapped(value, where, folder)


def _named(config: Mapped, section: str, part: str) -> dict[str, Mapped]:
    """A section's entries by name: each is `{name, PART: {...}}`."""
    entries = config.values.get(section) or []
    if not isinstance(entries, list):
        raise TargetRejected(f"{config.where}: {section} must be a list.", code="Kubeconfig")
    found: dict[str, Mapped] = {}
    for index, entry in enumerate(entries):
        name = entry.get("name") if isinstance(entry, dict) else None
        value = entry.get(part) if isinstance(entry, dict) else None
        if not isinstance(name, str) or not isinstance(value, dict | None):
            raise TargetRejected(f"{config.where}: {section}[{index}] must be {{name, {part}}}.", code="Kubeconfig")
        # The first of two equal names counts, as in kubectl.
        found.setdefault(name, Mapped(value or {}, f"{config.where} {part} {name}", config.folder))
    return found


def _one(config: Mapped, section: str, part: str, name: str) -> Mapped:
    found = _named(config, section, part).get(name)
    if found is None:
        raise TargetRejected(
            f"{config.where}: {section} has no entry {name}, which the context names.", code="Kubeconfig"
        )
    return found


def _check_keys(mapped: Mapped, known: frozenset[str]) -> None:
    for key in sorted(map(str, mapped.values)):
        if key == "insecure-skip-tls-verify" and mapped.values[key] is False:
            continue
        if key in _REFUSED:
            raise TargetRejected(f"{mapped.where}: {key} is refused: {_REFUSED[key]}.", code="KubeconfigRefused")
        if key not in known:
            raise TargetRejected(f"{mapped.where}: {key} is not understood here; remove it.", code="KubeconfigRefused")
