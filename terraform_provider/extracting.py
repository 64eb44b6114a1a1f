"""Write `schemas/` anew: `python -m terraform_provider.extracting SCHEMA.json SOURCE=VERSION... [--values VALUES.json]`.

SCHEMA.json is what `terraform providers schema -json` prints in a folder whose providers were really downloaded; the versions are
those of its lock file. Only types that the configurations under `terraform/` use are kept. VALUES.json holds what that output
lacks, by provider and version: `{"providers": {"azurerm": {"5.10.0": {"resources": {TYPE: {NAME: {"values": [...], "force_new":
true, "attributes": {...}}}}}}}}`; without it the values that are committed already are carried over.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from terraform_provider.schemas import FOLDER

CONFIGURATIONS = FOLDER.parents[1] / "terraform"
_DECLARED = re.compile(r'^\s*(resource|data)\s+"(\w+)"', re.MULTILINE)


def used_types() -> tuple[set[str], set[str]]:
    """The resource types and the data source types of all configurations."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(CONFIGURATIONS.rglob("*.tf")))
    found = set(_DECLARED.findall(text))
    return {name for kind, name in found if kind == "resource"}, {name for kind, name in found if kind == "data"}


def extract(schema: Mapping[str, Any], source: str, version: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """One provider's file; `values` holds the hints by group (`resources`, `data_sources`) and type."""
    resources, data_sources = used_types()
    return {
        "source": source,
        "version": version,
        "provider": schema["provider"],
        "resource_schemas": _kept(schema["resource_schemas"], resources, values.get("resources", {})),
        "data_source_schemas": _kept(schema["data_source_schemas"], data_sources, values.get("data_sources", {})),
    }


def _kept(schemas: Mapping[str, Any], wanted: set[str], values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {"version": schema["version"], "block": _hinted(schema["block"], values.get(name, {}))}
        for name, schema in sorted(schemas.items())
        if name in wanted
    }


def _hinted(block: Mapping[str, Any], hints: Mapping[str, Any]) -> dict[str, Any]:
    """A block without descriptions, with the hints beside its attributes."""
    result: dict[str, Any] = {}
    if attributes := block.get("attributes"):
        result["attributes"] = {
            name: _attribute(each, hints.get(name, {})) for name, each in sorted(attributes.items())
        }
    if nested := block.get("block_types"):
        result["block_types"] = {
            name: {
                **{key: value for key, value in each.items() if key != "block"},
                **({"force_new": True} if hints.get(name, {}).get("force_new") else {}),
                "block": _hinted(each["block"], hints.get(name, {}).get("attributes", {})),
            }
            for name, each in sorted(nested.items())
        }
    return result


def _attribute(attribute: Mapping[str, Any], hint: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in attribute.items() if not key.startswith("description")}
    texts = attribute.get("type") == "string" or attribute.get("type") in (["list", "string"], ["set", "string"])
    if hint.get("values") and texts:
        kept["values"] = hint["values"]
    if hint.get("force_new"):
        kept["force_new"] = True
    return kept


def _carried(path: Path) -> dict[str, Any]:
    """The hints of a committed file."""
    if not path.is_file():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    groups = {"resources": "resource_schemas", "data_sources": "data_source_schemas"}
    return {
        group: {name: _hints_of(schema["block"]) for name, schema in content[key].items()}
        for group, key in groups.items()
    }


def _hints_of(block: Mapping[str, Any]) -> dict[str, Any]:
    hints: dict[str, Any] = {
        name: {key: each[key] for key in ("values", "force_new") if key in each}
        for name, each in block.get("attributes", {}).items()
    }
    for name, each in block.get("block_types", {}).items():
        hints[name] = {"force_new": each.get("force_new", False), "attributes": _hints_of(each["block"])}
    return hints


def _written(content: Mapping[str, Any]) -> str:
    """JSON with one line a type, so that a renewal's diff shows which types changed."""
    lines = [f'"{key}": {json.dumps(content[key], sort_keys=True)}' for key in ("source", "version", "provider")]
    for group in ("resource_schemas", "data_source_schemas"):
        types = ",\n".join(
            f"{json.dumps(name)}: {json.dumps(schema, sort_keys=True, separators=(',', ':'))}"
            for name, schema in content[group].items()
        )
        lines.append(f'"{group}": {{\n{types}\n}}')
    return "{" + ",\n".join(lines) + "}\n"


def main() -> None:
    """Read the arguments, write the files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("schema", type=Path)
    parser.add_argument("versions", nargs="+", metavar="SOURCE=VERSION")
    parser.add_argument("--values", type=Path)
    arguments = parser.parse_args()
    schemas = json.loads(arguments.schema.read_text(encoding="utf-8"))["provider_schemas"]
    hints = json.loads(arguments.values.read_text(encoding="utf-8"))["providers"] if arguments.values else None
    FOLDER.mkdir(exist_ok=True)
    for each in arguments.versions:
        source, _, version = each.partition("=")
        name = source.rpartition("/")[2]
        schema = next(value for key, value in schemas.items() if key.endswith(source))
        path = FOLDER / f"{name}.json"
        values = hints[name][version] if hints else _carried(path)
        path.write_text(_written(extract(schema, source, version, values)), encoding="utf-8")


if __name__ == "__main__":
    main()
