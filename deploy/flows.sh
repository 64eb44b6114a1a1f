#!/usr/bin/env bash
# `make flows WORKSPACE=GUID`: EgressFlows held against `egressctl attribute` over the same lines of a real workspace; reads only.
# Needs: az with the right to query, jq, the settings of egressctl. HOURS (6) ending a quarter of an hour ago, when logs have come.
set -euo pipefail
cd "$(dirname "$0")/.."
workspace=${WORKSPACE:?name the workspace by its guid: WORKSPACE=...}
hours=${HOURS:-6}
egressctl=${EGRESSCTL:-.venv/bin/egressctl}
end=$(date -u -d '-15 minutes' +%FT%TZ)
begin=$(date -u -d "$end -$hours hours" +%FT%TZ)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

asks() { # one JSON line a row of QUERY
  az monitor log-analytics query --workspace "$workspace" --output json --analytics-query "$1" | jq -c '.[]'
}
columns() { # what both must say alike; namespaces stand in two orders
  jq -r '[.TimeGenerated, .SourceIp, .Tenant, ((.Namespaces // "") | split(", ") | sort | join(", ")), .Commit, .Generation]
    | map(. // "") | join(" | ")' | sort
}
within="where TimeGenerated between (datetime($begin) .. datetime($end))"

asks "union AZFWApplicationRule, AZFWNetworkRule | $within" > "$work/lines"
[ -s "$work/lines" ] || { echo "No line of a firewall from $begin to $end: nothing is shown by that." >&2; exit 1; }
"$egressctl" attribute "$work/lines" --write "$work/attributed" > "$work/sum" || { cat "$work/sum" >&2; echo "attribute knows nobody behind these lines: nothing is shown by that." >&2; exit 1; }
columns < "$work/attributed" > "$work/attribute"
asks "EgressFlows($((hours + 1))h) | $within" | columns > "$work/flows"
if ! diff "$work/attribute" "$work/flows" > "$work/apart"; then
  head -20 "$work/apart"
  echo "  ✗ < attribute and > EgressFlows do not say the same" >&2
  exit 1
fi
echo "  ✓ EgressFlows says what attribute says, of $(wc -l < "$work/flows") lines from $begin to $end"
