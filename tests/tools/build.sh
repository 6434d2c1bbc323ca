#!/usr/bin/env bash
# Builds the pinned Go programs of the test bed, each once a machine: they lie outside the checkout, in a folder named by
# the hash of their module's go.mod and go.sum, so that a clean checkout finds them and a changed pin builds anew.
#   build.sh [FOLDER ...]     builds what is missing (default: all) and prints the folders of the programs, PATH-wise
#   build.sh --path           prints the folders only; fails where a program is missing
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kubewitness/tools
kubernetes_version=v1.36.3
kustomize_version=v5.8.2

# folder, program, package, linker settings; without these versions `/version` says v0.0.0 and clients misbehave.
programs() {
  local component="-X k8s.io/component-base/version.gitVersion=$kubernetes_version -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"
  cat <<TABLE
kustomize|kustomize|sigs.k8s.io/kustomize/kustomize/v5|-X sigs.k8s.io/kustomize/api/provenance.version=$kustomize_version
etcd|etcd|go.etcd.io/etcd/server/v3|
kubernetes|kube-apiserver|k8s.io/kubernetes/cmd/kube-apiserver|$component
kubernetes|kubectl|k8s.io/kubernetes/cmd/kubectl|$component
kubernetes|kube-controller-manager|k8s.io/kubernetes/cmd/kube-controller-manager|$component
helm|helm|helm.sh/helm/v4/cmd/helm|
TABLE
}

folder_of() {
  printf '%s/%s-%s' "$cache" "$1" "$(cat "$here/$1/go.mod" "$here/$1/go.sum" | sha256sum | cut -c1-16)"
}

only_path=
[ "${1:-}" = --path ] && { only_path=1; shift; }
wanted=" $* "
status=0
paths=
while IFS='|' read -r folder program package settings; do
  case "$wanted" in "  " | *" $folder "*) ;; *) continue ;; esac
  target=$(folder_of "$folder")
  case ":$paths:" in *":$target:"*) ;; *) paths=${paths:+$paths:}$target ;; esac
  [ -x "$target/$program" ] && continue
  if [ -n "$only_path" ]; then
    echo "$program is not built; run: make tools" >&2
    status=1
    continue
  fi
  echo "building $program ($package)" >&2
  mkdir -p "$target"
  # Built beside its place and moved there, so that an interrupted build leaves no half program.
  (cd "$here/$folder" && CGO_ENABLED=0 GOFLAGS= go build -mod=readonly -trimpath -buildvcs=false -ldflags "-s -w $settings" -o "$target/.$program.new" "$package")
  mv "$target/.$program.new" "$target/$program"
done < <(programs)
echo "$paths"
exit $status
