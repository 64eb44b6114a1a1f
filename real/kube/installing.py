"""What a control plane needs before Calico's kinds can be written: the CRDs, and the groups they make discoverable."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic, sleep
from typing import Any

import yaml

from real.kube.programs import crd_files
from real.kube.rest import Rest

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CALICO_CRDS = (
    "bgpconfigurations.projectcalico.org",
    "bgpfilters.projectcalico.org",
    "bgppeers.projectcalico.org",
    "caliconodestatuses.projectcalico.org",
    "egressgatewaypolicies.projectcalico.org",
    "felixconfigurations.projectcalico.org",
    "ipamblocks.projectcalico.org",
    "ippools.projectcalico.org",
    "licensekeys.projectcalico.org",
    "egressgateways.operator.tigera.io",
    "installations.operator.tigera.io",
    "tigerastatuses.operator.tigera.io",
)
"""The kinds that the reconciler reads or writes, or that its stories speak of."""
_SECONDS = 60.0


class NotServed(Exception):
    """A CRD was refused, or what it defines does not come to be served."""


def definition(name: str) -> dict[str, Any]:
    """One CRD by `plural.group`, as Calico ships it."""
    loaded: dict[str, Any] = yaml.safe_load(crd_files()[name].read_text(encoding="utf-8"))
    return loaded


def install(rest: Rest, names: Iterable[str] = CALICO_CRDS) -> None:
    """Create CRDs and wait until their kinds can be listed. Raises NotServed."""
    names = tuple(names)
    files = crd_files()
    for name in names:
        body = yaml.safe_load(files[name].read_text(encoding="utf-8"))
        answer = rest("POST", CRDS, body)
        if answer.status not in (201, 409):
            raise NotServed(f"{name} was answered with {answer.status}: {answer.json.get('message')}")
    for name in names:
        await_served(rest, name)


def collection(rest: Rest, name: str) -> str:
    """The path of a CRD's objects."""
    spec = rest("GET", f"{CRDS}/{name}").json["spec"]
    version = next(each["name"] for each in spec["versions"] if each["storage"])
    return f"/apis/{spec['group']}/{version}/{spec['names']['plural']}"


def await_served(rest: Rest, name: str) -> None:
    """Wait until a CRD's kind can be listed."""
    path = collection(rest, name)
    deadline = monotonic() + _SECONDS
    while rest("GET", path, limit="1").status != 200:
        if monotonic() > deadline:
            raise NotServed(f"{name} is not served after {_SECONDS:g} s")
        sleep(0.05)
