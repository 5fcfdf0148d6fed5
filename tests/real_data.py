"""The real data that some tests read: a process log (receipt.csv), a survey (mobi.csv) and others.

They stay outside the repository, in the folder that the variable VOC_TEST_DATA names. Tests that
need one are skipped, and say so, where it is missing.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = os.environ.get("VOC_TEST_DATA", "")
DATA = Path(FOLDER)


def needs(name: str) -> pytest.MarkDecorator:
    """Skips a test where the file is not there."""
    reason = (
        f"{name} is not in VOC_TEST_DATA, which is {FOLDER}"
        if FOLDER
        else f"VOC_TEST_DATA does not name the folder of {name}"
    )
    return pytest.mark.skipif(not FOLDER or not (DATA / name).exists(), reason=reason)
