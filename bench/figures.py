"""The figures: what is measured, with its goal, one function a question.

Times are medians of several runs. Calls are counted by the simulator, never by us. Nothing here
fails when a goal is missed: the table says so.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import orjson
import yaml

from bench.estate import Estate, tenant_file
from bench.ground import Ground, bare, settled
from bench.reconciler import PassFigures, Reconciler, flux, reconciler, settings_for
from bench.serving import READING, Served, black_hole, closed_port, served, timed, writes
from simulator.model.faults import Action, Fault

LATENCIES = (0.0, 0.02)
SPEED = 1.0
"""Virtual seconds in a real one while a world is served."""
UNHURRIED = {"EGRESS_LATE_TARGET_GRACE_SECONDS": 60}
"""Where nobody is struck, nobody is late either: a busy machine must not make passes plan twice."""
Calls = Counter[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    figure: str
    goal: str
    found: str
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Bench:
    """What every measurement needs. `runs` is how often each is repeated."""

    ground: Ground
    folder: Path
    runs: int

    @property
    def estate(self) -> Estate:
        """The measured hub."""
        return self.ground.estates[0]

    @contextmanager
    def at(self, latency_seconds: float) -> Iterator[Served]:
        """The settled world, served afresh."""
        with served(self.ground.world, self.folder / "served", latency_seconds=latency_seconds, speed=SPEED) as world:
            yield world

    @contextmanager
    def started(self, world: Served, **settings: object) -> Iterator[Reconciler]:
        """A fresh reconciler with the settled state and a clone at hand."""
        state = self.ground.copy_of_state(self.folder / "measured-state")
        environment = settings_for(world.environment, self.ground.repository, state, **settings)
        with reconciler([self.estate.hub], environment) as process:
            yield process


def sizes(ground: Ground) -> list[Row]:
    """How many bytes the objects have, to be held against those of a real API server."""
    rows: list[Row] = []
    cluster = next(iter(ground.world.clusters.values()))
    for kind in ("EgressGateway", "Deployment", "Pod", "Namespace", "IPPool"):
        found = [len(_json(one)) for one in cluster.api.objects(kind)]
        rows.append(Row(f"{kind}, bytes of JSON", "", f"{round(sum(found) / len(found)):,} mean of {len(found)}"))
    return rows


def unchanged(bench: Bench) -> list[Row]:
    """Passes that find nothing to do: in fresh processes, and again in the same process."""
    rows: list[Row] = []
    for latency in LATENCIES:
        cold: list[PassFigures] = []
        warm: list[PassFigures] = []
        with bench.at(latency) as world:
            for _ in range(bench.runs):
                with bench.started(world, **UNHURRIED) as process:
                    cold.append(process.one())
                    world.calls()
                    warm.append(process.one())
                    calls = world.calls()
        rows += _unchanged_rows(bench.estate, f"{latency * 1000:.0f} ms", cold, warm, calls)
    return rows


def _unchanged_rows(
    estate: Estate, latency: str, cold: Sequence[PassFigures], warm: Sequence[PassFigures], calls: Calls
) -> list[Row]:
    warm_cpu = median(one.cpu_seconds + one.git_cpu_seconds for one in warm)
    cold_cpu, peak = median(one.process_cpu_seconds for one in cold), max(one.peak_mib for one in cold)
    lists = Counter(verb for target, verb, _ in calls.elements() if target.startswith("cluster/"))
    per_cluster = (
        f"{lists['list'] / estate.clusters:g} LISTs (pages counted), {lists['get'] / estate.clusters:g} GET a cluster"
    )
    return [
        Row(f"warm no-op pass, CPU, {latency}", "<= 0.5 s", f"{warm_cpu:.2f} s", warm_cpu <= 0.5),
        Row(f"warm no-op pass, wall, {latency}", "", f"{median(one.seconds for one in warm):.1f} s"),
        Row(f"warm no-op pass, writes, {latency}", "0", str(writes(calls)), writes(calls) == 0),
        Row(f"warm no-op pass, calls, {latency}", "none per object", f"{sum(calls.values())}: {per_cluster}"),
        Row(f"cold no-op pass, CPU with imports and git, {latency}", "<= 3 s", f"{cold_cpu:.2f} s", cold_cpu <= 3),
        Row(f"cold no-op pass, wall, {latency}", "", f"{median(one.seconds for one in cold):.1f} s"),
        Row(f"cold no-op pass, peak resident, {latency}", "<= 200 MiB", f"{peak:.0f} MiB", peak <= 200),
    ]


def changed(bench: Bench) -> list[Row]:
    """One tenant's commit until the first write, and how many writes commits cause."""
    estate, rows = bench.estate, list[Row]()
    bench.ground.commit("one", {tenant_file(3): estate.tenant(3, replicas=3)})
    shard = range(min(25, estate.tenants))
    bench.ground.commit("shard", {tenant_file(one): estate.tenant(one, site="new.example.com") for one in shard})
    bench.ground.commit("many", {tenant_file(one): estate.tenant(one, replicas=3) for one in shard})
    for latency in LATENCIES:
        first: list[float] = []
        for _ in range(bench.runs):
            with bench.at(latency) as world, bench.started(world, **UNHURRIED) as process:
                process.one()
                world.calls()
                found = process.one("one")
                first.append(found.first_write_seconds or found.seconds)
                one = world.calls()
        words = f"{median(first):.2f} s (least {min(first):.2f} s), the listings of the pass included"
        rows.append(
            Row(
                f"one changed tenant: commit to first write, {latency * 1000:.0f} ms",
                "<= 1 s",
                words,
                median(first) <= 1,
            )
        )
    rows.append(Row("writes for one tenant's changed gateway", "1", str(writes(one)), writes(one) == 1))
    for branch, kind, goal in (("shard", "RuleCollectionGroup", 1), ("many", "EgressGateway", len(shard))):
        with bench.at(0.0) as world, bench.started(world, **UNHURRIED) as process:
            process.one()
            world.calls()
            process.one(branch)
            found_calls = world.calls()
        count = sum(number for (_, verb, what), number in found_calls.items() if what == kind and verb not in READING)
        words = f"{count} of {kind}, {writes(found_calls)} in all"
        rows.append(
            Row(
                f"writes for {len(shard)} tenants of one shard, {branch}", f"{goal}", words, writes(found_calls) == goal
            )
        )
    return rows


