"""Includes go down the layers of tools/layers.txt, never up."""

import os

from .source import Finding


def read_layers(root):
    with open(os.path.join(root, "tools/layers.txt"), encoding="utf-8") as file:
        lines = (line.strip() for line in file)
        return [line.split()[0] for line in lines if line and not line.startswith("#")]


def _check_library(source, layers):
    own = source.path.split("/")[1]
    if own not in layers or source.path.count("/") < 2:
        yield Finding(source.path, 1, f"not in a layer: move it to src/ + one of {layers}")
        return
    for line, included in source.includes:
        if ".." in included.split("/"):
            yield Finding(source.path, line, "include from src/: write the path as layer/file")
            continue
        target = included.split("/")[0] if "/" in included else own
        if target in layers and layers.index(target) > layers.index(own):
            yield Finding(
                source.path,
                line,
                f"{own} includes {included}, which is above it (tools/layers.txt): return what"
                f" {target} needs, or let {own} own an interface that {target} implements",
            )


def _check_public(source, layers):
    for line, included in source.includes:
        if ".." in included.split("/") or included.split("/")[0] in layers:
            yield Finding(
                source.path,
                line,
                f"a public header includes {included} from src/: users do not have it; move what"
                " templates need to include/weft/detail",
            )
        elif included.endswith((".hpp", ".h")) and not included.startswith("weft/"):
            if source.code_lines[line - 1].lstrip().lstrip("#").split()[1].startswith('"'):
                yield Finding(source.path, line, f"write <weft/...> instead of {included}")


def check(tree):
    layers = read_layers(tree.root)
    for source in tree.sources:
        if not (source.is_cpp or source.is_assembly):
            continue
        if source.path.startswith("src/"):
            yield from _check_library(source, layers)
        elif source.path.startswith("include/"):
            yield from _check_public(source, layers)
