#!/usr/bin/env bash
# Provides the pinned Go programs of the test bed, each built once a machine: they lie outside the checkout, in a folder named by
# the hash of their module's go.mod and go.sum, so that a clean checkout finds them and a changed pin builds anew.
#   build.sh [FOLDER ...]          provides what is missing and prints the folders of the programs, PATH-wise
#   build.sh --path [FOLDER ...]   prints the folders only; fails where a program is missing
# Without a folder it is all of them.
# A program that already lies in KUBEBUILDER_ASSETS or on PATH is linked instead of built, but only while it says that it is
# exactly the pinned version; that is asked again at every call, because others may replace it.
# Licences: etcd, Kubernetes, Kustomize, Helm, Flux and Argo CD are under Apache-2.0. They are used by tests only and are part of nothing we ship.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kubewitness/tools

# The version that a folder's go.mod pins for a module.
pinned() {
  awk -v module="$2" '{ sub(/^require /, "") } $1 == module && $2 ~ /^v/ { print $2; exit }' "$here/$1/go.mod"
}

kubernetes=$(pinned kubernetes k8s.io/kubernetes)
kustomize=$(pinned kustomize sigs.k8s.io/kustomize/kustomize/v5)
etcd=$(pinned etcd go.etcd.io/etcd/server/v3)
helm=$(pinned helm helm.sh/helm/v4)
argocd=$(pinned argocd github.com/argoproj/argo-cd/v3)

# folder, program, package, linker settings, how to ask its version, what it must answer.
# Without the linker settings `/version` says v0.0.0 and clients misbehave.
programs() {
  local minor=${kubernetes#v1.}
  local component="-X k8s.io/component-base/version.gitVersion=$kubernetes -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=${minor%%.*}"
  cat <<TABLE
kustomize|kustomize|sigs.k8s.io/kustomize/kustomize/v5|-X sigs.k8s.io/kustomize/api/provenance.version=$kustomize|version|$kustomize
etcd|etcd|go.etcd.io/etcd/server/v3||--version|etcd Version: ${etcd#v}
kubernetes|kube-apiserver|k8s.io/kubernetes/cmd/kube-apiserver|$component|--version|Kubernetes $kubernetes
kubernetes|kubectl|k8s.io/kubernetes/cmd/kubectl|$component|version --client|Client Version: $kubernetes
kubernetes|kube-controller-manager|k8s.io/kubernetes/cmd/kube-controller-manager|$component|--version|Kubernetes $kubernetes
helm|helm|helm.sh/helm/v4/cmd/helm||version --template {{.Version}}|$helm
flux|kustomize-controller|github.com/fluxcd/kustomize-controller||--version|never: it cannot be asked
argocd|argocd|github.com/argoproj/argo-cd/v3/cmd|-X github.com/argoproj/argo-cd/v3/common.version=${argocd#v}|version --client --short|argocd: $argocd+unknown
TABLE
}

folder_of() {
  printf '%s/%s-%s' "$cache" "$1" "$(cat "$here/$1/go.mod" "$here/$1/go.sum" | sha256sum | cut -c1-16)"
}

# Whether the program's own answer has the expected text as its first line.
says() { # PROGRAM QUESTION ANSWER
  local answer
  # shellcheck disable=SC2086
  answer=$("$1" $2 </dev/null 2>/dev/null | head -n 1) && [ "$answer" = "$3" ]
}

# Links a foreign program of the pinned version to the place where a built one would lie.
link_foreign() { # PROGRAM TARGET QUESTION ANSWER
  local found
  for found in "${KUBEBUILDER_ASSETS:+$KUBEBUILDER_ASSETS/$1}" "$(command -v "$1" || true)"; do
    [ -n "$found" ] && [ -x "$found" ] && [ "$(realpath "$found")" != "$(realpath -m "$2/$1")" ] || continue
    if says "$found" "$3" "$4"; then
      mkdir -p "$2"
      ln -sfn "$(realpath "$found")" "$2/$1"
      return 0
    fi
  done
  return 1
}

# A built program is trusted because its folder is named by the pin; a linked one is asked.
is_there() { # PROGRAM TARGET QUESTION ANSWER
  [ -x "$2/$1" ] || return 1
  [ ! -L "$2/$1" ] || says "$2/$1" "$3" "$4" || { rm -f "$2/$1"; return 1; }
}

build() { # FOLDER PROGRAM PACKAGE SETTINGS TARGET
  command -v go >/dev/null || { echo "Go is missing and builds $2; see tests/requirements.sh" >&2; exit 1; }
  echo "building $2 ($3)" >&2
  mkdir -p "$5"
  # Built beside its place and moved there, so that an interrupted build leaves no half program.
  (cd "$here/$1" && CGO_ENABLED=0 GOFLAGS='' go build -mod=readonly -trimpath -buildvcs=false -ldflags "-s -w $4" -o "$5/.$2.$$" "$3")
  mv "$5/.$2.$$" "$5/$2"
}

only_path=
[ "${1:-}" = --path ] && { only_path=1; shift; }
[ $# -gt 0 ] || set -- kustomize etcd kubernetes helm flux argocd
wanted=" $* "
status=0
paths=
while IFS='|' read -r folder program package settings question answer; do
  case "$wanted" in *" $folder "*) ;; *) continue ;; esac
  target=$(folder_of "$folder")
  case ":$paths:" in *":$target:"*) ;; *) paths=${paths:+$paths:}$target ;; esac
  is_there "$program" "$target" "$question" "$answer" && continue
  link_foreign "$program" "$target" "$question" "$answer" && continue
  if [ -n "$only_path" ]; then
    echo "$program is not built; run: tests/tools/build.sh $folder" >&2
    status=1
    continue
  fi
  build "$folder" "$program" "$package" "$settings" "$target" </dev/null
done < <(programs)
echo "$paths"
exit $status
