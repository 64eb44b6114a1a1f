"""Azure Resource Manager through the real azure-mgmt-network client: one pipeline for the process, raw JSON in and out.

The client's own policies for retries, redirects, logging, authentication and registering resource providers are left out.
azure-core's retries sleep the full Retry-After of any error, a POST's and a 409's too; its redirects would carry the token
elsewhere; its authentication sends a second time after a 401 that bears a challenge; and the registration policy of
azure-mgmt-core writes to the subscription and waits ten seconds at a time. What remains adds a request id and the token, and
sends once. Models are left out as well: reading a group of 4,000 rules costs 25 times as much with them.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from uuid import UUID, uuid4

import msgspec
import orjson
from azure.core import AzureClouds
from azure.core.credentials import TokenCredential
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy, UserAgentPolicy
from azure.core.rest import HttpRequest, HttpResponse
from azure.mgmt.core.tools import get_arm_endpoints

from function_app.adapters.answers import Answer, Call, RequestLimits, collected, json_object, lower_cased
from function_app.adapters.azure_refusals import azure_refusal
from function_app.adapters.bodies import Listed, decode_once, digest_of, page_in
from function_app.adapters.credentials import Bearer, EntraBearer
from function_app.adapters.retrying import once_more_after_reset
from function_app.adapters.vendor_errors import vendor_errors_as_ours
from function_app.adapters.vendor_logs import quieten_vendor_logs
from function_app.measuring import counted
from function_app.model.errors import NotFound, TargetRejected, TargetUnavailable
from function_app.model.names import TargetName
from function_app.model.once import Read
from function_app.model.resources import OUR_REQUESTS, Body

if TYPE_CHECKING:
    from azure.mgmt.network import NetworkManagementClient

NETWORK_API_VERSION = "2026-03-01"
"""The version that azure-mgmt-network 33 speaks by default on every operation."""
FOREIGN_HOST = "ForeignHost"
"""The code of an error about a URL that leads away from this ARM."""
PUBLIC_ENDPOINT = "https://management.azure.com"
_NO_SUBSCRIPTION = str(UUID(int=0))
"""The client asks for one; every request of ours names the whole resource id."""
_MOST_PAGES = 1000
_MOST_ANSWERS = 32
"""Answers that are told by their bytes; a Route Server has eight connections."""


class _Page(msgspec.Struct):
    """One page of a collection, its items as they were sent."""

    value: list[msgspec.Raw]
    next_link: str | None = msgspec.field(name="nextLink", default=None)


_NO_LIST = "the answer holds no list of resources."
_PAGE = msgspec.json.Decoder(_Page)
_OBJECT = msgspec.json.Decoder(dict[str, Any])


def network_resource_id(subscription: str, resource_group: str, resource_type: str, name: str) -> str:
    """The resource id of something of Microsoft.Network."""
    return f"/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.Network/{resource_type}/{name}"


def operation_of(answer: Answer) -> str:
    """Where an accepted write can be asked after: ARM's own header for a PUT, Location for a DELETE, nothing when it is done."""
    return answer.headers.get("azure-asyncoperation") or answer.headers.get("location") or ""


def scope_of(endpoint: str) -> str:
    """The scope of tokens for an endpoint: the cloud's own for those that azure-core knows, else the endpoint's default scope.

    They differ: tokens for management.usgovcloudapi.net are issued for management.core.usgovcloudapi.net.
    """
    for cloud in AzureClouds:
        known = get_arm_endpoints(cloud)
        if _origin(str(known["resource_manager"])) == _origin(endpoint):
            return str(known["credential_scopes"][0])
    return f"{endpoint.rstrip('/')}/.default"


class _BearerPolicy(SansIOHTTPPolicy[HttpRequest, HttpResponse]):
    """Puts the token on each request. Plain http is for loopback alone, which the settings see to."""

    def __init__(self, bearer: Bearer) -> None:
        super().__init__()
        self._bearer = bearer

    def on_request(self, request: PipelineRequest[HttpRequest]) -> None:
        """Called by azure-core before it sends."""
        request.http_request.headers["Authorization"] = f"Bearer {self._bearer()}"


class _OurRequestIds(SansIOHTTPPolicy[HttpRequest, HttpResponse]):
    """Gives each request an id of its own, by whose beginning Azure's activity log shows that it is ours."""

    def on_request(self, request: PipelineRequest[HttpRequest]) -> None:
        """Called by azure-core before it sends."""
        request.http_request.headers["x-ms-client-request-id"] = f"{OUR_REQUESTS}{str(uuid4())[8:]}"


