#!/usr/bin/env bash
# plan-digest.sh PLAN: one line for what a terraform plan changes, the same for two plans that change the same to the same. Pipelines
# compare the plan that a person was shown with the one that is about to be applied. Needs terraform and jq; run it in the root.
set -euo pipefail
terraform show -json "$1" |
  jq -cS '[.resource_changes[] | select(.change.actions != ["no-op"]) | {address, change: (.change | {actions, after, after_unknown})}]' |
  sha256sum | cut -d ' ' -f 1
