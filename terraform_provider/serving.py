"""The providers as gRPC services on unix sockets, and the environment that attaches Terraform to them.

Terraform finds an attached provider by TF_REATTACH_PROVIDERS, made for debuggers of providers (developer.hashicorp.com,
"Debugging providers"). A request does not say which provider it is for, so each has a socket of its own. If a socket cannot be
reached Terraform kills the process that the variable names: it is always this one.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc

from terraform_provider.checking import mistakes
from terraform_provider.planning import invented, planned, replacing
from terraform_provider.schemas import Block, Provider, providers, schema_response
from terraform_provider.wire import dynamic_value, field, fields, message, text_of, value_of

SERVICE = "tfplugin6.Provider"
_LARGEST_MESSAGE = 64 << 20

type Method = Callable[[bytes], bytes]


class Served:
    """The answers of one provider. Field numbers are those of tfplugin6.proto (hashicorp/terraform 1.11)."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._ids = provider.source == "hashicorp/azurerm"

    def methods(self) -> Mapping[str, Method]:
        """Everything that is answered; what Terraform asks besides it takes as unsupported."""
        return {
            "GetProviderSchema": lambda _: schema_response(self._provider),
            "ValidateProviderConfig": lambda _: b"",
            "ValidateResourceConfig": lambda request: self._validated(self._provider.resources, request),
            "ValidateDataResourceConfig": lambda request: self._validated(self._provider.data_sources, request),
            "ConfigureProvider": lambda _: b"",
            "StopProvider": lambda _: b"",
            "UpgradeResourceState": _upgraded,
            "ReadResource": _read,
            "PlanResourceChange": self._planned,
            "ApplyResourceChange": self._applied,
            "ReadDataSource": self._data,
        }

    def _validated(self, types: Mapping[str, Block], request: bytes) -> bytes:
        parts = fields(request)
        block = types[text_of(parts, 1)]["block"]
        found = mistakes(block, value_of(parts, 2), ids=self._ids)
        return b"".join(message(1, [each.diagnostic()]) for each in found)

    def _planned(self, request: bytes) -> bytes:
        parts = fields(request)
        block = self._provider.resources[text_of(parts, 1)]["block"]
        prior, proposed = value_of(parts, 2), value_of(parts, 3)
        if proposed is None:
            return dynamic_value(1, None)
        anew = list(replacing(block, prior, proposed)) if prior is not None else []
        state = planned(block, proposed, new=prior is None or bool(anew))
        return dynamic_value(1, state) + b"".join(message(2, [message(1, [field(1, name)])]) for name in anew)

    def _applied(self, request: bytes) -> bytes:
        parts = fields(request)
        name = text_of(parts, 1)
        state = value_of(parts, 3)
        return dynamic_value(1, state and invented(name, self._provider.resources[name]["block"], state))

    def _data(self, request: bytes) -> bytes:
        parts = fields(request)
        name = text_of(parts, 1)
        block = self._provider.data_sources[name]["block"]
        return dynamic_value(1, invented(name, block, planned(block, value_of(parts, 2), new=True)))


def _upgraded(request: bytes) -> bytes:
    raw = fields(request).get(3, b"")
    text = fields(raw).get(1, b"") if isinstance(raw, bytes) else b""
    return message(1, [field(2, text)])


def _read(request: bytes) -> bytes:
    state = fields(request).get(2, b"")
    return message(1, [state]) if isinstance(state, bytes) else b""


@contextmanager
def served() -> Iterator[dict[str, str]]:
    """All committed providers, served while the context lasts; the environment for Terraform."""
    with tempfile.TemporaryDirectory(prefix="egress-providers-") as folder:
        servers: list[grpc.Server] = []
        attached: dict[str, object] = {}
        try:
            for provider in providers():
                socket = Path(folder) / provider.source.replace("/", "-")
                servers.append(_serve(provider, socket))
                attached[provider.source] = {
                    "Protocol": "grpc",
                    "ProtocolVersion": 6,
                    "Pid": os.getpid(),
                    "Test": True,
                    "Addr": {"Network": "unix", "String": str(socket)},
                }
            yield {**quiet(os.environ), "TF_REATTACH_PROVIDERS": json.dumps(attached)}
        finally:
            for server in servers:
                server.stop(None)


def quiet(environment: Mapping[str, str]) -> dict[str, str]:
    """Without a look for newer versions, and without a user's configuration, which could mirror providers."""
    kept = {key: value for key, value in environment.items() if key != "TF_CLI_CONFIG_FILE"}
    return {**kept, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}


def _serve(provider: Provider, socket: Path) -> grpc.Server:
    server = grpc.server(
        ThreadPoolExecutor(max_workers=4),
        options=[("grpc.max_receive_message_length", _LARGEST_MESSAGE)],
    )
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(lambda request, _context, answer=method: answer(request))
        for name, method in Served(provider).methods().items()
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    return server
