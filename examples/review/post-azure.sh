#!/usr/bin/env bash
# post-azure.sh: put comment.md on the pull request, in the place of the one before. SYSTEM_ACCESSTOKEN is the job's token; the
# build service needs "Contribute to pull requests" on the repository.
set -euo pipefail
pull="$SYSTEM_COLLECTIONURI$SYSTEM_TEAMPROJECT/_apis/git/repositories/$BUILD_REPOSITORY_ID/pullRequests/$SYSTEM_PULLREQUEST_PULLREQUESTID"
version="api-version=7.1"
call() {
  curl --fail --silent --show-error --header "Authorization: Bearer $SYSTEM_ACCESSTOKEN" --header "Content-Type: application/json" "$@"
}
marker=$(head -n 1 comment.md)
found=$(call "${pull// /%20}/threads?$version" \
  | jq -r --arg marker "$marker" '.value[] | select(.comments[0].content // "" | startswith($marker)) | .id' | head -n 1)
if [ -n "$found" ]; then
  jq -n --rawfile body comment.md '{content: $body}' \
    | call --request PATCH "${pull// /%20}/threads/$found/comments/1?$version" --data @- --output /dev/null
else
  jq -n --rawfile body comment.md '{comments: [{content: $body, commentType: "text"}], status: "closed"}' \
    | call --request POST "${pull// /%20}/threads?$version" --data @- --output /dev/null
fi
