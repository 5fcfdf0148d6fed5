"""The real data that some tests read: a process log (receipt.csv) and a survey (mobi.csv).

They stay outside the repository: they are looked for in the folder VOC_TEST_DATA, else in
`shared/data` beside the checkout. Tests that need one are skipped, and say so, where it is missing.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("VOC_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data")


def needs(name: str) -> pytest.MarkDecorator:
    """Skips a test where the file is not there."""
    return pytest.mark.skipif(
        not (DATA / name).exists(),
        reason=f"{name} is not in VOC_TEST_DATA or in shared/data beside the checkout",
    )
