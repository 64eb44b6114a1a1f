"""The senders by the name that stands in the webhook's address and in the settings."""

from __future__ import annotations

from collections.abc import Mapping

from function_app.webhooks import azure_devops, generic, github, gitlab
from function_app.webhooks.push import Provider

PROVIDERS: Mapping[str, Provider] = {
    "github": github,
    "azure-devops": azure_devops,
    "gitlab": gitlab,
    "generic": generic,
}
