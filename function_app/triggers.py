"""The service's doors: parse, one call, answer. The only file that knows azure.functions.

Whoever comes by HTTP is a stranger to all but webhook and health, unless the host asked for a key or App Service authentication
says who it is; which of the two, the settings say. Indexing never fails for a setting: health tells, and the log says which.
Functions are plain ones, run in threads: they wait for storage and targets.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import cache
from threading import Lock, Thread

import azure.functions as func
import structlog

from function_app.bootstrap import Assembly, assemble
from function_app.logs import configure_logs
from function_app.memory import sweep_garbage
from function_app.model.errors import EgressError, SettingsError
from function_app.service import decisions, intake, questions
from function_app.service.callers import Caller, Right
from function_app.service.passes import Ran, run_hub
from function_app.service.requests import Answer, BadRequest, json_body, refusal
from function_app.settings import Callers, Settings

QUEUE = "egress-passes"
QUEUE_CONNECTION = "EgressStorage"
"""The host's name for the account of EGRESS_STORAGE_ACCOUNT: `EgressStorage__queueServiceUri`, or a connection string for an
emulator."""
_OTHERWISE_MINUTES = 10
_NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_PRIVATE = {"Referrer-Policy": "no-referrer"}
"""A key may stand in the page's address."""

_turn = Lock()


@cache
def _settings() -> Settings | SettingsError:
    """The settings, or what is wrong with them, which is logged once."""
    try:
        found = Settings.from_environment(os.environ)
    except SettingsError as problem:
        configure_logs()
        structlog.get_logger().critical("settings.wrong", problem=str(problem))
        return problem
    configure_logs(found.service.log_level)
    return found


@cache
def _assembled(settings: Settings) -> Assembly:
    parts = assemble(settings)
    if settings.storage.account:
        parts.intents.read  # noqa: B018 - what threads share is built once, before they meet
        parts.passes.send  # noqa: B018 - as above
    return parts


def _parts() -> Assembly:
    """The process's parts; raises SettingsError."""
    settings = _settings()
    if isinstance(settings, SettingsError):
        raise settings
    with _turn:
        parts = _assembled(settings)
        _measuring()  # whose thread asks for the same parts
        return parts


@cache
def _measuring() -> Thread:
    """What sets telemetry up where there is a place for it, begun by the first trigger that works, not while the app is indexed.

    A pass waits for it, so that its trace is whole; who sends a webhook does not.
    """

    def configure() -> None:
        settings = _settings()
        if isinstance(settings, Settings) and settings.service.telemetry:
            from function_app.telemetry import LOGGER, configure_telemetry  # noqa: PLC0415 - costs half a second

            try:
                configure_telemetry(settings.service.telemetry, _assembled(settings).telemetry_credential)
            except Exception:  # noqa: BLE001 - what is measured is no reason not to work
                structlog.get_logger().exception("telemetry.failed")
                return
            configure_logs(settings.service.log_level, outlet=LOGGER)

    thread = Thread(target=configure, name="telemetry", daemon=True)
    thread.start()
    return thread


def _schedule() -> str:
    """The timer's schedule in six fields, seconds first (learn.microsoft.com, NCRONTAB expressions)."""
    settings = _settings()
    minutes = settings.service.drift_minutes if isinstance(settings, Settings) else _OTHERWISE_MINUTES
    return "0 0 * * * *" if minutes == 60 else f"0 */{minutes} * * * *"


def _level() -> func.AuthLevel:
    """Whether the host asks for a key; when the settings cannot be read it does."""
    settings = _settings()
    entra = isinstance(settings, Settings) and settings.service.callers is Callers.ENTRA
    return func.AuthLevel.ANONYMOUS if entra else func.AuthLevel.FUNCTION


REQUEST = "request"
"""The parameter of functions that answer HTTP."""

app = func.FunctionApp(http_auth_level=_level())


