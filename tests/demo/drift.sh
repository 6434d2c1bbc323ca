#!/usr/bin/env bash
# Ten changes to the fleet in a cluster (KUBECONFIG), by six tools, none of them in Git. What they are is asserted by
# tests/integration/demo.rs.
set -euo pipefail

kubectl -n shop set image deployment/web web=shop/web:1.5
kubectl -n shop scale deployment/web --replicas=5
kubectl -n shop patch deployment/web --field-manager=k9s --patch '
spec: {template: {spec: {containers: [{name: debug, image: "busybox:1.36", command: [sleep, infinity]}]}}}'
kubectl -n shop set env deployment/web CURRENCY-
kubectl -n shop get configmap settings -o json | sed 's/pool = 10/pool = 100/' |
  kubectl -n shop replace --field-manager=Mozilla -f -
kubectl -n shop label networkpolicy/web reviewed=no
kubectl -n shop patch role/deployer --type=json --patch '[{"op": "add", "path": "/rules/0/verbs/-", "value": "delete"}]'
kubectl -n shop patch secret/payment --patch '{"data": {"token": "c3dhcHBlZA=="}}'
kubectl -n shop delete service/legacy
kubectl -n shop create configmap hotfix --from-literal=reason=incident-4711
