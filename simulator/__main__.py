"""`python -m simulator`: one world over HTTPS until Ctrl-C, with the settings to copy."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from threading import Event, Thread

from simulator.model.world import ImpossibleWorld, UnreadableWorld, World
from simulator.wire.server import SimulatorServer

PACKAGED_WORLD = Path(__file__).parent / "worlds" / "walkthrough.yaml"
TICK_SECONDS = 0.1
"""Real seconds between two moves of the virtual clock."""


def main(arguments: list[str] | None = None) -> int:
    """Run until interrupted; 1 when the world cannot be read or cannot exist, or the port is taken."""
    asked = _parser().parse_args(arguments)
    try:
        world = World.from_file(asked.world)
        server = SimulatorServer(
            world, port=asked.port, folder=asked.settings_dir, latency_seconds=asked.latency_milliseconds / 1000
        )
    except (ImpossibleWorld, UnreadableWorld) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        where = error.filename or f"127.0.0.1:{asked.port}"
        print(f"{where}: {error.strerror}; choose another --port or --settings-dir", file=sys.stderr)
        return 1
    stopping = Event()
    with server:
        ticker = Thread(target=tick, args=(world, asked.speed, stopping), daemon=True)
        ticker.start()
        print(greeting(server, asked.speed), flush=True)
        try:
            stopping.wait()
        except KeyboardInterrupt:
            stopping.set()
        ticker.join()
    return 0


def tick(world: World, speed: float, stopping: Event) -> None:
    """Advance `speed` virtual seconds per real second until told to stop; speed 0 leaves time to POST advance."""
    while speed and not stopping.wait(TICK_SECONDS):
        with world.lock:
            world.advance(speed * TICK_SECONDS)


def greeting(server: SimulatorServer, speed: float) -> str:
    """Settings as `export` lines and what to try first."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in server.settings().items()]
    cluster, document = next(iter(server.world.document.clusters.items()))
    namespace = next(iter(document.workloads), "default")
    site = next(iter(server.world.document.sites), "example.com")
    pace = f"{speed:g} virtual seconds pass per real second" if speed else "time stands still until POST advance"
    packet = json.dumps({"cluster": cluster, "namespace": namespace, "url": f"https://{site}"})
    curl = f"curl --cacert {shlex.quote(str(server.ca_file))}"
    return "\n".join(
        [
            f"A simulated world at {server.url}; {pace}; Ctrl-C ends it.",
            "",
            "Settings for another terminal:",
            *exports,
            "",
            "To try:",
            f'kubectl --kubeconfig "$EGRESS_KUBECONFIG" --context {cluster} get ippools',
            f"{curl} {server.url}/_control/state",
            f"{curl} {server.url}/_control/advance -d '{{\"seconds\": 60}}'",
            f"{curl} {server.url}/_control/packet -d '{packet}'",
        ]
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulator", description="A simulated world over HTTPS.")
    parser.add_argument("--world", type=Path, default=PACKAGED_WORLD, help="world file (default: the walkthrough)")
    parser.add_argument("--port", type=_port, default=0, help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--speed", type=_speed, default=30.0, help="virtual seconds per real second (default 30)")
    parser.add_argument(
        "--latency-milliseconds",
        type=_latency,
        default=0.0,
        help="real milliseconds by which every answer is late (default 0)",
    )
    parser.add_argument(
        "--settings-dir",
        type=Path,
        default=None,
        help="where CA, token and kubeconfig go (default: a temporary folder)",
    )
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; give a number from 0 to 65535")
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0 <= speed <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no speed; give a number from 0 to 100000")
    return speed


def _latency(text: str) -> float:
    try:
        latency = float(text)
    except ValueError:
        latency = -1.0
    if not 0 <= latency <= 60_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no latency; give milliseconds from 0 to 60000")
    return latency


if __name__ == "__main__":
    sys.exit(main())
