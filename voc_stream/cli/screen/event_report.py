"""Prints what `check` and `push` say.

That is a progress bar on a terminal, problems up to a limit, and a summary.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from voc_stream.cli.screen.terminal import console, printable
from voc_stream.counted import counted
from voc_stream.every import Every
from voc_stream.importing.read_files import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from voc_stream.importing.read_files import Line

# More problems than one can read on a screen say nothing more than their number.
MAXIMUM_SHOWN = 20
_REFRESHES_PER_SECOND = 5
# How often a line tells the progress if there is no terminal for a bar.
PLAIN_LINE_SECONDS = 10.0


class Report:
    """Prints to standard error while files are read. A context manager.

    Args:
        files: All files, whose sizes make the length of the bar.
        verb: What happens to an event, in the past tense: `valid`, `delivered`.
    """

    def __init__(self, files: Sequence[str], verb: str) -> None:
        self._verb = verb
        self._console = console(stderr=True, soft_wrap=True)
        self._reasons: Counter[str] = Counter()
        self._print = Every(PLAIN_LINE_SECONDS)
        self._print.done(time.monotonic())
        self._shown = 0
        self._hidden = 0
        self._unread = 0
        self._silent = 0
        self.events = 0
        columns = (
            SpinnerColumn(),
            TextColumn("{task.fields[file]}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[events]:,} " + verb),
        )
        self._progress = Progress(
            *columns,
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
            refresh_per_second=_REFRESHES_PER_SECOND,
        )
        sizes = [Path(file).stat().st_size if Path(file).is_file() else None for file in files]
        total = None if None in sizes else sum(size for size in sizes if size is not None)
        self._task = self._progress.add_task("", total=total, file="", events=0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    @property
    def problems(self) -> int:
        """How many lines failed."""
        return self._reasons.total()

    @property
    def unread_files(self) -> int:
        """How many files were not read, or not to their end."""
        return self._unread

    def file(self, name: str) -> None:
        """Note that a file begins."""
        self._progress.update(self._task, file=printable(Path(name).name))

    def read(self, count: int) -> None:
        """Note that so many bytes have been read."""
        self._progress.advance(self._task, count)

    def silent_rows(self, count: int) -> None:
        """Note that so many rows gave neither an event nor a problem."""
        self._silent += count

    def done(self) -> None:
        """Note that an event is through."""
        self.events += 1
        # Every hundredth, because an update costs more than a validation.
        if self.events % 100 == 0:
            self._progress.update(self._task, events=self.events)
            self._print_now_and_then()

    def _print_now_and_then(self) -> None:
        if self._progress.disable and self._print.is_due(time.monotonic()):
            self._print.done(time.monotonic())
            self._console.print(f"{counted(self.events, 'event')} {self._verb} so far")

    def problem(self, line: Line) -> None:
        """Show that lines failed, or that a file could not be read (to its end)."""
        if line.reason == UNREADABLE:
            self._unread += 1
        else:
            self._reasons[line.reason] += line.lines
            self._shown += 1
            if self._shown > MAXIMUM_SHOWN:
                self._hidden += line.lines
                return
        place = f"{line.file}:{line.number}" if line.number else line.file
        self._console.print(f"{place}: {line.reason}: {line.problem}")

    def summary(self, seconds: float) -> None:
        """Print the last lines: problems that were not shown, and the totals."""
        if self._hidden:
            counts = ", ".join(
                f"{count:,} {reason}" for reason, count in self._reasons.most_common()
            )
            self._console.print(f"… and {self._hidden:,} more; in all {counts}")
        rate = f" ({self.events / seconds:,.0f}/s)" if seconds > 1 else ""
        unread = f", {counted(self._unread, 'file')} not read to the end" if self._unread else ""
        silent = f", {counted(self._silent, 'row')} gave no event" if self._silent else ""
        totals = (
            f"{counted(self.events, 'event')} {self._verb}, {counted(self.problems, 'line')}"
            f" failed{silent}{unread}"
        )
        self._console.print(f"{totals}, in {seconds:.1f} s{rate}")
