#!/usr/bin/env bash
# Checks what we cannot install ourselves, and says what to do where something is missing.
#   requirements.sh        what building needs: git, make, a C compiler, Rust
#   requirements.sh go     Go as well, which builds the servers of the tests
set -uo pipefail
rust=1.90
go=1.26
status=0

missing() {
  echo "missing: $*" >&2
  status=1
}

# Whether a version is at least the wanted one.
at_least() { # WANTED FOUND
  [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

for program in git make; do
  command -v "$program" >/dev/null || missing "$program; on Debian: apt-get install $program"
done
command -v cc >/dev/null || missing "a C compiler (cc); on Debian: apt-get install gcc libc6-dev"

if found=$(rustc --version 2>/dev/null | cut -d' ' -f2) && [ -n "$found" ]; then
  at_least "$rust" "$found" || missing "Rust $rust or later (found $found); with rustup: rustup update stable"
  cargo --version >/dev/null 2>&1 || missing "cargo, which belongs to Rust; with rustup: rustup update stable"
else
  missing "Rust $rust or later; install it with rustup, since Debian 12's is too old"
fi

if [ "${1:-}" = go ]; then
  # Asked without its own upgrade, so that what is installed is what is measured.
  if found=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) && [ -n "$found" ]; then
    at_least "$go" "${found#go}" || missing "Go $go or later (found ${found#go}); it builds the servers of the tests"
  else
    missing "Go $go or later; it builds the servers of the tests. make demo and make check do without it"
  fi
fi
exit $status