@app.route(
    trigger_arg_name=REQUEST, route="api/webhook/{provider}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
def webhook(request: func.HttpRequest) -> func.HttpResponse:
    """A Git host says that something was pushed."""
    provider = request.route_params.get("provider", "")
    return _answered(lambda parts: intake.webhook(provider, _headers(request), request.get_body(), parts.gate, parts))


@app.route(trigger_arg_name=REQUEST, route="api/resync", methods=["POST"])
def resync(request: func.HttpRequest) -> func.HttpResponse:
    """Ask for passes now, or waive a refusal."""
    return _told(request, decisions.RESYNC_KEYS, decisions.resync)


@app.route(trigger_arg_name=REQUEST, route="api/block", methods=["POST"])
def block(request: func.HttpRequest) -> func.HttpResponse:
    """Deny all egress of a tenant."""
    return _told(request, decisions.BLOCK_KEYS, decisions.block)


@app.route(trigger_arg_name=REQUEST, route="api/unblock", methods=["POST"])
def unblock(request: func.HttpRequest) -> func.HttpResponse:
    """Take a block back."""
    return _told(request, decisions.UNBLOCK_KEYS, decisions.unblock)


@app.route(trigger_arg_name=REQUEST, route="api/suspend", methods=["POST"])
def suspend(request: func.HttpRequest) -> func.HttpResponse:
    """Write nothing for a tenant, a cluster or a hub but what denies."""
    return _told(request, decisions.SUSPEND_KEYS, decisions.suspend)


@app.route(trigger_arg_name=REQUEST, route="api/resume", methods=["POST"])
def resume(request: func.HttpRequest) -> func.HttpResponse:
    """End a suspension."""
    return _told(request, decisions.RESUME_KEYS, decisions.resume)


@app.route(trigger_arg_name=REQUEST, route="api/status", methods=["GET"])
def status(request: func.HttpRequest) -> func.HttpResponse:
    """How hubs stand."""
    return _asked(request, questions.status)


@app.route(trigger_arg_name=REQUEST, route="api/plan", methods=["GET"])
def plan(request: func.HttpRequest) -> func.HttpResponse:
    """What a pass would do now."""
    return _asked(request, questions.plan)


@app.route(trigger_arg_name=REQUEST, route="api/whois", methods=["GET"])
def whois(request: func.HttpRequest) -> func.HttpResponse:
    """Who stood behind an address."""
    return _asked(request, questions.whois)


@app.route(trigger_arg_name=REQUEST, route="{root:maxlength(0)?}", methods=["GET"])
def page(request: func.HttpRequest) -> func.HttpResponse:
    """How all hubs stand, for people. The host knows no other way to write the empty route."""

    def answer(parts: Assembly) -> func.HttpResponse:
        _entitled(request, Right.READ, parts)
        made = questions.page(_query(request), parts)
        headers = {**_NO_STORE, **_PRIVATE, "Content-Security-Policy": f"{made.policy}; frame-ancestors 'none'"}
        return func.HttpResponse(made.html, mimetype="text/html", charset="utf-8", headers=headers)

    return _responded(answer)


@app.route(trigger_arg_name=REQUEST, route="api/health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(request: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the trigger needs a parameter
    """Whether this instance can work at all."""
    return _answered(lambda _: questions.health())


@app.timer_trigger(arg_name="timer", schedule=_schedule(), run_on_startup=False, use_monitor=True)
def drift(timer: func.TimerRequest) -> None:  # noqa: ARG001 - late or not, the same is done
    """Every hub is looked at, and what was set aside is taken up."""
    structlog.contextvars.clear_contextvars()
    parts = _parts()
    _measuring().join()
    intake.drift(parts, parts.settings.service.drift_minutes * 60.0)


@app.queue_trigger(arg_name="message", queue_name=QUEUE, connection=QUEUE_CONNECTION)
def passes(message: func.QueueMessage) -> None:
    """One pass over one hub, if it is wanted."""
    structlog.contextvars.clear_contextvars()
    parts = _parts()
    _measuring().join()
    hub = parts.hub_in(message.get_body())
    if hub is None:
        intake.first_look(parts)
    elif run_hub(hub, parts) is Ran.PASSED:
        sweep_garbage()


def _told(
    request: func.HttpRequest,
    keys: frozenset[str],
    call: Callable[[Mapping[str, object], Caller, Assembly], Answer],
) -> func.HttpResponse:
    """An operator's request with a JSON body."""

    def answer(parts: Assembly) -> Answer:
        caller = _entitled(request, Right.OPERATE, parts)
        return call(json_body(request.get_body(), keys), caller, parts)

    return _answered(answer)


def _asked(request: func.HttpRequest, call: Callable[[Mapping[str, object], Assembly], Answer]) -> func.HttpResponse:
    """A reader's question; a key for the host that stands in the query is no part of it."""

    def answer(parts: Assembly) -> Answer:
        _entitled(request, Right.READ, parts)
        return call(_query(request), parts)

    return _answered(answer)


def _query(request: func.HttpRequest) -> dict[str, str]:
    """The query without the host's key."""
    return {key: value for key, value in request.params.items() if key != "code"}


def _entitled(request: func.HttpRequest, right: Right, parts: Assembly) -> Caller:
    """Who calls; raises BadRequest with 401 or 403."""
    caller = parts.entitlement.caller(_headers(request))
    if caller is not None and right in caller.rights:
        return caller
    by = caller.name if caller is not None else ""
    structlog.get_logger().warning("caller.refused", by=by, right=right.value)
    if caller is None:
        raise BadRequest("Sign in first: a token of Entra for this service is needed.", 401)
    raise BadRequest(f"You may not do that: it needs the app role that lets one {right.value}.", 403)


def _answered(call: Callable[[Assembly], Answer]) -> func.HttpResponse:
    """The answer of a call as JSON."""
    return _responded(lambda parts: _json(call(parts)))


def _responded(call: Callable[[Assembly], func.HttpResponse]) -> func.HttpResponse:
    """The response of a call; what goes wrong is told as far as the caller may know."""
    structlog.contextvars.clear_contextvars()
    try:
        return call(_parts())
    except BadRequest as problem:
        return _json(refusal(problem.status, str(problem)))
    except SettingsError:
        return _json(refusal(503, "The service is not set up; its log says which settings are missing or wrong."))
    except EgressError as problem:
        structlog.get_logger().warning("request.failed", problem=str(problem))
        return _json(refusal(503, str(problem)))
    except Exception:  # noqa: BLE001 - the last line of defence: the caller gets a sentence, the log the rest
        structlog.get_logger().exception("request.failed")
        return _json(refusal(500, "Something unexpected happened; the log says what."))


def _json(answer: Answer) -> func.HttpResponse:
    return func.HttpResponse(
        json.dumps(answer.body), status_code=answer.status, mimetype="application/json", headers=_NO_STORE
    )


def _headers(request: func.HttpRequest) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}
