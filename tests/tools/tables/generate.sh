#!/usr/bin/env bash
# Writes src/compare/tables/builtin.json from the pinned Kubernetes modules. Run it after a change of their version and
# review the difference.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=$here/../../../src/compare/tables/builtin.json
version=$(sed -n 's|^\tk8s.io/kubernetes \(v[0-9.]*\).*|\1|p' "$here/../kubernetes/go.mod")
cd "$here/../kubernetes"
CGO_ENABLED=0 GOFLAGS= go run -mod=readonly -trimpath ../tables/main.go "$version" > "$target.new"
mv "$target.new" "$target"
