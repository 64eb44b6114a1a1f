#!/usr/bin/env bash
# post-github.sh: put comment.md on the pull request, in the place of the one before. GH_TOKEN, REPOSITORY and NUMBER are set.
set -euo pipefail
marker=$(head -n 1 comment.md)
found=$(gh api --paginate "repos/$REPOSITORY/issues/$NUMBER/comments" \
  | jq -r --arg marker "$marker" '.[] | select(.user.type == "Bot" and (.body | startswith($marker))) | .id' | head -n 1)
if [ -n "$found" ]; then
  gh api --method PATCH "repos/$REPOSITORY/issues/comments/$found" -F body=@comment.md --silent
else
  gh api --method POST "repos/$REPOSITORY/issues/$NUMBER/comments" -F body=@comment.md --silent
fi
