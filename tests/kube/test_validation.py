"""What the simulator accepts, a real API server accepts, and the other way round: objects made from Calico's own schemas."""

from __future__ import annotations

from typing import Any

import pytest
from faces import Real, Simulated, caller
from generated import specs
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from transcripts import CALICO

from real.kube.installing import definition

KINDS = {
    "ippools.projectcalico.org": f"{CALICO}/ippools",
    "bgpfilters.projectcalico.org": f"{CALICO}/bgpfilters",
    "bgppeers.projectcalico.org": f"{CALICO}/bgppeers",
    "bgpconfigurations.projectcalico.org": f"{CALICO}/bgpconfigurations",
    "caliconodestatuses.projectcalico.org": f"{CALICO}/caliconodestatuses",
    "felixconfigurations.projectcalico.org": f"{CALICO}/felixconfigurations",
    "egressgatewaypolicies.projectcalico.org": f"{CALICO}/egressgatewaypolicies",
    "egressgateways.operator.tigera.io": "/apis/operator.tigera.io/v1/namespaces/default/egressgateways",
}
EXAMPLES = 120
"""For each kind; always the same ones."""


@pytest.mark.parametrize("crd", KINDS)
def test_accepted_here_iff_accepted_there(crd: str, simulated: Simulated, real: Real) -> None:
    """A dry-run create is answered alike: the same object with its defaults, or a refusal that names the same fields."""
    with caller(simulated) as here, caller(real) as there:
        spec_of = definition(crd)["spec"]
        api_version = f"{spec_of['group']}/{next(v['name'] for v in spec_of['versions'] if v['storage'])}"

        def answered(call: Any, spec: Any, validation: str) -> tuple[int, Any]:
            body = {"apiVersion": api_version, "kind": spec_of["names"]["kind"], "metadata": {"name": "generated"}}
            answer = call("POST", KINDS[crd], {**body, "spec": spec}, dryRun="All", fieldValidation=validation)
            said = answer.json
            if answer.status == 201:
                return 201, said.get("spec")
            causes = (said.get("details") or {}).get("causes") or ()
            return answer.status, sorted({(cause["field"], cause["reason"]) for cause in causes})

        @settings(
            derandomize=True,
            database=None,
            max_examples=EXAMPLES,
            # The first disagreement is clear enough; to shrink it takes minutes of calls.
            phases=[Phase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        @given(spec=specs(crd), validation=st.sampled_from(["Strict", "Ignore"]))
        def compare(spec: Any, validation: str) -> None:
            assert answered(there, spec, validation) == answered(here, spec, validation)

        compare()
