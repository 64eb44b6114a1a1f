"""The real speakers: BIRD for the cluster's nodes, GoBGP for the Route Server instances; started here, ended by process id."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from clusters import ADDRESSES, CLUSTER_ASN, REFLECTOR, ROUTE_SERVER_ASN, WORKER, Cluster
from places import ENVIRONMENT, INSTANCES, REFLECTOR_ADDRESS, Place
from rendering import FENCES, rendered

AZURE_LIMIT = 1000
"""Routes for a peer, beyond which Route Server drops the session (Microsoft Learn, route-server-limits)."""
_PACKAGES = {
    "bird": "bird",
    "gobgpd": "gobgpd",
    "gobgp": "gobgpd",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "ip": "iproute2",
}
_REFUSED = re.compile(r"^[89]\d{3}", re.MULTILINE)
_LAST_LINE = re.compile(rb"^\d{4} .*\n", re.MULTILINE)
_GREETING = 2
_ESTABLISHED = 6
_PATIENCE = 20.0


def missing_programs() -> str:
    """One line that says what to install, empty when everything is there."""
    missing = [program for program in _PACKAGES if shutil.which(program, path=ENVIRONMENT["PATH"]) is None]
    packages = " ".join(sorted({_PACKAGES[program] for program in missing}))
    verb = "is" if len(missing) == 1 else "are"
    return f"{', '.join(missing)} {verb} missing. Install with: sudo apt-get install {packages}" if missing else ""


def until(holds: Callable[[], bool], what: str) -> None:
    """Look again and again. Raises TimeoutError that names what did not come about."""
    end = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {_PATIENCE:.0f} s: {what}")
        time.sleep(0.005)


@contextmanager
def _running(place: Place, log: Path, *command: str) -> Iterator[None]:
    with (
        log.open("wb") as output,
        subprocess.Popen([*place.enter, *command], stdout=output, stderr=output, env=ENVIRONMENT) as process,
    ):
        try:
            yield
        finally:
            process.terminate()
            process.wait(_PATIENCE)


class Bird:
    """BIRD of one node. `keep` does what confd does with new contents of its three files."""

    def __init__(self, place: Place, node: str, folder: Path) -> None:
        self._place = place
        self._node = node
        self._folder = folder / node
        self._folder.mkdir()
        self._control = self._folder / "ctl"

    @contextmanager
    def running(self, cluster: Cluster) -> Iterator[None]:
        """Started with the cluster's configuration."""
        self._write(cluster, 0)
        command = ("bird", "-d", "-c", f"{self._folder}/bird.cfg", "-s", str(self._control))
        with _running(self._place, self._folder / "bird.log", *command):
            until(self._control.exists, f"BIRD of the {self._node} answers; see {self._folder}")
            yield

    def keep(self, cluster: Cluster, fence: int) -> None:
        """Bring the configuration to what the cluster's objects say, and wait until BIRD has told its peers."""
        self.configure(cluster, fence)
        until(self._is_quiet, f"all sessions of the {self._node} are up and fed")

    def configure(self, cluster: Cluster, fence: int = 0) -> None:
        """The same without waiting for any peer."""
        self._write(cluster, fence)
        self.ask("configure")
        until(lambda: "up and running" in self.ask("show status"), "BIRD has reconfigured itself")

    def taken(self, peer: str) -> tuple[int, int]:
        """How many routes of a peer stand, and how many updates a filter has turned away since the session began."""
        text = self.ask(f"show protocols all Node_{peer.replace('.', '_')}")
        standing = re.search(r"Routes: +(\d+) imported", text)
        turned_away = re.search(r"Import updates: +\d+ +\d+ +(\d+)", text)
        return (int(standing[1]), int(turned_away[1])) if standing and turned_away else (0, 0)

    def _is_quiet(self) -> bool:
        sessions = [line.split() for line in self.ask("show protocols").splitlines() if " BGP " in line]
        return all("Established" in words and "feed" not in words for words in sessions)

    def ask(self, command: str) -> str:
        """What birdc would say. Raises RuntimeError for a command that fails."""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self._control))
            control.sendall(f"{command}\n".encode())
            answer = b""
            while len(_LAST_LINE.findall(answer)) < _GREETING:
                answer += control.recv(65536)
        text = answer.decode()
        if _REFUSED.search(text):
            raise RuntimeError(f"{command}: {text}")
        return text

    def _write(self, cluster: Cluster, fence: int) -> None:
        """A main file that BIRD cannot parse is not put in place."""
        files = rendered(cluster, self._node, self._place, fence)
        main = files.pop("bird.cfg")
        for name, text in files.items():
            (self._folder / name).write_text(text, encoding="utf-8")
        candidate = self._folder / ".bird.cfg"
        candidate.write_text(main, encoding="utf-8")
        if (
            subprocess.run(
                ["bird", "-p", "-c", candidate], check=False, capture_output=True, env=ENVIRONMENT
            ).returncode
            == 0
        ):
            candidate.rename(self._folder / "bird.cfg")


@dataclass(frozen=True, slots=True)
class Session:
    """How a session stands: since which second of the epoch, and how many times it was opened."""

    established: bool
    since: int
    opened: int


