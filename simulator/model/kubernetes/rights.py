"""What a user may do: ClusterRoles and ClusterRoleBindings read as Kubernetes' RBAC reads them.

Belongs here: rights over the whole cluster. Does not belong here: Roles in namespaces, aggregated roles, groups but the
administrators'. Source: kubernetes.io "Using RBAC Authorization"; the words are kube-apiserver's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.model.errors import ApiError
from simulator.model.kubernetes.api import KubernetesApi
from simulator.model.kubernetes.kinds import ServedKind


@dataclass(frozen=True, slots=True)
class Asked:
    """What a user wants to do; an apply is a patch, and a create as well when it makes a new object."""

    verb: str
    kind: ServedKind
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def resource(self) -> str:
        """As roles name it: a subresource is a right of its own."""
        return f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural


def is_allowed(api: KubernetesApi, user: str, asked: Asked) -> bool:
    """Whether some role that is bound to the user covers it."""
    roles = {role["metadata"]["name"]: role for role in api.objects("ClusterRole")}
    bound = (roles.get(name) for name in _bound_roles(api, user))
    return any(_covers(rule, asked) for role in bound if role for rule in role.get("rules") or ())


def forbidden(user: str, asked: Asked) -> ApiError:
    """403 in the words of RBAC."""
    kind = asked.kind
    subject = f'{kind.resource} "{asked.name}"' if asked.name else kind.resource
    where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    message = (
        f'{subject} is forbidden: User "{user}" cannot {asked.verb} resource "{asked.resource}" '
        f'in API group "{kind.group}" {where}'
    )
    details = {"name": asked.name, "group": kind.group, "kind": kind.plural}
    return ApiError(403, "Forbidden", message, details={key: value for key, value in details.items() if value})


def _bound_roles(api: KubernetesApi, user: str) -> Iterator[str]:
    for binding in api.objects("ClusterRoleBinding"):
        role = binding.get("roleRef") or {}
        subjects = binding.get("subjects") or ()
        if role.get("kind") == "ClusterRole" and any(_is_user(subject, user) for subject in subjects):
            yield str(role.get("name", ""))


def _is_user(subject: Mapping[str, Any], user: str) -> bool:
    return subject.get("kind") == "User" and subject.get("name") == user


def _covers(rule: Mapping[str, Any], asked: Asked) -> bool:
    named: Sequence[str] = rule.get("resourceNames") or ()
    return (
        _has(rule.get("verbs"), asked.verb)
        and _has(rule.get("apiGroups"), asked.kind.group)
        and _has(rule.get("resources"), asked.resource)
        and (not named or asked.name in named)
    )


def _has(listed: Sequence[str] | None, wanted: str) -> bool:
    return wanted in (listed or ()) or "*" in (listed or ())
