"""The only reader of the environment. Each setting is declared once, in the module of its subject, with unit, default and reason.

`CATALOGUE` is the one list of what there is; whoever deploys us (Terraform, local.settings.json) is held to it by a contract test.
Nothing is opened here: whether a file that a setting names can be read is said by whoever reads it.
"""

from function_app.settings.environment import CATALOGUE, SettingRow, Settings, describe
from function_app.settings.forms import PREFIX, Form
from function_app.settings.git_access import GitAccessKind
from function_app.settings.service import Callers
from function_app.settings.targets import CredentialKind
from function_app.settings.telling import CommitHost, NoticeForm

__all__ = [
    "CATALOGUE",
    "PREFIX",
    "Callers",
    "CommitHost",
    "CredentialKind",
    "Form",
    "GitAccessKind",
    "NoticeForm",
    "SettingRow",
    "Settings",
    "describe",
]
