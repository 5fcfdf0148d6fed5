from __future__ import annotations

import signal
import stat
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import psutil
import pytest

from voc_stream.embedded.processes import child as child_module
from voc_stream.embedded.processes.child import Child
from voc_stream.errors import EmbeddedError

if TYPE_CHECKING:
    from pathlib import Path

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True);"
    " time.sleep(600)"
)


def wait_for_text(path: Path, text: str) -> None:
    import time

    deadline = time.monotonic() + 10
    while not path.exists() or text not in path.read_text():
        assert time.monotonic() < deadline, f"{text!r} never appeared in {path}"
        time.sleep(0.01)


def test_program_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    """A stop has a deadline: nothing is left behind."""
    child = Child("stubborn", [sys.executable, "-c", STUBBORN], tmp_path / "log")
    wait_for_text(tmp_path / "log", "deaf")
    child.stop(0.2)
    assert child.exit_code() == -signal.SIGKILL


def test_one_that_ends_before_it_serves_says_its_last_words(tmp_path: Path) -> None:
    """Whoever waits for a program is told how it ended, instead of waiting until the time is up."""
    child = Child(
        "talker", [sys.executable, "-c", "import sys; sys.exit('last words')"], tmp_path / "log"
    )
    with pytest.raises(EmbeddedError, match=r"talker ended at once with code 1(.|\n)*last words"):
        child.wait_until(lambda: False, 30.0)


def test_one_that_never_serves_is_waited_for_until_the_time_is_up(tmp_path: Path) -> None:
    """A program that runs and does not serve holds up nobody for longer than it may.

    The message names its log.
    """
    child = Child("stubborn", [sys.executable, "-c", STUBBORN], tmp_path / "log")
    with pytest.raises(EmbeddedError, match=r"stubborn is not ready after 0 s; see .*log"):
        child.wait_until(lambda: False, 0.1)
    child.stop(0.2)


def test_log_tail_is_the_end_of_the_output(tmp_path: Path) -> None:
    """Errors and output land in one log, whose end goes into messages."""
    child = Child(
        "talker",
        [
            sys.executable,
            "-c",
            "import sys; print('x\\n' * 50, flush=True); sys.exit('last words')",
        ],
        tmp_path / "log",
    )
    child._process.wait(10)
    assert child.exit_code() == 1
    assert child.log_tail().endswith("last words")
    assert len(child.log_tail().splitlines()) <= 12


def test_log_keeps_earlier_starts_within_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why a worker ended can still be read after the next start, by its user alone.

    A log that has grown large becomes `….1`.
    """
    path = tmp_path / "log"
    path.write_text("of an earlier version\n")

    def run(text: str) -> Child:
        child = Child("talker", [sys.executable, "-c", f"print({text!r})"], path)
        child._process.wait(10)
        return child

    run("first life")
    assert run("second life").log_tail() == "second life"
    lines = path.read_text().splitlines()
    assert [line for line in lines if not line.startswith("---")] == [
        "of an earlier version",
        "first life",
        "second life",
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    monkeypatch.setattr(child_module, "LOG_BYTES", 10)
    for number in range(3):
        run(f"life {number} after that")
    assert "life 2 after that" in path.read_text()
    assert "life 1 after that" in (tmp_path / "log.1").read_text()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["log", "log.1"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent")
def test_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    """Kill -9 of the parent ends the children too: no broker or worker is left running."""
    program = f"""
        import sys, time
        from pathlib import Path
        from voc_stream.embedded.processes.child import Child
        sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
        child = Child("sleeper", sleeper, Path({str(tmp_path / "log")!r}))
        print(child.pid, flush=True)
        time.sleep(600)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        orphan = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    gone, _ = psutil.wait_procs([orphan], timeout=10)
    assert gone == [orphan]
