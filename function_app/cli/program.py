"""The program: its commands, and how whatever goes wrong becomes one clear line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, Any, NamedTuple, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from function_app.cli.printing import ExitCode, fail, stderr
from function_app.model.errors import EgressError


class _Command(NamedTuple):
    """Where a command stands, and the first words of its help, for which nothing is imported."""

    module: str
    name: str
    summary: str


_COMMANDS: Mapping[str, _Command] = {
    "validate": _Command(
        "checking", "validate", "Check a folder of definitions; every problem with its place and what to write instead."
    ),
    "plan": _Command(
        "passes",
        "plan",
        "Show what a pass would do, or with --head what merging a branch would bring about; nothing is written.",
    ),
    "reconcile": _Command(
        "passes", "reconcile", "Make one pass: carry out what is ready, start what is slow, say what is waited for."
    ),
    "status": _Command(
        "status",
        "status",
        "Show the newest pass of each hub: stages, waits, what is refused, blocks, suspensions, and what leaves as nodes.",
    ),
    "whois": _Command(
        "attribution",
        "whois",
        "Say who stood behind a source address at a time: tenant, namespaces, gateway, commit, review and rules.",
    ),
    "attribute": _Command(
        "attributing", "attribute", "Say who was behind each line of Azure Firewall's log, and what it adds up to."
    ),
    "reach": _Command(
        "reachability", "reach", "Say whether a tenant may reach a destination, which rule decides, and who else may."
    ),
    "audit": _Command(
        "reachability",
        "audit_rules",
        "Find rules that never decide, allow more than they seem to, run out, or let tenants out whose files do not name them.",
    ),
    "report": _Command("reporting", "report", "Write the status page of all hubs to a file, from what is stored."),
    "import": _Command(
        "importing",
        "import_found",
        "Write definitions for hand-made gateways and rules; merging them takes these over as they are.",
    ),
    "block": _Command(
        "decisions",
        "block",
        "Deny all egress of a tenant, in front of all rules, until the time is over or it is taken back.",
    ),
    "unblock": _Command("decisions", "unblock", "Take a block back."),
    "suspend": _Command(
        "decisions",
        "suspend",
        "Write nothing for a tenant, a cluster or a hub but what denies, until the time is over or it is resumed.",
    ),
    "resume": _Command("decisions", "resume", "End a suspension: what Git has is taken up again."),
    "forget": _Command(
        "decisions",
        "forget",
        "Give up a cluster that is gone for good, so that its ranges can be freed; or accept one that was rebuilt.",
    ),
    "schema": _Command("checking", "schema", "Show or write the JSON Schemas by which editors complete and check."),
    "settings": _Command(
        "checking",
        "settings",
        "Show every setting: its value, its default, its unit and what it is for; and what is missing or wrong.",
    ),
    "tenant": _Command("tenant", "tenant", "Write a tenant's file, or change one, and say what merging it will do."),
}

_DEBUG = "--debug"
_INTERRUPTED = 130


class Program(TyperGroup):
    """Ends every command with an exit code of ours: no traceback, bad usage is 1."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002 - part of the inherited signature
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run and exit."""
        given = list(sys.argv[1:] if args is None else args)
        debug = _DEBUG in given
        # Taken out here so that it may stand behind a command as well as before it.
        rest = [one for one in given if one != _DEBUG]
        try:
            code = super().main(rest, prog_name or "egressctl", complete_var, False, windows_expand_args, **extra)
        except typer.TyperException as problem:
            code = fail(f"{problem.format_message()} `egressctl {_command(rest)}--help` shows the usage.")
        except typer.Abort:
            code = fail("stopped.")
        except EgressError as problem:
            code = _failed(str(problem), debug=debug)
        except Exception as problem:  # noqa: BLE001 - the last line of defence: a person gets a sentence
            words = f"unexpected {type(problem).__name__}: {problem}"
            code = _failed(words if debug else f"{words}. With --debug the place is shown.", debug=debug)
        if code == _INTERRUPTED:
            fail("interrupted. What was started goes on; the next pass observes how it went.")
        sys.exit(int(code or 0))


def _failed(message: str, *, debug: bool) -> ExitCode:
    if debug:
        stderr().print_exception()
    return fail(message)


def _command(arguments: Sequence[str]) -> str:
    """The command that was meant, with a space behind it."""
    return f"{arguments[0]} " if arguments and arguments[0] in _COMMANDS else ""


class Commands(Program):
    """Ours by name, each imported when it is asked for: the overview and the shortest command wait for no other."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, command in _COMMANDS.items():
            self.add_command(TyperCommand(name, help=command.summary))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself in place of its summary."""
        if args and args[0] in _COMMANDS:
            self.add_command(_imported(args[0]))
        return super().resolve_command(ctx, args)


def _imported(name: str) -> Any:
    command = _COMMANDS[name]
    found = getattr(import_module(f"function_app.cli.{command.module}"), command.name)
    if isinstance(found, typer.Typer):
        whole = get_command(found)
        whole.name = name
        return whole
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name)(found)
    return get_command(alone)


app = typer.Typer(cls=Commands, name="egressctl", add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def program(
    context: typer.Context,
    debug: Annotated[bool, typer.Option(_DEBUG, help="Show where an error comes from.")] = False,  # noqa: ARG001 - `Program` acts on it
) -> None:
    """Tenants' egress identities from Git: cluster gateways, routes and firewall rules.

    Exit codes: 0 done or nothing to do, 1 refused or failed, 2 changes pending or not yet converged.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The entry point of `egressctl`."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a character shows another one instead of ending the command.
        if isinstance(stream, TextIOWrapper):
            with suppress(ValueError):
                stream.reconfigure(errors="replace")
    get_command(app).main(args=arguments)
    raise SystemExit(ExitCode.REFUSED)
