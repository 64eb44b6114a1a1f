#!/usr/bin/env bash
# post-gitlab.sh: put comment.md on the merge request, in the place of the one before. GITLAB_TOKEN is a project token with `api`.
set -euo pipefail
notes="$CI_API_V4_URL/projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes"
call() { curl --fail --silent --show-error --header "PRIVATE-TOKEN: $GITLAB_TOKEN" "$@"; }
marker=$(head -n 1 comment.md)
me=$(call "$CI_API_V4_URL/user" | jq -r .id)
found=$(call "$notes?per_page=100" \
  | jq -r --arg marker "$marker" --argjson me "$me" '.[] | select(.author.id == $me and (.body | startswith($marker))) | .id' | head -n 1)
if [ -n "$found" ]; then
  call --request PUT "$notes/$found" --data-urlencode body@comment.md --output /dev/null
else
  call --request POST "$notes" --data-urlencode body@comment.md --output /dev/null
fi