class Instance:
    """GoBGP as one Route Server instance, with Azure's limit of routes for a peer."""

    def __init__(self, place: Place, address: str, folder: Path) -> None:
        self._place = place
        self._folder = folder / address
        self._folder.mkdir()
        self.peer = place.address(REFLECTOR_ADDRESS)
        self._api = f"unix://{self._folder}/api"
        own = place.address(address)
        configuration = {
            "global": {
                "config": {
                    "as": ROUTE_SERVER_ASN,
                    "router-id": address,
                    "port": place.port,
                    "local-address-list": [own],
                }
            },
            "neighbors": [
                {
                    "config": {"neighbor-address": self.peer, "peer-as": CLUSTER_ASN},
                    "transport": {"config": {"passive-mode": True, "local-address": own}},
                    "ebgp-multihop": {"config": {"enabled": True, "multihop-ttl": 8}},
                    "afi-safis": [
                        {
                            "config": {"afi-safi-name": "ipv4-unicast"},
                            "prefix-limit": {"config": {"max-prefixes": AZURE_LIMIT}},
                        }
                    ],
                }
            ],
        }
        (self._folder / "gobgpd.json").write_text(json.dumps(configuration), encoding="utf-8")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Started, waiting for the reflector."""
        command = ("gobgpd", "-t", "json", "-f", f"{self._folder}/gobgpd.json", "--api-hosts", self._api)
        with _running(self._place, self._folder / "gobgpd.log", *command, "--pprof-disable", "-p"):
            until((self._folder / "api").exists, f"GoBGP answers; see {self._folder}")
            yield

    def table(self) -> dict[str, str]:
        """Next hop by prefix, fences included; empty while the session is down."""
        rows = json.loads(self.show("neighbor", self.peer, "adj-in", "-j"))
        if "error" in rows:
            return {}
        return {prefix: _next_hop(paths[0]) for prefix, paths in rows.items() if paths}

    def holds(self, prefix: str) -> bool:
        """Whether it has learned the prefix."""
        return prefix in self.table()

    def count(self) -> int:
        """How many prefixes it has learned."""
        return len(self.table())

    def session(self) -> Session:
        """The session with the reflector."""
        (neighbor,) = json.loads(self.show("neighbor", "-j"))
        uptime = neighbor["timers"]["state"].get("uptime", {})
        received = neighbor["state"]["messages"]["received"]
        established = neighbor["state"]["session_state"] == _ESTABLISHED
        return Session(established, uptime.get("seconds", 0), received.get("open", 0))

    def is_down(self) -> bool:
        """Whether the session is not established."""
        return not self.session().established

    def show(self, *words: str) -> str:
        """What the client `gobgp` prints."""
        done = subprocess.run(["gobgp", "--target", self._api, *words], check=False, capture_output=True, text=True)
        return done.stdout

    @contextmanager
    def announcing(self, *prefixes: str) -> Iterator[None]:
        """Tells the reflector these routes as its own, until the block ends."""
        for prefix in prefixes:
            self.show("global", "rib", "add", prefix)
        try:
            yield
        finally:
            for prefix in prefixes:
                self.show("global", "rib", "del", prefix)

    @contextmanager
    def listening(self) -> Iterator[Callable[[], list[tuple[str, str]]]]:
        """Everything told from now on, the same again or not, as pairs of ROUTE or DELROUTE and a prefix, fences included."""
        log, known = self._folder / "told.log", self.count()

        def told() -> list[tuple[str, str]]:
            return re.findall(r"\[((?:DEL)?ROUTE)\] (\S+) via", log.read_text(encoding="utf-8"))

        command = ("gobgp", "--target", self._api, "monitor", "adj-in", "--current")
        with _running(self._place, log, *command):
            until(lambda: len(told()) == known, "the listener has got what is known already")
            yield lambda: told()[known:]


class Network:
    """The reflector, the worker and both instances, running; `settle` makes them follow the cluster's objects."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.birds = {node: Bird(place, node, folder) for node in ADDRESSES}
        self.instances = [Instance(place, address, folder) for address in INSTANCES]
        self._fence = 0

    @contextmanager
    def running(self, cluster: Cluster) -> Iterator[None]:
        """All four, ended together."""
        with ExitStack() as stack:
            for instance in self.instances:
                stack.enter_context(instance.running())
            for bird in self.birds.values():
                stack.enter_context(bird.running(cluster))
            yield

    def keep(self, cluster: Cluster) -> None:
        """Configure both nodes; only the worker has a fence, so that it passes both."""
        self.birds[REFLECTOR].keep(cluster, 0)
        self.birds[WORKER].keep(cluster, self._fence)

    def settle(self, cluster: Cluster) -> list[dict[str, str]]:
        """Configure both nodes, wait until all of it arrived, and return what each instance has learned."""
        self.keep(cluster)
        self._fence += 1
        self.birds[WORKER].keep(cluster, self._fence)
        fence = f"192.0.2.{self._fence % 256}/32"
        for instance in self.instances:
            until(partial(instance.holds, fence), "a route sent after all others arrived")
        return self.learned()

    def learned(self) -> list[dict[str, str]]:
        """What each instance has, fences left out."""
        tables = [instance.table() for instance in self.instances]
        return [{prefix: hop for prefix, hop in table.items() if not is_fence(prefix)} for table in tables]


Start = Callable[[Cluster, AbstractContextManager[Place]], AbstractContextManager[Network]]
"""Starts a network of its own for a test, with the cluster's configuration and in the place."""


def is_fence(prefix: str) -> bool:
    """Whether the route is the tests' own."""
    return prefix.startswith(FENCES.removesuffix("0/24"))


def _next_hop(path: dict[str, Any]) -> str:
    return next(str(attribute["nexthop"]) for attribute in path["attrs"] if "nexthop" in attribute)