def install(bench: Bench) -> list[Row]:
    """The first pass over an empty estate on the wire, and what convergence took in virtual time."""
    estate, settling = bench.estate, bench.ground.settling[0]
    shutil.rmtree(bench.folder / "install", ignore_errors=True)
    ground = bare([estate], bench.folder / "install")
    with served(ground.world, bench.folder / "served", speed=SPEED) as world:
        environment = settings_for(world.environment, ground.repository, ground.state, **UNHURRIED)
        with reconciler([estate.hub], environment) as process:
            found, seconds = timed(process.one)
            calls = world.calls()
    applied = sum(count for (_, verb, _), count in calls.items() if verb in ("apply", "patch"))
    puts = sum(
        count for (_, verb, kind), count in settling.calls.items() if verb == "put" and kind == "RuleCollectionGroup"
    )
    all_writes = {key: count for key, count in settling.calls.items() if not key[0].startswith("firewall/")}
    look = 20.0
    most = estate.shards * (estate.operation_seconds + look)
    return [
        Row(
            "first pass, objects applied",
            "",
            f"{applied} in {seconds:.0f} s = {applied / seconds:.0f}/s, {found.cpu_seconds:.0f} s CPU",
        ),
        Row("first pass, calls for each object applied", "", f"{sum(calls.values()) / applied:.2f}"),
        Row("whole install, writes on clusters for each attachment", "", f"{writes(all_writes) / estate.tenants:.2f}"),
        Row("whole install, PUTs of shards", f"{estate.shards}", str(puts), puts == estate.shards),
        Row(
            "whole install, virtual time",
            f"<= {most:,.0f} s",
            f"{settling.virtual_seconds:,.0f} s in {settling.passes} passes",
            settling.virtual_seconds <= most,
        ),
    ]


