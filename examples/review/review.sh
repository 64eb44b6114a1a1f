#!/usr/bin/env bash
# review.sh BASE HEAD [OPTION...]: what merging HEAD into BASE means. Writes comment.md; fails when it must not be merged.
# Run in a checkout with its whole history; further options go to `egressctl plan`. Needs no access to Azure or to any cluster.
set -uo pipefail
base=$1 head=$2
shift 2
EGRESS_STATE_FOLDER=$(mktemp -d)
export EGRESS_STATE_FOLDER
# For the log alone, with every problem's place: a file that was broken before is not this change's fault, and plan tells them apart.
egressctl validate "${EGRESS_DEFINITIONS_FOLDER:-gitops}" || true
egressctl plan --repo "$PWD" --base "$base" --head "$head" "$@" > comment.md
case $? in
  0 | 2) exit 0 ;; # nothing changes, or changes that may be merged
  *)
    [ -s comment.md ] || echo "egressctl could not compare $base and $head; the job's log says why." > comment.md
    exit 1
    ;;
esac
