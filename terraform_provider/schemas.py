"""The committed schemas, and how Terraform is told of them.

A file of `schemas/` has the form of `terraform providers schema -json` for one provider, cut down to the types that this project
uses. An attribute may carry two keys more: `values`, the texts that the provider's documentation allows, and `force_new`, when a
change makes the resource anew. `python -m terraform_provider.extracting` writes the files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from terraform_provider.wire import field, message

FOLDER = Path(__file__).parent / "schemas"
_NESTING = {"single": 1, "list": 2, "set": 3, "map": 4, "group": 5}

type Block = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider's schema; `source` is its address without a host (`hashicorp/azurerm`)."""

    source: str
    version: str
    configuration: Block
    resources: Mapping[str, Block]
    data_sources: Mapping[str, Block]


@cache
def providers() -> tuple[Provider, ...]:
    """All committed schemas."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*.json")))


def _read(path: Path) -> Provider:
    content = json.loads(path.read_text(encoding="utf-8"))
    return Provider(
        content["source"],
        content["version"],
        content["provider"],
        content["resource_schemas"],
        content["data_source_schemas"],
    )


def attributes(block: Block) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A block's attributes by name."""
    yield from block.get("attributes", {}).items()


def nested_blocks(block: Block) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A block's nested blocks by name."""
    yield from block.get("block_types", {}).items()


def schema_response(provider: Provider) -> bytes:
    """GetProviderSchema.Response (tfplugin6.proto of hashicorp/terraform 1.11)."""
    capabilities = [field(2, True)]  # the schema is fetched once, not for each instance
    return b"".join(
        [
            message(1, [_schema(provider.configuration)]),
            *_schemas(2, provider.resources),
            *_schemas(3, provider.data_sources),
            message(6, capabilities),
        ]
    )


def _schemas(number: int, schemas: Mapping[str, Block]) -> Iterator[bytes]:
    for name, schema in schemas.items():
        yield message(number, [field(1, name), message(2, [_schema(schema)])])


def _schema(schema: Block) -> bytes:
    return field(1, int(schema.get("version", 0))) + message(2, [_block(schema["block"])])


def _block(block: Block) -> bytes:
    parts = [message(2, [_attribute(name, each)]) for name, each in attributes(block)]
    parts += [
        message(
            3,
            [
                field(1, name),
                message(2, [_block(each["block"])]),
                field(3, _NESTING[each["nesting_mode"]]),
                field(4, int(each.get("min_items", 0))),
                field(5, int(each.get("max_items", 0))),
            ],
        )
        for name, each in nested_blocks(block)
    ]
    return b"".join(parts)


def _attribute(name: str, attribute: Mapping[str, Any]) -> bytes:
    nested = attribute.get("nested_type")
    shape = message(10, [_nested_type(nested)]) if nested else field(2, json.dumps(attribute["type"]))
    flags = (
        (4, "required"), (5, "optional"), (6, "computed"), (7, "sensitive"), (9, "deprecated"), (11, "write_only"),
    )  # fmt: skip
    return field(1, name) + shape + b"".join(field(number, bool(attribute.get(flag))) for number, flag in flags)


def _nested_type(nested: Mapping[str, Any]) -> bytes:
    parts = [message(1, [_attribute(name, each)]) for name, each in nested["attributes"].items()]
    return b"".join(parts) + field(3, _NESTING[nested["nesting_mode"]])
