"""The program: its commands, and how whatever goes wrong becomes one clear line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from io import TextIOWrapper
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_command

from function_app.cli.attributing import attribute
from function_app.cli.attribution import whois
from function_app.cli.checking import schema, settings, validate
from function_app.cli.decisions import block, forget, resume, suspend, unblock
from function_app.cli.importing import import_found
from function_app.cli.passes import plan, reconcile
from function_app.cli.printing import ExitCode, fail, stderr
from function_app.cli.reachability import audit_rules, reach
from function_app.cli.reporting import report
from function_app.cli.status import status
from function_app.cli.tenant import tenant
from function_app.model.errors import EgressError

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


app = typer.Typer(cls=Program, name="egressctl", add_completion=False, pretty_exceptions_enable=False)


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


_COMMANDS: Mapping[str, Callable[..., int]] = {
    "validate": validate,
    "plan": plan,
    "reconcile": reconcile,
    "status": status,
    "whois": whois,
    "attribute": attribute,
    "reach": reach,
    "audit": audit_rules,
    "report": report,
    "import": import_found,
    "block": block,
    "unblock": unblock,
    "suspend": suspend,
    "resume": resume,
    "forget": forget,
    "schema": schema,
    "settings": settings,
}
for _name, _function in _COMMANDS.items():
    app.command(_name)(_function)
app.add_typer(tenant, name="tenant")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The entry point of `egressctl`."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a character shows another one instead of ending the command.
        if isinstance(stream, TextIOWrapper):
            with suppress(ValueError):
                stream.reconfigure(errors="replace")
    get_command(app).main(args=arguments)
    raise SystemExit(ExitCode.REFUSED)
