"""What is wrong with a configuration beyond its shape, which Terraform checks itself by the schema.

Three rules that providers have and schemas do not tell: an attribute that only the provider sets cannot be configured, a text is
one of the documented values, and an attribute that ends in `_id` is a resource id or a GUID (of azurerm; other providers' ids are
of any form). Terraform asks again with values known, so mocked ids meet the last rule as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from terraform_provider.schemas import Block, attributes, nested_blocks
from terraform_provider.wire import UNKNOWN, field, message

type Step = str | int

_RESOURCE_ID = re.compile(r"/\S+")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake, with the way to it from the configuration's root."""

    path: tuple[Step, ...]
    summary: str
    detail: str

    def diagnostic(self) -> bytes:
        """The protocol's Diagnostic; Terraform finds file and line by its path."""
        steps = b"".join(message(1, [field(2 if isinstance(each, int) else 1, _key(each))]) for each in self._steps())
        return b"".join([field(1, 1), field(2, self.summary), field(3, self.detail), message(4, [steps])])

    def _steps(self) -> Sequence[Step]:
        """The path up to its first number: elements of sets have no place that Terraform could find."""
        numbers = [index for index, each in enumerate(self.path) if isinstance(each, int)]
        return self.path[: numbers[0]] if numbers else self.path


def _key(step: Step) -> str:
    return str(step)


def mistakes(block: Block, config: Mapping[str, Any] | None, *, ids: bool) -> Iterator[Mistake]:
    """All mistakes of a configuration; `ids` says whether `_id` attributes must be ids."""
    yield from _block(block, config or {}, (), ids)


def _block(block: Block, config: Mapping[str, Any], path: tuple[Step, ...], ids: bool) -> Iterator[Mistake]:
    for name, attribute in attributes(block):
        value = config.get(name)
        if value is None or value is UNKNOWN:
            continue
        yield from _attribute(name, attribute, value, (*path, name), ids)
    for name, nested in nested_blocks(block):
        for index, inner in _elements(config.get(name)):
            yield from _block(nested["block"], inner, (*path, name, *index), ids)


def _attribute(
    name: str, attribute: Mapping[str, Any], value: Any, path: tuple[Step, ...], ids: bool
) -> Iterator[Mistake]:
    if attribute.get("computed") and not attribute.get("optional"):
        yield Mistake(path, "Value for unconfigurable attribute", f'"{name}" is decided by the provider; leave it out.')
    allowed = attribute.get("values")
    if allowed:
        texts = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
        for text in texts:
            if text not in allowed:
                yield Mistake(path, f'Not a value of "{name}"', f'"{text}" is not one of {", ".join(allowed)}.')
    elif ids and name.endswith("_id") and isinstance(value, str) and not _is_id(value):
        yield Mistake(path, f'Not an id in "{name}"', f'"{value}" is neither a resource id nor a GUID.')


def _is_id(value: str) -> bool:
    return bool(_RESOURCE_ID.fullmatch(value) or _GUID.fullmatch(value))


def _elements(value: Any) -> Iterator[tuple[tuple[Step, ...], Mapping[str, Any]]]:
    if isinstance(value, dict):
        yield (), value
    elif isinstance(value, list):
        yield from (((index,), each) for index, each in enumerate(value) if isinstance(each, dict))
