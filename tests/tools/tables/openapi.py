#!/usr/bin/env python3
"""Writes tests/fixtures/openapi from a running API server: openapi.py KUBECTL [KUBECTL OPTION ...] FOLDER

Keeps what a kind reaches and comparing reads; drops descriptions, enums, required, paths and status."""
import json
import os
import subprocess
import sys

GROUP_VERSIONS = """api/v1 apis/apps/v1 apis/batch/v1 apis/networking.k8s.io/v1 apis/rbac.authorization.k8s.io/v1 apis/autoscaling/v1
apis/autoscaling/v2 apis/policy/v1 apis/storage.k8s.io/v1 apis/scheduling.k8s.io/v1 apis/admissionregistration.k8s.io/v1
apis/apiextensions.k8s.io/v1 apis/discovery.k8s.io/v1 apis/coordination.k8s.io/v1 apis/apiregistration.k8s.io/v1""".split()
DROPPED = {"description", "enum", "required", "externalDocs", "x-kubernetes-unions"}


def stripped(value):
    if isinstance(value, dict):
        return {
            key: {name: stripped(field) for name, field in inner.items()} if key == "properties" else stripped(inner)
            for key, inner in value.items()
            if key not in DROPPED
        }
    return [stripped(item) for item in value] if isinstance(value, list) else value


def references(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref" and isinstance(inner, str):
                yield inner.rsplit("/", 1)[-1]
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def reduced(schemas, group, version):
    def is_root(name):
        kinds = schemas[name].get("x-kubernetes-group-version-kind", [])
        return len(kinds) == 1 and (kinds[0]["group"], kinds[0]["version"]) == (group, version) and not name.endswith("List")

    waiting = [name for name in schemas if is_root(name)]
    for name in waiting:
        schemas[name].get("properties", {}).pop("status", None)
    schemas["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"]["properties"].pop("managedFields", None)
    reached = set()
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += references(schemas[name])
    return {name: stripped(schemas[name]) for name in sorted(reached)}


def main():
    *kubectl, folder = sys.argv[1:]
    for path in GROUP_VERSIONS:
        document = json.loads(subprocess.check_output([*kubectl, "get", "--raw", "/openapi/v3/" + path]))
        group, version = path.split("/")[1:] if path.startswith("apis") else ("", "v1")
        lines = [
            json.dumps(name) + ":" + json.dumps(schema, separators=(",", ":"), sort_keys=True)
            for name, schema in reduced(document["components"]["schemas"], group, version).items()
        ]
        with open(os.path.join(folder, f"{group or 'core'}_{version}.json"), "w", encoding="utf-8") as file:
            file.write('{"openapi":"3.0.0","components":{"schemas":{\n' + ",\n".join(lines) + "\n}}}\n")


main()
