#!/usr/bin/env bash
# Makes the recorded cluster of the demo anew, from an empty cluster (KUBECONFIG, as administrator) with its controllers
# running: applies the fleet as Flux does, changes ten things by hand, and records what is then live.
#   record.sh KUBEWITNESS DIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
apply() {
  kubectl apply --server-side --field-manager=kustomize-controller -f "$1"
}
apply "$here/../fleet/prod/cluster"
kubectl wait --for=condition=Established crd/dashboards.fleet.example.com
for folder in data ops shop; do apply "$here/../fleet/prod/$folder"; done
sleep 5 # The controllers have their say: replica sets, claims, annotations.
"$here/drift.sh"
sleep 2
"$1" capture -o "$2"
