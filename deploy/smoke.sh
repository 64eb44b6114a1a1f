#!/usr/bin/env bash
# `make smoke SMOKE=yes`: the walkthrough on a real installation: denied, one merge, allowed, whois, removed. It merges to the branch
# that is in force, so it asks for that word. Needs: git with push rights, kubectl with a context named as the cluster, the settings
# of egressctl, and a namespace `egress-smoke` on the cluster that no tenant claims.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "${SMOKE:-}" = yes ] || { echo "This changes a real installation. Run it with SMOKE=yes." >&2; exit 1; }

cluster=${CLUSTER:-spoke1-aks}
range=${RANGE:?name a free range of the cluster: RANGE=10.99.0.248/29}
site=${SITE:-http://www.tigera.io}
egressctl=${EGRESSCTL:-.venv/bin/egressctl}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0

check() { # check WHAT EXPECTED FOUND
  if [ "$2" = "$3" ]; then echo "  ✓ $1"; passed=$((passed + 1)); else echo "  ✗ $1: $3 instead of $2"; exit 1; fi
}
asks() { # the status that a pod of the namespace gets; 470 is the firewall's own
  kubectl --context "$cluster" --namespace egress-smoke run "smoke-$RANDOM" --rm --stdin --quiet --restart=Never \
    --image=mcr.microsoft.com/azurelinux/base/core:3.0 -- curl --silent --output /dev/null --max-time 20 --write-out '%{http_code}' "$site" || true
}
settle() { "$egressctl" reconcile --until-converged --timeout 2400; }
merge() { git -C "$work/repository" add --all gitops/tenants && git -C "$work/repository" commit --quiet --message "$1" && git -C "$work/repository" push --quiet; }

git clone --quiet --branch "${EGRESS_REF:-main}" "$EGRESS_REPOSITORY" "$work/repository"

echo "Act 1. Before: nobody may go there"
check "the request is denied" 470 "$(asks)"

echo "Act 2. One merge"
cat > "$work/repository/gitops/tenants/egress-smoke.yaml" <<YAML
apiVersion: egress-gitops.io/v1alpha1
kind: Tenant
metadata: {name: egress-smoke}
spec:
  owner: {team: platform, contact: platform@example.com}
  attachments:
    - cluster: $cluster
      cidr: $range
      namespaces: [egress-smoke]
  egress:
    allow:
      - name: site
        fqdns: [${site#*://}]
        protocols: ["http:80", "https:443"]
YAML
"$egressctl" validate "$work/repository/gitops"
merge "Smoke: a tenant"
settle
check "the same request is allowed" 200 "$(asks)"
check "the address has an owner" egress-smoke "$("$egressctl" whois "${range%/*}" --output json | sed -n 's/.*"tenant": *"\([^"]*\)".*/\1/p' | head -n 1)"

echo "Act 3. The tenant goes"
rm "$work/repository/gitops/tenants/egress-smoke.yaml"
merge "Smoke: the tenant goes"
settle
check "the request is denied again" 470 "$(asks)"
echo "$passed checks passed."
