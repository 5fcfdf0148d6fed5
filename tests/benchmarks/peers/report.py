"""The table of the peers, as Markdown, and its place in a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from benchmarks.peers.processes import MEBIBYTE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.peers.measure import AfterKill, Speed
    from benchmarks.peers.peers import Peer

BEGIN, END = "<!-- {}: begin -->", "<!-- {}: end -->"
HEADER = (
    (
        "| peer | messages | messages/s | start-up | CPU s a million: peer, PostgreSQL, broker |"
        " peak"
        " memory | tables | after kill -9 |"
    ),
    "|---|---|---|---|---|---|---|---|",
)


class Result(NamedTuple):
    """What was found out about one peer; `problem` says why there is no more."""

    peer: Peer
    messages: int
    speed: Speed | None = None
    after_kill: AfterKill | None = None
    problem: str | None = None


def report(results: Sequence[Result], measured: Sequence[str], seed: int) -> str:
    """The whole text.

    When, where and how it was measured, the table, configurations, and what did not run.
    """
    lines = [
        *measured,
        "",
        *HEADER,
        *(_row(result) for result in results),
        "",
        "How each was set up:",
        "",
    ]
    lines += [f"- **{result.peer.title}**: {result.peer.how}." for result in results]
    problems = [
        f"- **{result.peer.title}** did not finish: {result.problem}"
        for result in results
        if result.problem
    ]
    if problems:
        lines += ["", *problems]
    return "\n".join([*lines, "", f"The moments of the kills come from seed {seed}."])


def put(page: Path, text: str, name: str = "peers") -> None:
    """Replace what stands between the markers of that name in a page.

    Raises ValueError if it has none.
    """
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN.format(name))
    _, end, after = rest.partition(END.format(name))
    if not (begin and end):
        raise ValueError(
            f"{page} has no place for the table: add the lines {BEGIN.format(name)} and"
            f" {END.format(name)} to it"
        )
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def _row(result: Result) -> str:
    speed, after_kill = result.speed, result.after_kill
    cells = [result.peer.title, f"{result.messages:,}"]
    if speed is None:
        cells += ["—"] * 5
    else:
        cells += [
            f"{speed.messages_per_second:,.0f}",
            f"{speed.start_up_seconds:.1f} s",
            ", ".join(f"{seconds:.1f}" for seconds in speed.processor),
            f"{speed.peak_memory_bytes / MEBIBYTE:,.0f} MiB",
            speed.difference.in_words,
        ]
    cells.append("—" if after_kill is None else _after_kill(after_kill))
    return f"| {' | '.join(cells)} |"


def _after_kill(after_kill: AfterKill) -> str:
    if after_kill.killed_at >= 1:
        return f"{after_kill.difference.in_words}; it had finished before"
    recovery = (
        "never went on"
        if after_kill.recovery_seconds is None
        else f"went on after {after_kill.recovery_seconds:.0f} s"
    )
    return (
        f"{after_kill.difference.in_words}; {recovery} (killed when {after_kill.killed_at:.0%}"
        f" were visible)"
    )
