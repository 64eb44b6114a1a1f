"""One workspace and one plan of the sample for all tests of this folder, since both are dear."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from real_parts import missing

from real.cache import MissingProgram
from terraform_provider.planned import Planned
from terraform_provider.workspace import Workspace, workspace

SAMPLE = "-var-file=sample.tfvars"


@pytest.fixture(scope="session")
def terraform() -> Iterator[Workspace]:
    """A copy of the configurations, with Terraform and the committed schemas."""
    try:
        with workspace() as copy:
            yield copy
    except MissingProgram as problem:
        missing(str(problem))


@pytest.fixture(scope="session")
def sample_plan(terraform: Workspace) -> dict[str, Any]:
    """The terraform plan of the sample, as JSON."""
    return terraform.plan("terraform/platform", SAMPLE)


@pytest.fixture(scope="session")
def sample(sample_plan: dict[str, Any]) -> Planned:
    """The planned resources of the sample."""
    return Planned.of(sample_plan)
