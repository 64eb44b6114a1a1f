"""Which kinds a cluster serves: group, version, names, scope, and who answers for them.

Belongs here: the registry that the API and discovery share. Does not belong here: schemas and rules (`schemas`,
`aggregated`). A kind is known everywhere by its `kind`, which is unique on one cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

type ApiMode = Literal["aggregated", "native"]

CALICO_GROUP = "projectcalico.org"
RBAC_GROUP = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True)
class ServedKind:
    """One kind as discovery shows it.

    `status`: has a status subresource. `aggregated`: answered by calico-apiserver. `builtin`: answered by kube-apiserver
    from Go types, which is what makes strategic merge patches possible. `generation`: `metadata.generation` is kept.
    """

    kind: str
    group: str
    version: str
    plural: str
    namespaced: bool = False
    short_names: tuple[str, ...] = ()
    status: bool = False
    aggregated: bool = False
    builtin: bool = False
    generation: bool = True

    @property
    def singular(self) -> str:
        """The singular name of discovery."""
        return self.kind.lower()

    @property
    def api_version(self) -> str:
        """`group/version`, or the version alone for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """`plural.group`, as error messages name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """`Kind.group`, as validation messages name it."""
        return f"{self.kind}.{self.group}" if self.group else self.kind


def _builtin(
    kind: str, group: str, version: str, plural: str, *short: str, namespaced: bool = False, generation: bool = False
) -> ServedKind:
    return ServedKind(kind, group, version, plural, namespaced, short, status=True, builtin=True, generation=generation)


def _calico(kind: str, plural: str, *short: str, status: bool = False) -> ServedKind:
    return ServedKind(kind, CALICO_GROUP, "v3", plural, short_names=short, status=status)


_COMMON = (
    _builtin("Namespace", "", "v1", "namespaces", "ns"),
    _builtin("Node", "", "v1", "nodes", "no"),
    _builtin("Pod", "", "v1", "pods", "po", namespaced=True),
    _builtin("Deployment", "apps", "v1", "deployments", "deploy", namespaced=True, generation=True),
    _builtin("PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets", "pdb", namespaced=True, generation=True),
    _builtin("APIService", "apiregistration.k8s.io", "v1", "apiservices"),
    _builtin(
        "CustomResourceDefinition",
        "apiextensions.k8s.io",
        "v1",
        "customresourcedefinitions",
        "crd",
        "crds",
        generation=True,
    ),
    ServedKind("ClusterRole", RBAC_GROUP, "v1", "clusterroles", builtin=True, generation=False),
    ServedKind("ClusterRoleBinding", RBAC_GROUP, "v1", "clusterrolebindings", builtin=True, generation=False),
    ServedKind("EgressGateway", "operator.tigera.io", "v1", "egressgateways", namespaced=True, status=True),
    ServedKind("TigeraStatus", "operator.tigera.io", "v1", "tigerastatuses", status=True),
    ServedKind("Installation", "operator.tigera.io", "v1", "installations", status=True),
    ServedKind("DatastoreMigration", "migration.projectcalico.org", "v1beta1", "datastoremigrations", status=True),
)
_CALICO = (
    _calico("IPPool", "ippools", status=True),
    _calico("BGPFilter", "bgpfilters"),
    _calico("BGPPeer", "bgppeers"),
    _calico("BGPConfiguration", "bgpconfigurations", "bgpconfig", "bgpconfigs"),
    _calico("FelixConfiguration", "felixconfigurations", "felixconfig", "felixconfigs"),
    _calico("EgressGatewayPolicy", "egressgatewaypolicies"),
    _calico("CalicoNodeStatus", "caliconodestatuses", status=True),
    _calico("LicenseKey", "licensekeys", status=True),
)
_BLOCK = _calico("IPAMBlock", "ipamblocks")

_STATUS_SERVED = frozenset({"CalicoNodeStatus"})
"""Kinds whose status calico-apiserver serves apart; calico-node reports there."""


@cache
def served_kinds(mode: ApiMode) -> Mapping[str, ServedKind]:
    """All kinds of a cluster by name.

    In aggregated mode calico-apiserver answers for the `projectcalico.org/v3` kinds, keeps no generation and no status,
    and blocks are to be read from the backing group `crd.projectcalico.org/v1`.
    """
    calico: Iterable[ServedKind] = _CALICO
    block = _BLOCK
    if mode == "aggregated":
        calico = (
            replace(kind, aggregated=True, generation=False, status=kind.kind in _STATUS_SERVED) for kind in _CALICO
        )
        block = replace(_BLOCK, group="crd.projectcalico.org", version="v1")
    return {kind.kind: kind for kind in (*_COMMON, *calico, block)}
