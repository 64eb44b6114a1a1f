"""`make serve` as its user meets it: HTTP from outside, the real worker inside, real storage, real Git."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from base64 import b64encode
from collections.abc import Callable
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import urllib3

from serve.desk import ServiceDesk
from serve.host import Host, queue_client

KEY = {"x-functions-key": "the-key"}
LONGEST_SECONDS = 60.0
HTTP = urllib3.PoolManager(retries=False)


def until[T](asked: Callable[[], T | None], what: str) -> T:
    """The first answer that is one."""
    end = monotonic() + LONGEST_SECONDS
    while monotonic() < end:
        found = asked()
        if found:
            return found
        sleep(0.1)
    raise AssertionError(what)


def status_of(host: Host) -> dict[str, Any]:
    """hub1's row of `/api/status`, empty while it is not known."""
    answer = HTTP.request("GET", f"{host.url}/api/status", headers=KEY)
    assert 200 == answer.status, answer.data
    rows = json.loads(answer.data)["hubs"]
    return rows[0] if rows else {}


def deliver(desk: ServiceDesk, host: Host, secret: str, *, body: bytes = b"") -> int:
    """A webhook; the status of its answer."""
    said = {"repository": desk.repository, "ref": "refs/heads/main", "by": "jo"}
    body = body or json.dumps(said).encode()
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", "x-egress-signature": signature}
    return HTTP.request("POST", f"{host.url}/api/webhook/generic", headers=headers, body=body).status


def test_a_push_a_worker_killed_and_a_message_set_aside(desk: ServiceDesk, host: Host) -> None:
    """The timer finds the hub, a push over HTTPS is taken in by webhook, a killed worker loses nothing, poison is taken up."""
    HTTP.request("POST", f"{host.url}/admin/functions/drift", headers=KEY)
    until(lambda: (status_of(host).get("report") or {}).get("commit_seen"), "no pass after the timer")
    desk.copy_sample("tenants")
    commit = desk.push("two tenants")

    delivered = deliver(desk, host, desk.secret)
    died = host.worker().pid
    host.worker().kill()
    until(lambda: status_of(host)["report"]["commit_seen"] == commit, "the push was lost with the worker")

    assert 202 == delivered
    assert died != host.worker().pid
    assert {"tenant0", "tenant1"} == {row["tenant"] for row in status_of(host)["report"]["attachments"]}

    poison = queue_client(desk.settings, "egress-passes-poison")
    poison.send_message(b64encode(b'{"hub": "hub1"}').decode())
    told = json.loads(HTTP.request("GET", f"{host.url}/api/status", headers=KEY).data)["poisoned"]
    HTTP.request("POST", f"{host.url}/admin/functions/drift", headers=KEY)
    until(lambda: not poison.peek_messages(), "what was set aside was not taken up")

    assert ["hub1"] == [each["hub"] for each in told]


def test_a_stranger_gets_nothing_but_webhook_and_health(desk: ServiceDesk, host: Host) -> None:
    """Not even who they say they are helps."""
    forged = {"x-ms-client-principal": b64encode(b'{"auth_typ": "aad"}').decode()}
    asked = [("GET", name) for name in ("status", "plan", "whois?address=10.99.0.1")]
    told = [("POST", name) for name in ("resync", "block", "unblock", "suspend", "resume")]

    statuses = {
        HTTP.request(method, f"{host.url}/api/{path}", headers=headers).status
        for method, path in asked + told
        for headers in ({}, forged, {"x-functions-key": "the-kez"})
    }

    assert {401} == statuses
    assert 401 == HTTP.request("POST", f"{host.url}/admin/functions/drift").status
    assert 200 == HTTP.request("GET", f"{host.url}/api/health").status
    assert [401, 401] == [deliver(desk, host, "wrong"), deliver(desk, host, "wrong", body=b"{")]


def test_a_hundred_megabytes_are_refused_unread(host: Host) -> None:
    """By the length that is announced: what follows is not waited for."""
    place = urlsplit(host.url)
    with socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=10) as connection:
        connection.sendall(
            b"POST /api/webhook/generic HTTP/1.1\r\nhost: x\r\ncontent-length: 104857600\r\n\r\n" + b"{" * 9
        )
        answer = connection.recv(1000)

    assert answer.startswith(b"HTTP/1.1 413 ")
