"""Where the real speakers run: a network namespace of their own, or loopback addresses where none may be made."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

NODE_SUBNET, GATEWAY = "10.1.0.0/22", "10.1.0.1"
REFLECTOR_ADDRESS, WORKER_ADDRESS = "10.1.0.4", "10.1.0.6"
INSTANCES = ("10.0.1.4", "10.0.1.5")
ENVIRONMENT = os.environ | {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
"""BIRD lies where only root looks."""
_SPEAKERS = (REFLECTOR_ADDRESS, WORKER_ADDRESS, *INSTANCES)
_SETUP = f"""set -e
ip link set lo up
ip link add eth0 type veth peer name cali00000000000
ip addr add {REFLECTOR_ADDRESS}/22 dev eth0
for address in {WORKER_ADDRESS} {" ".join(INSTANCES)}; do ip addr add $address/32 dev lo; done
ip addr add 169.254.1.1/32 dev cali00000000000
ip link set eth0 up
ip link set cali00000000000 up
echo ready
exec cat
"""
"""A node's interfaces; BIRD 1.6 takes one without an address for down, and a next hop that is one's own for unreachable."""


@dataclass(frozen=True, slots=True)
class Place:
    """How to start a program there, and where each speaker listens.

    On loopback the node's interfaces do not exist, and a loopback address is no next hop, so BIRD is told the node's own.
    """

    port: int = 179
    enter: tuple[str, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)
    node_interface: str = "eth0"
    workload_interface: str = "cali00000000000"
    loopback: bool = False

    def address(self, speaker: str) -> str:
        """The address for the sessions of the speaker that the cluster knows by this address."""
        return self.addresses.get(speaker, speaker)


@contextmanager
def a_namespace() -> Iterator[Place]:
    """A network namespace which lasts as long as the block; loopback where none may be made."""
    own_user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    command = ["unshare", *own_user, "--net", "sh", "-c", _SETUP]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT
    ) as holder:
        assert holder.stdin
        assert holder.stdout
        permitted = holder.stdout.readline() == "ready\n"
        as_user = ("--user", "--preserve-credentials") if own_user else ()
        enter = ("nsenter", "--target", str(holder.pid), *as_user, "--net")
        yield Place(enter=enter) if permitted else on_loopback()
        holder.stdin.close()


def on_loopback() -> Place:
    """Addresses of this process's own in 127.0.0.0/8; the port is free on the first and so on all of them."""
    high, low = divmod(os.getpid() & 0xFFFF, 256)
    addresses = {speaker: f"127.{high}.{low}.{10 + index}" for index, speaker in enumerate(_SPEAKERS)}
    with socket.create_server((addresses[REFLECTOR_ADDRESS], 0)) as server:
        port: int = server.getsockname()[1]
    return Place(port, (), addresses, "lo", "lo", loopback=True)
