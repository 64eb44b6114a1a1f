"""All settings together: read from the environment, every mistake told at once, and shown without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from itertools import chain
from typing import Any, Self, get_args, get_type_hints

from function_app.model.errors import SettingsError
from function_app.settings import git_access, storage, targets, telling
from function_app.settings.forms import PREFIX, Form
from function_app.settings.git_access import GitAccessSettings
from function_app.settings.service import ServiceSettings
from function_app.settings.source import SourceSettings, WebhookSettings
from function_app.settings.storage import StorageSettings
from function_app.settings.targets import AzureSettings, CallSettings, ClusterSettings
from function_app.settings.telling import TellingSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that differs between one installation and another, by subject. An empty variable counts as not set."""

    source: SourceSettings
    git: GitAccessSettings
    webhooks: WebhookSettings
    storage: StorageSettings
    clusters: ClusterSettings
    azure: AzureSettings
    calls: CallSettings
    service: ServiceSettings
    telling: TellingSettings

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """The settings in these variables; raises SettingsError that lists everything missing or wrong."""
        values, problems = _read(environ)
        if problems:
            raise SettingsError("\n".join(problems))
        subjects = {
            subject: kind(**{name: values[form.variable] for name, form in _forms(kind).items()})
            for subject, kind in _SUBJECTS.items()
        }
        return cls(**subjects)


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One line of `egressctl settings`. `value` shows no secret, and is empty when the setting is not set.

    `required` means that nothing works without it; `secret` that its value is never shown; `unit` is of value and default.
    """

    name: str
    value: str
    default: str
    unit: str
    required: bool
    secret: bool
    meaning: str


def describe(environ: Mapping[str, str]) -> tuple[tuple[SettingRow, ...], tuple[str, ...]]:
    """A row for each setting in the order of CATALOGUE, without secrets, and everything that is missing or wrong.

    What is wrong is shown as not set: nobody knows what it holds.
    """
    values, problems = _read(environ)
    rows = tuple(
        SettingRow(
            name=form.variable,
            value=_hidden(form, values.get(form.variable)),
            default=form.default or "",
            unit=form.unit,
            required=form.required,
            secret=form.secret,
            meaning=form.meaning,
        )
        for form in CATALOGUE
    )
    return rows, problems


def _read(environ: Mapping[str, str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The values by variable, as far as they can be read, and what is missing or wrong."""
    values: dict[str, Any] = {}
    problems = list(_misspelled(environ))
    for form in CATALOGUE:
        text = environ.get(form.variable, "").strip() or form.default
        if text is None:
            problems.append(f"{form.variable} is not set. {form.advice}")
            continue
        try:
            values[form.variable] = form.parse(text)
        except ValueError as error:
            problems.append(f"{form.variable} {error}. {form.advice}")
    between = (subject.together(values) for subject in (targets, storage, git_access, telling))
    return values, (*problems, *chain.from_iterable(between))


def _misspelled(environ: Mapping[str, str]) -> Iterator[str]:
    """Variables that are nearly one of ours: a setting that silently does nothing is worse than none."""
    known = [form.variable for form in CATALOGUE]
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            for near in get_close_matches(name, known, n=1, cutoff=0.85):
                yield f"{name} is no setting; did you mean {near}?"


def _forms(kind: type) -> dict[str, Form]:
    """Each field's form, which stands in its annotation."""
    hints = get_type_hints(kind, include_extras=True)
    return {each.name: get_args(hints[each.name])[1] for each in fields(kind)}


def _hidden(form: Form, value: object) -> str:
    shown = _masked(_shown(value))
    return "***" if form.secret and shown else shown


def _masked(value: str) -> str:
    """A value without the user information and the query of a URL."""
    return re.sub(r"\?\S*", "?***", re.sub(r"(?<=://)[^/\s]*@", "***@", value))


def _shown(value: object) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


_SUBJECTS: dict[str, type] = get_type_hints(Settings)
CATALOGUE: tuple[Form, ...] = tuple(form for kind in _SUBJECTS.values() for form in _forms(kind).values())
"""Every setting there is, in the order in which they are shown."""
