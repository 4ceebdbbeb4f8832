"""Reads `cargo metadata`: our normal dependencies must build with our own rust-version."""

import json
import sys

metadata = json.load(sys.stdin)
packages = {package["id"]: package for package in metadata["packages"]}
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}


def version(package):
    text = package["rust_version"] or "1.0"
    return tuple(int(part) for part in text.split("."))[:2]


root = metadata["resolve"]["root"]
wanted = version(packages[root])
seen, queue = {root}, [root]
while queue:
    for dependency in nodes[queue.pop()]["deps"]:
        kinds = {kind["kind"] for kind in dependency["dep_kinds"]}
        if None in kinds and dependency["pkg"] not in seen:
            seen.add(dependency["pkg"])
            queue.append(dependency["pkg"])
newer = [packages[i] for i in seen if version(packages[i]) > wanted]
for package in newer:
    print(f"{package['name']} {package['version']} needs Rust {package['rust_version']}")
print(f"{len(seen) - 1} dependencies, declared Rust {'.'.join(map(str, wanted))}")
sys.exit(bool(newer))
