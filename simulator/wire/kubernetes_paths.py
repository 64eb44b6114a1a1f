"""API server paths taken apart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResourcePath:
    """`/api/v1/...` or `/apis/GROUP/VERSION/...`: the core group is the empty text, `name` is empty for a collection."""

    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def parse_resource_path(segments: tuple[str, ...]) -> ResourcePath | None:
    """The path's parts, None when it names no resource."""
    match segments:
        case ("api", version, *rest):
            group = ""
        case ("apis", group, version, *rest):
            pass
        case _:
            return None
    match rest:
        case ["namespaces", namespace, plural, *more] if plural not in ("status", "finalize"):
            pass
        case [plural, *more]:
            namespace = ""
        case _:
            return None
    if len(more) > 2:
        return None
    name, subresource = (*more, "", "")[:2]
    return ResourcePath(group, version, plural, namespace, name, subresource)
