"""What the audience sees: acts with narration and checks, a table at the end."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from function_app.model.report import Report
from simulator.model.packets import Packet


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that an act shows, and whether it was so."""

    act: str
    text: str
    passed: bool


@dataclass
class Programme:
    """Tells the acts and keeps their checks."""

    console: Console
    checks: list[Check] = field(default_factory=list)
    _act: str = ""
    _rows: dict[str, str] = field(default_factory=dict)

    def act(self, title: str) -> None:
        """Begin an act."""
        self._act = title
        number = len({check.act for check in self.checks}) + 1
        self.console.print(f"\n[bold]Act {number}. {escape(title)}[/bold]")
        self._rows.clear()

    def say(self, text: str) -> None:
        """A line of narration."""
        self.console.print(f"  {escape(text)}", soft_wrap=True)

    def quote(self, text: str) -> None:
        """Words of a program, indented."""
        for line in text.splitlines():
            self.console.print(f"    [dim]{escape(line)}[/dim]", soft_wrap=True)

    def check(self, text: str, *, passed: bool) -> None:
        """State what must hold here, and whether it does."""
        self.checks.append(Check(self._act, text, passed))
        sign = "[green]✓[/green]" if passed else "[red bold]✗[/red bold]"
        self.console.print(f"  {sign} {escape(text)}", soft_wrap=True)

    def stages(self, report: Report) -> None:
        """Attachments whose stage or wait changed since the last pass."""
        for one in report.plan.attachments:
            waits = f", waits for {', '.join(one.waiting_for)}" if one.waiting_for else ""
            row = f"{one.key} {one.cidr}: {one.stage}{waits}"
            if self._rows.get(str(one.key)) != row:
                self._rows[str(one.key)] = row
                self.quote(f"{report.started_at:%H:%M:%S}  {row}")

    def request(self, packet: Packet) -> None:
        """A connection as its client and the firewall saw it."""
        client = f"{packet.http_status}" if packet.http_status else str(packet.verdict)
        self.quote(f"$ kubectl exec -n {packet.namespace} {packet.pod} -- curl {packet.url}   # on {packet.cluster}")
        self.quote(f"{client} {packet.answer}".rstrip())
        source = packet.source or "no address"
        by = f" by {packet.rule.collection}" if packet.rule.collection else f": {packet.reason}"
        self.quote(f"firewall log: source {source}, {packet.verdict}{by}")

    def finish(self, figures: dict[str, str]) -> bool:
        """The table of checks and figures; True when all passed."""
        table = Table(title="What was checked", show_edge=False, pad_edge=False)
        table.add_column("act")
        table.add_column("check")
        table.add_column("", justify="right")
        before = ""
        for check in self.checks:
            sign = "[green]✓[/green]" if check.passed else "[red bold]✗[/red bold]"
            table.add_row(escape(check.act) if check.act != before else "", escape(check.text), sign)
            before = check.act
        self.console.print()
        self.console.print(table)
        self.console.print()
        for name, value in figures.items():
            self.console.print(f"  {name:<22} {value}", soft_wrap=True)
        failed = sum(not check.passed for check in self.checks)
        words = (
            f"all {len(self.checks)} checks passed" if not failed else f"{failed} of {len(self.checks)} checks FAILED"
        )
        self.console.print(f"\n[bold]{words}[/bold]")
        return not failed
