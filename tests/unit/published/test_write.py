"""What `make docs` writes is what the repository holds."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from documentation import ROOT

from voc_stream.published.write import generated

if TYPE_CHECKING:
    from pathlib import Path

FILES = generated(ROOT)
OPERATOR = "deploy/kubernetes/components/prometheus-operator/prometheusrule.yaml"


@pytest.mark.parametrize("name", sorted(FILES))
def test_generated_file_is_as_its_source_says(name: str) -> None:
    """Each generated file is up to date: after a change of its source, run `make docs`."""
    assert (ROOT / name).read_text(encoding="utf-8") == FILES[name]


def test_the_operators_rules_are_up_to_date(tmp_path: Path) -> None:
    """The object for the Prometheus Operator is what `deploy/make-prometheusrule` makes."""
    (tmp_path / OPERATOR).parent.mkdir(parents=True)
    shutil.copytree(ROOT / "deploy/prometheus", tmp_path / "deploy/prometheus")
    shutil.copy(ROOT / "deploy/make-prometheusrule", tmp_path / "deploy")
    subprocess.run([tmp_path / "deploy/make-prometheusrule"], check=True)
    assert (tmp_path / OPERATOR).read_text() == (ROOT / OPERATOR).read_text()


def outdated(text: str) -> str:
    """Another text; of a page with generated sections, the page with other ones."""
    section = r"(<!-- [\w-]+: begin -->\n).*?(\n<!-- [\w-]+: end -->)"
    changed, sections = re.subn(section, r"\1old\2", text, flags=re.DOTALL)
    return changed if sections else "old"


def test_command_writes_the_files(tmp_path: Path) -> None:
    """The command that `make docs` runs writes each file, whatever stood there."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(outdated(FILES[name]), encoding="utf-8")
    shutil.copytree(ROOT / "schemas/examples", tmp_path / "schemas/examples")
    subprocess.run([sys.executable, "-m", "voc_stream.published.write", tmp_path], check=True)
    assert {name: (tmp_path / name).read_text(encoding="utf-8") for name in FILES} == FILES


def test_command_explains_a_wrong_folder(tmp_path: Path) -> None:
    """A mistyped folder is named instead of a traceback."""
    command = [sys.executable, "-m", "voc_stream.published.write", str(tmp_path / "absent")]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    assert found.returncode == 2
    assert "absent is no checkout" in found.stderr
