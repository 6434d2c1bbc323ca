#!/usr/bin/env bash
# Runs the pinned cargo-deny with the arguments given. One of that version on PATH serves; else it is built once a machine
# (about two minutes), outside the checkout and beside the tools of build.sh, so that nobody's own is replaced.
# Licence: MIT or Apache-2.0; used by the gate only.
set -euo pipefail
version=0.20.2
root=${XDG_CACHE_HOME:-$HOME/.cache}/kubewitness/tools/cargo-deny-$version

program=$(command -v cargo-deny || true)
if [ "$("${program:-false}" --version 2>/dev/null)" != "cargo-deny $version" ]; then
  program=$root/bin/cargo-deny
  [ -x "$program" ] || env -u CARGO_TARGET_DIR cargo install --locked --quiet --root "$root" --version "$version" cargo-deny >&2
fi
exec "$program" "$@"
