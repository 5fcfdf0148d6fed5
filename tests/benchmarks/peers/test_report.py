"""The table of the peers and its place in a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from benchmarks.peers.job import Difference
from benchmarks.peers.measure import AfterKill
from benchmarks.peers.peers import PEERS
from benchmarks.peers.report import BEGIN, END, Result, put, report

if TYPE_CHECKING:
    from pathlib import Path


def test_the_table_replaces_what_stood_between_the_markers(tmp_path: Path) -> None:
    """The command rewrites its own part of a page and nothing else."""
    page = tmp_path / "performance.md"
    begin, end = BEGIN.format("peers"), END.format("peers")
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    put(page, "new")
    put(page, "newer")
    assert page.read_text() == f"before\n{begin}\nnewer\n{end}\nafter\n"


def test_a_page_without_the_markers_is_left_alone(tmp_path: Path) -> None:
    """The message says what to add."""
    page = tmp_path / "performance.md"
    page.write_text("nothing\n")
    with pytest.raises(ValueError, match="add the lines"):
        put(page, "new")
    assert page.read_text() == "nothing\n"


def test_a_wrong_result_and_a_missing_peer_are_said_aloud() -> None:
    """The report tells of a wrong table, and of a peer that never went on.

    It gives the reason if a peer did not run at all.
    """
    wrong = AfterKill(
        0.5, None, Difference(lost=3, counted_twice=4, wrong_customers=5, wrong_experiences=6)
    )
    text = report(
        [Result(PEERS[0], 9, after_kill=wrong), Result(PEERS[1], 9, problem="no such package")],
        ["a machine"],
        1,
    )
    assert (
        "**wrong**: 3 events lost, 4 counted twice; 5 customers and 6 experiences wrong; never went"
        " on" in text
    )
    assert f"**{PEERS[1].title}** did not finish: no such package" in text
