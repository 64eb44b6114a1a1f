"""Anybody who can compute an HMAC: another Git host behind a small script, or a hook of a bare repository.

Whoever sends writes `{"repository": "https://git.example.com/egress.git", "ref": "refs/heads/main"}` and shows its HMAC, as
`openssl dgst -sha256 -hmac "$SECRET" -r` prints it, behind `sha256=` in the header `X-Egress-Signature`.
"""

from __future__ import annotations

from collections.abc import Sequence

from function_app.webhooks.push import Headers, Ignored, Json, Push
from function_app.webhooks.reading import NO_COMMIT, optional_text, text
from function_app.webhooks.signatures import matches, signature


def verify(headers: Headers, body: bytes, secrets: Sequence[str]) -> bool:
    """`X-Egress-Signature: sha256=HEX` over the raw body."""
    shown = headers.get("x-egress-signature", "")
    return matches(shown, [f"sha256={signature(each.encode(), body).hex()}" for each in secrets if each])


def parse(headers: Headers, payload: Json) -> Push | Ignored:  # noqa: ARG001 - everything stands in the body
    """`{repository, ref, commit, by}`, the last two optional; raises Malformed."""
    repository, ref, commit = text(payload, "repository"), text(payload, "ref"), optional_text(payload, "commit")
    if commit == NO_COMMIT:
        return Ignored("a branch or tag was deleted")
    return Push((repository,), (ref,), commit, optional_text(payload, "by"))
