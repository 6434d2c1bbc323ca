#!/usr/bin/env bash
# The demo: a small fleet in Git, a recorded cluster that drifted from it in ten ways, the report, and one blame.
#   run.sh [KUBEWITNESS]      default: the program that `cargo build` made
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=${1:-${CARGO_TARGET_DIR:-$here/../../target}/debug/kubewitness}
kubewitness=$(cd "$(dirname "$program")" && pwd)/$(basename "$program")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$here/../fleet/repository.sh" "$folder"
cd "$folder"
export XDG_STATE_HOME="$folder/state"

show() {
  printf '\n$ kubewitness %s\n' "$*"
  status=0
  "$kubewitness" "$@" --recording "$here/cluster" || status=$?
  printf '(exit code %s)\n' "$status"
}
show scan
[ "$status" = 1 ]
show blame deploy/web -n shop
[ "$status" = 0 ]
