#!/usr/bin/env bash
# `make teardown`: take down what the reconciler made, then what Terraform made, in the order in which it can go.
# Needs: az, terraform and kubelogin signed in; the settings of egressctl for this installation (`egressctl settings` shows them).
# Nothing is destroyed before nothing of the reconciler is left in Azure, and before the installation's name was typed.
set -euo pipefail
cd "$(dirname "$0")/.."

definitions=${DEFINITIONS:-gitops}
egressctl=${EGRESSCTL:-.venv/bin/egressctl}

stop() { printf '%s\n' "$@" >&2; exit 1; }
value() { sed -n "s/^ *$2: *\([^ #]*\).*/\1/p" "$1" | head -n 1; } # value FILE KEY: the first scalar of that key

echo "1. Tenants"
left=$(find "$definitions/tenants" -name '*.yaml' 2>/dev/null || true)
[ -z "$left" ] || stop "These tenants are still defined. Remove their files, merge, and run this again:" "$left"

echo "2. Clusters"
for file in "$definitions"/clusters/*.yaml; do
  grep -q '^  leaving: true' "$file" || stop "$file: write \`leaving: true\` under spec, merge, and run this again."
done
# Removing everything at once is refused unless somebody waives it; the refusal says how.
"$egressctl" reconcile --until-converged --timeout 7200 || stop "The reconciler has not taken everything down; \`egressctl status\` says what waits."

echo "3. What is left of the reconciler in Azure"
for file in "$definitions"/hubs/*.yaml; do
  group=$(value "$file" resourceGroup)
  policy=$(value "$file" policy)
  server=$(sed -n '/^  routeServer:/,/^  [a-z]/p' "$file" | sed -n 's/^ *name: *\([^ #]*\).*/\1/p' | head -n 1)
  groups=$(az network firewall policy rule-collection-group list --resource-group "$group" --policy-name "$policy" --query '[].name' -o tsv)
  peers=$(az network routeserver peering list --resource-group "$group" --routeserver "$server" --query '[].name' -o tsv)
  [ -z "$groups$peers" ] || stop "$file: these are still there; find out whose they are before anything is destroyed:" "$groups" "$peers"
done

echo "4. Terraform"
name=$(terraform -chdir=terraform/platform output -raw vault_name)
read -r -p "Type $name to destroy Calico on every cluster and then the whole platform: " typed
[ "$typed" = "$name" ] || stop "Nothing was destroyed."
object=$(terraform -chdir=terraform/platform output -raw identity_object_id)
for file in "$definitions"/clusters/*.yaml; do
  cluster=$(basename "$file" .yaml)
  terraform -chdir=terraform/calico init -reconfigure -backend-config=../platform/backend.hcl -backend-config="key=calico-$cluster.tfstate"
  terraform -chdir=terraform/calico destroy -var "cluster=$cluster" -var "reconciler_object_id=$object" ${CALICO_VARS:+-var-file="$CALICO_VARS"}
done
terraform -chdir=terraform/platform destroy -var-file="${PLATFORM_VARS:-my.tfvars}" ||
  stop "Where Terraform names prevent_destroy: take it out in a commit of its own. The ledger's account says who held which address; keep it."
