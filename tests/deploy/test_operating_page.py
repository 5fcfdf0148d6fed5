"""The operator's page names only what exists."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from deploy.tools import ROOT

from voc_stream.cli import COMMANDS
from voc_stream.published.metrics_page import labels_of_metrics
from voc_stream.settings import SECRETS, Settings

PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
NOT_METRICS = {"voc_stream", "voc_owner", "voc_writer", "voc_bi", "voc_monitor", "voc_restored"}
# What a line copies into them comes from the operator, or from a tool.
MADE_BY_OPERATORS = {"deploy/secrets", "deploy/secrets/grafana_password", "deploy/.env"}


def test_metrics_exist() -> None:
    """Whoever looks for a metric of the page in Prometheus finds it."""
    named = set(re.findall(r"\bvoc_[a-z_]+", PAGE)) - NOT_METRICS
    assert len(named) > 5
    assert named <= labels_of_metrics().keys()


def test_commands_exist() -> None:
    """Each command of the page is one of `voc-stream`."""
    named = set(re.findall(r"`voc-stream ([a-z-]+)", PAGE))
    assert {"push", "rebuild", "dead-letters"} <= named
    assert named <= COMMANDS.keys()


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"\bdeploy/[\w./-]*[\w-]", PAGE)) - MADE_BY_OPERATORS)
)
def test_files_exist(path: str) -> None:
    """Each file or folder of `deploy` that the page names is there."""
    assert (ROOT / path.removesuffix("/*")).exists()


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([\w./-]+)\)", PAGE))))
def test_links_lead_somewhere(link: str) -> None:
    """Each link to another page leads to one."""
    assert (ROOT / "docs" / link).is_file()


def test_settings_exist() -> None:
    """Each setting is one that the program knows."""
    names = [
        *(field.name for field in fields(Settings)),
        *(f"{name}_file" for name in SECRETS),
        "config",
    ]
    assert set(re.findall(r"\bVOC_[A-Z_]*[A-Z]", PAGE)) <= {f"VOC_{name}".upper() for name in names}
