#!/usr/bin/env bash
# review-service.sh SERVICE_URL BRANCH HEAD: what merging BRANCH means, asked of the service, which notes it as what may be approved.
# Writes comment.md; fails when it must not be merged, or when the branch has moved on since HEAD. TOKEN is an Entra token with the role
# Egress.Read, which a fork's pipeline has not. For hubs with `apply: reviewed`, in the place of review.sh.
set -euo pipefail
service=$1 branch=$2 head=$3
curl --fail --silent --show-error --get --header "Authorization: Bearer $TOKEN" --data-urlencode "ref=$branch" \
  --output answer.json "$service/api/plan"
jq -r .comment answer.json > comment.md
jq -e --arg head "$head" '.head == $head' answer.json > /dev/null \
  || { echo "$branch has moved on since $head; its newest commit is reviewed by a run of its own." >&2; exit 1; }
jq -e '.refused | not' answer.json > /dev/null