def struck(bench: Bench) -> list[Row]:
    """How long the other clusters' attachments take while one cluster is dead, black-holed or slow."""
    estate = bench.estate
    step = max(1, estate.tenants // 40)
    edited = [tenant for tenant in estate.tenant_numbers[::step] if estate.cluster_of(tenant) > 0]
    bench.ground.commit("others", {tenant_file(one): estate.tenant(one, replicas=3) for one in edited})
    others = estate.cluster_names[1:]
    found: dict[str, float] = {}
    for how in ("clean", "dead", "black-holed", "30 s slow"):
        found[how] = _struck_once(bench, how, others)
    most = found["clean"] * 1.05 + 2
    rows = [Row("others converged, all clusters well, 20 ms", "", f"{found.pop('clean'):.1f} s")]
    rows += [
        Row(f"others converged, one cluster {how}", f"<= {most:.1f} s", f"{seconds:.1f} s", seconds <= most)
        for how, seconds in found.items()
    ]
    return rows


def _struck_once(bench: Bench, how: str, others: Sequence[str]) -> float:
    """Seconds from a commit until a report says that the others have nothing left to do.

    Where a cluster is reached is read once in a process, so that a dead one was dead already in the pass before the commit;
    a slow one becomes slow with it.
    """
    victim = bench.estate.cluster_names[0]
    with ExitStack() as closing:
        world = closing.enter_context(bench.at(0.02))
        if how in ("dead", "black-holed"):
            address = closed_port() if how == "dead" else closing.enter_context(black_hole())
            _redirect(Path(world.environment["EGRESS_KUBECONFIG"]), victim, address)
        process = closing.enter_context(bench.started(world))
        process.one()
        if how == "30 s slow":
            world.strike(Fault(action=Action.SLOW, target=f"cluster/{victim}", seconds=30.0, real=True, count=0))
        found = process.one("others", until=others)
    return max(found.settled_seconds[name] for name in others)


def _redirect(kubeconfig: Path, cluster: str, address: str) -> None:
    config = yaml.safe_load(kubeconfig.read_text())
    for entry in config["clusters"]:
        if entry["name"] == cluster:
            entry["cluster"]["server"] = f"https://{address}/kubernetes/{cluster}"
    kubeconfig.write_text(yaml.safe_dump(config))


def growth(whole: Bench, tenants: Sequence[int]) -> list[Row]:
    """CPU and memory of an unchanged pass over hubs of several sizes up to the whole, with the straight line through them."""
    points: list[tuple[int, float, float, float]] = []
    for count in (*tenants, whole.estate.tenants):
        bench = whole if count == whole.estate.tenants else _smaller(whole, count)
        cold: list[PassFigures] = []
        warm: list[PassFigures] = []
        with bench.at(0.0) as world:
            for _ in range(bench.runs):
                with bench.started(world, **UNHURRIED) as process:
                    cold.append(process.one())
                    warm.append(process.one())
        points.append(
            (
                count,
                median(one.cpu_seconds for one in warm),
                median(one.process_cpu_seconds for one in cold),
                median(one.peak_mib for one in cold),
            )
        )
    rows = [
        Row(f"{count} attachments", "", f"warm {warm_cpu:.2f} s, cold {cold_cpu:.2f} s CPU, peak {peak:.0f} MiB")
        for count, warm_cpu, cold_cpu, peak in points
    ]
    for place, name, unit in ((1, "warm CPU", "s"), (2, "cold CPU", "s"), (3, "peak", "MiB")):
        slope, start, fit = _line([(point[0], point[place]) for point in points])
        words = f"{start:.2f} + {slope * 100:.3f} {unit} per 100 attachments, r² {fit:.3f}"
        rows.append(Row(f"growth, {name}", "linear", words, fit >= 0.95))
    return rows


def _smaller(whole: Bench, tenants: int) -> Bench:
    folder = whole.folder / f"growth-{tenants}"
    shutil.rmtree(folder, ignore_errors=True)
    return Bench(settled([Estate(tenants=tenants)], folder), whole.folder, whole.runs)


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Slope, start and r² of the least squares through points."""
    count = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    start = mean_y - slope * mean_x
    total = sum((y - mean_y) ** 2 for _, y in points)
    left = sum((y - start - slope * x) ** 2 for x, y in points)
    return slope, start, 1 - left / total if total else 1.0


def hubs(folder: Path, count: int, tenants: int) -> list[Row]:
    """One process, one hub after the other, three times round: resident memory after each."""
    estates = [
        Estate(tenants=tenants, clusters=1, hub=f"hub{number:02d}", first_tenant=number * tenants, first_cluster=number)
        for number in range(count)
    ]
    shutil.rmtree(folder / "hubs", ignore_errors=True)
    ground = settled(estates, folder / "hubs")
    with served(ground.world, folder / "served", speed=SPEED) as world:
        environment = settings_for(world.environment, ground.repository, ground.state, **UNHURRIED)
        with reconciler([estate.hub for estate in estates], environment) as process:
            first, second, third = process.run(), process.run(), process.run()
    resident = [one.resident_mib for one in first]
    rise = third[-1].resident_mib - resident[-1]
    words = (
        f"{resident[0]:.0f} MiB after the first, {resident[-1]:.0f} after the last, "
        f"{second[-1].resident_mib:.0f} after a second round, {third[-1].resident_mib:.0f} after a third"
    )
    cpu = sum(one.cpu_seconds for one in third) / count
    return [
        Row(f"{count} hubs of {tenants} attachments, one after the other, resident", "flat", words, rise <= 10),
        Row(f"{count} hubs, warm CPU for each", "", f"{cpu:.2f} s"),
    ]


def beside_flux(bench: Bench) -> list[Row]:
    """The unchanged estate, reconciled by us and by Flux's call pattern, on one wire in one run."""
    rows: list[Row] = []
    for latency in LATENCIES:
        ours: list[PassFigures] = []
        with bench.at(latency) as world:
            state = bench.ground.copy_of_state(bench.folder / "measured-state")
            environment = settings_for(world.environment, bench.ground.repository, state, **UNHURRIED)
            with reconciler([bench.estate.hub], environment) as process:
                process.one()
                for _ in range(bench.runs):
                    world.calls()
                    ours.append(process.one())
                our_calls = sum(world.calls().values())
            with flux(bench.estate.hub, environment) as run:
                world.calls()
                theirs = run()
                their_calls = sum(world.calls().values())
        seconds, cpu = median(one.seconds for one in ours), median(one.cpu_seconds for one in ours)
        rows += _compared(
            f"{latency * 1000:.0f} ms",
            (our_calls, seconds, cpu),
            (their_calls, theirs.seconds, theirs.cpu_seconds),
            theirs.objects,
        )
    return rows


def _compared(
    latency: str, ours: tuple[int, float, float], theirs: tuple[int, float, float], objects: int
) -> list[Row]:
    names = (("calls", ""), ("seconds", " s"), ("client CPU", " s"))
    return [
        Row(
            f"unchanged, {objects} objects: {name}, {latency}",
            "",
            f"{mine:,.{0 if not unit else 2}f}{unit} against {other:,.{0 if not unit else 1}f}{unit}, ratio {other / mine:.0f}",
        )
        for (name, unit), mine, other in zip(names, ours, theirs, strict=True)
    ]


def _json(body: Mapping[str, object]) -> bytes:
    return orjson.dumps(body)
