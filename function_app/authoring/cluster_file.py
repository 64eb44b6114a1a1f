"""Edits of a cluster's file that change nothing else in it."""

from __future__ import annotations

from io import StringIO

from ruamel.yaml.error import YAMLError

from function_app.authoring.tenant_file import NoSuchEdit, round_trip


def with_adoption(text: str) -> str:
    """The cluster takes over the filter and the Route Server peers that stand there; raises NoSuchEdit."""
    yaml = round_trip()
    try:
        document = yaml.load(text)
        bgp = document["spec"]["bgp"]
    except (YAMLError, KeyError, TypeError):
        raise NoSuchEdit("it is no cluster's file; egressctl validate says what is wrong.") from None
    if bgp.get("adopt") is True:
        return text
    bgp.insert(0, "adopt", value=True, comment="take over the filter and the peers that stand there")
    out = StringIO()
    yaml.dump(document, out)
    return out.getvalue()