class ResourceManager:
    """ARM of one cloud. The client is built at the first request, once; requests may come from several threads."""

    def __init__(
        self,
        credential: TokenCredential,
        *,
        endpoint: str = PUBLIC_ENDPOINT,
        ca_file: Path | None = None,
        limits: RequestLimits | None = None,
    ) -> None:
        self.endpoint = endpoint.rstrip("/")
        self._credential = credential
        self._ca_file = ca_file
        self._limits = limits or RequestLimits()
        self._lock = Lock()
        self._client: NetworkManagementClient | None = None
        self._bodies: dict[TargetName, dict[str, Listed]] = {}
        self._answers: dict[TargetName, Listed] = {}

    def forget_bodies(self, target: TargetName) -> None:
        """Let go of what was read for one target: its next listing decodes everything again."""
        with self._lock:
            self._bodies.pop(target, None)
            self._answers.pop(target, None)

    def get(self, call: Call, resource: str, api_version: str = NETWORK_API_VERSION) -> Body:
        """One resource's body."""
        return json_object(call, self._accepted(call, "GET", self._url(resource, api_version)))

    def pages(
        self, call: Call, collection: str, api_version: str = NETWORK_API_VERSION, *, wanted: str = ""
    ) -> Sequence[Body]:
        """All items of a collection (`value` and `nextLink`, ARM's paging), or those that a filter wants.

        Raises TargetUnavailable when it does not end.
        """
        with self._lock:
            before = self._bodies.get(call.target, {}).get(collection, {})
        now: Listed = {}
        url = self._url(collection, api_version) + (f"&$filter={quote(wanted)}" if wanted else "")
        seen: set[str] = set()
        while url:
            if url in seen or len(seen) >= _MOST_PAGES:
                raise TargetUnavailable(f"{call}: the pages of the answer do not end.")
            seen.add(url)
            answer = self._accepted(call, "GET", self.own_url(call, url))
            page = page_in(call, answer, _PAGE, _NO_LIST)
            try:
                decode_once(page.value, before, now, lambda item: Read(_OBJECT.decode(item)))
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise TargetUnavailable(f"{call}: {_NO_LIST}") from None
            url = page.next_link or ""
        with self._lock:
            self._bodies.setdefault(call.target, {})[collection] = now
        return list(now.values())

    def post(self, call: Call, action: str, api_version: str = NETWORK_API_VERSION) -> Body:
        """What an action that answers at once says."""
        return json_object(call, self._accepted(call, "POST", self._url(action, api_version)))

    def start(self, call: Call, method: str, resource: str, body: Body | None = None) -> Answer:
        """Start what may take minutes; the accepted answer, whose headers name the operation. Sent once, never waited for."""
        return self._accepted(call, method, self._url(resource, NETWORK_API_VERSION), body)

    def delete(self, call: Call, resource: str) -> str:
        """Start deleting a resource; the operation's URL, empty when it was already gone."""
        try:
            return operation_of(self.start(call, "DELETE", resource))
        except NotFound:
            return ""

    def poll(self, call: Call, operation: str) -> Answer:
        """One look at an operation; any accepted answer."""
        return self._accepted(call, "GET", self.own_url(call, operation))

    def decoded(self, call: Call, answer: Answer) -> Read:
        """The object in an answer that is asked for in every pass; while its bytes stay the same, the very object."""
        digest = digest_of(answer.body)
        with self._lock:
            known = self._answers.get(call.target, {}).pop(digest, None)
        found = Read(json_object(call, answer)) if known is None else known
        with self._lock:
            answers = self._answers.setdefault(call.target, {})
            answers[digest] = found
            if len(answers) > _MOST_ANSWERS:
                answers.pop(next(iter(answers)))
        return found

    def own_url(self, call: Call, url: str) -> str:
        """`url` when it leads to this ARM; raises TargetRejected otherwise, since the token would go with it."""
        if _origin(url) != _origin(self.endpoint):
            raise TargetRejected(
                f"{call}: was told to go on at another host ({_host(url)}) than {_host(self.endpoint)}; no token was sent there.",
                code=FOREIGN_HOST,
            )
        return url

    def _url(self, resource: str, api_version: str) -> str:
        return f"{self.endpoint}{resource}?api-version={api_version}"

    def _accepted(self, call: Call, method: str, url: str, body: Body | None = None) -> Answer:
        with vendor_errors_as_ours(call):
            send = partial(counted, call.target, call.verb, partial(self._answer, call, method, url, body))
            answer = once_more_after_reset(send) if method == "GET" else send()
        if not answer.successful:
            raise azure_refusal(call, answer)
        return answer

    def _answer(self, call: Call, method: str, url: str, body: Body | None) -> Answer:
        started = monotonic()
        content = None if body is None else orjson.dumps(body)
        headers = {"Accept": "application/json"} | ({} if body is None else {"Content-Type": "application/json"})
        options: dict[str, Any] = {
            "stream": True,
            "connection_timeout": self._limits.connect_seconds,
            "read_timeout": self._limits.read_seconds,
        }
        request = HttpRequest(method, url, headers=headers, content=content)
        with self._built().send_request(request, **options) as response:
            received = collected(call, response.iter_bytes(), self._limits, started)
            return Answer(response.status_code, lower_cased(response.headers), received)

    def _built(self) -> NetworkManagementClient:
        with self._lock:
            if self._client is None:
                self._client = self._new_client()
            return self._client

    def _new_client(self) -> NetworkManagementClient:
        from azure.mgmt.network import NetworkManagementClient  # noqa: PLC0415  0.3 s and 27 MiB that validation never needs

        quieten_vendor_logs()
        scope = scope_of(self.endpoint)
        return NetworkManagementClient(
            self._credential,
            _NO_SUBSCRIPTION,
            base_url=self.endpoint,
            credential_scopes=[scope],
            policies=[
                _OurRequestIds(),
                UserAgentPolicy(base_user_agent="egress-gitops"),
                _BearerPolicy(EntraBearer(self._credential, scope)),
            ],
            connection_verify=_checked_authority(self._ca_file) if self._ca_file else True,
            # The environment's proxies, netrc file and authorities would be settings beside the settings.
            use_env_settings=False,
        )


def _checked_authority(ca_file: Path) -> str:
    """The file's path, once it has been read as PEM: requests would tell a broken one apart from a dead network only by words."""
    try:
        ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise TargetRejected(f"EGRESS_CA_FILE {ca_file}: is not PEM.", code="CertificateAuthority") from None
    except OSError as error:
        raise TargetRejected(
            f"EGRESS_CA_FILE {ca_file}: cannot be read ({error.strerror}).", code="CertificateAuthority"
        ) from None
    return str(ca_file)


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; a URL that cannot be read has an origin that equals no other."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return ("", url, None)
    if parts.username is not None or parts.password is not None:
        return ("", url, None)
    return (parts.scheme.lower(), (parts.hostname or "").lower(), port)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "none"
    except ValueError:
        return "unreadable"
