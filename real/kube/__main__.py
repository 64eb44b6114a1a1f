"""`make kube`: a real API server with Calico's CRDs for a person to try things on, until Ctrl-C; `build` only makes it ready."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from threading import Event

from real.cache import MissingProgram
from real.kube.installing import install
from real.kube.programs import Programs, crd_files, find_programs
from real.kube.rest import Rest
from real.kube.server import ADMIN, RECONCILER, ControlPlane, ControlPlaneFailed

CLUSTER_ROLE = Path(__file__).parents[2] / "deploy" / "reconciler-clusterrole.yaml"


def main(arguments: list[str]) -> int:
    """Find or build the programs and, unless that is all that is asked, run them. 1 when something is missing or fails."""
    try:
        crd_files()
        programs = find_programs(announce=partial(print, flush=True))
        if arguments != ["build"]:
            _run(programs)
    except KeyboardInterrupt:
        return 0
    except (MissingProgram, ControlPlaneFailed) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _run(programs: Programs) -> None:
    """Start, print how to reach it, wait."""
    with ControlPlane(programs) as plane:
        rest = Rest(plane.endpoint, plane.token(ADMIN))
        install(rest)
        rest.close()
        admin = plane.write_kubeconfig(plane.folder / "kubeconfig")
        reconciler = plane.write_kubeconfig(plane.folder / "reconciler.kubeconfig", RECONCILER)
        print(f"Kubernetes {programs.version} with Calico's native CRDs at {plane.endpoint.url}")
        print(f"  export KUBECONFIG={admin}")
        print(f"  kubectl apply -f {CLUSTER_ROLE}   # then KUBECONFIG={reconciler} acts as the reconciler")
        print(f"  logs and every call: {plane.folder}/*.log")
        print("Ctrl-C ends it and removes its data.", flush=True)
        Event().wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
