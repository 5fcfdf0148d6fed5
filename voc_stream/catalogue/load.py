"""Reads a catalogue from TOML.

A catalogue is refused if it breaks a rule of docs/reference/catalogue.md.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from voc_stream.catalogue.flow import Flow, flow_problems
from voc_stream.catalogue.measures import Between
from voc_stream.catalogue.model import Catalogue, Factor, Limits, timings_of
from voc_stream.catalogue.plausible import problems
from voc_stream.catalogue.reading.check_churn import check_churn
from voc_stream.catalogue.reading.check_limits import check_limits
from voc_stream.catalogue.reading.check_words import check_words
from voc_stream.catalogue.reading.days_file import with_days_files
from voc_stream.catalogue.reading.file_text import CatalogueError, CatalogueText
from voc_stream.catalogue.reading.read_calendar import read_calendar
from voc_stream.catalogue.reading.read_experience import KEY, MAXIMUM_KEY_LENGTH, read_experience

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.catalogue.model import Experience

__all__ = ["CatalogueError", "load_catalogue"]

_FOLDER = Path(__file__).parent / "trades"
_DEFAULT = "automotive"


def load_catalogue(path: Path | str | None = None) -> Catalogue:
    """Read and validate a catalogue.

    Args:
        path: A TOML file, or the bare name of a packaged catalogue (`automotive`, `retail`,
            `hotel`) if no such file exists. None gives the packaged automotive default.

    Raises:
        CatalogueError: The file cannot be read, is not TOML, or breaks a rule of
            docs/reference/catalogue.md.
    """
    file = _locate(path)
    try:
        text = file.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except FileNotFoundError:
        names = ", ".join(sorted(packaged.stem for packaged in _FOLDER.glob("*.toml")))
        raise CatalogueError(
            f"{file}: there is no such catalogue; give the path of a TOML file or one of: {names}"
        ) from None
    except OSError as error:
        raise CatalogueError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{file}: is not UTF-8 at byte {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(
            f"{file}: is not valid TOML (a key given twice is not): {error}"
        ) from error
    return _read(CatalogueText(str(file), text), file.parent, tables)


def _locate(path: Path | str | None) -> Path:
    if path is None:
        return _FOLDER / f"{_DEFAULT}.toml"
    file = Path(path)
    packaged = _FOLDER / f"{file.name}.toml"
    return packaged if str(path) == file.name and not file.exists() and packaged.exists() else file


def _read(file: CatalogueText, folder: Path, tables: dict[str, Any]) -> Catalogue:
    """The parsed tables of one file as structs."""
    tables = with_days_files(tables, folder, file.fail)
    calendar = read_calendar(tables.get("calendar", {}), ("calendar",), None, file.fail)
    sites = {
        site_id: read_calendar(table, ("site", site_id), calendar, file.fail)
        for site_id, table in tables.get("site", {}).items()
    }
    # Part by part, because msgspec's own path does not name the keys of a mapping.
    parts = ("experience", "flow", "factor")
    for part in parts:
        if not isinstance(tables.get(part, {}), dict):
            file.fail((part,), "must be a table")
    read_apart: dict[str, Any] = {part: {} for part in (*parts, "calendar", "site")}
    shell = file.convert({**tables, **read_apart}, Catalogue, ())
    flow = _flow(file, tables["flow"]) if "flow" in tables else Flow()
    factors = {
        key: file.label(value, ("factor", key)) for key, value in tables.get("factor", {}).items()
    }
    for key in factors:
        if key not in get_args(Factor):
            file.fail(
                ("factor", key), f"is no factor; the factors are {', '.join(get_args(Factor))}"
            )
    experiences = {
        key: read_experience(file, key, value, flow)
        for key, value in tables.get("experience", {}).items()
    }
    if not experiences:
        file.fail(("experience",), "at least one [experience.…] table is needed")
    if "digest" in tables:
        file.fail(("digest",), "there is no such key")
    if shell.version < 1:
        file.fail(("version",), f"must be 1 or more, not {shell.version}")
    _check_alias(file, shell.alias, experiences, flow)
    if not any(one.has_hours for one in (calendar, *sites.values())):
        _check_no_opening_time(file, experiences, shell.limits)
    file.filled(shell.label, ("label",))
    check_churn(file, shell.churn, experiences)
    check_limits(file, shell.limits, flow)
    check_words(file, experiences)
    for name, problem in problems(shell.plausible):
        file.fail(("plausible", name), problem)
    return msgspec.structs.replace(
        shell,
        experience=experiences,
        flow=flow,
        factor=factors,
        calendar=calendar,
        site=sites,
        digest=_digest(tables),
    )


def _flow(file: CatalogueText, table: dict[str, Any]) -> Flow:
    stages = table.get("stages", {})
    if not isinstance(stages, dict):
        file.fail(("flow", "stages"), "must be a table")
    flow = msgspec.structs.replace(
        file.convert({**table, "stages": {}}, Flow, ("flow",)),
        stages={key: file.label(value, ("flow", "stages", key)) for key, value in stages.items()},
    )
    file.filled(flow.subject, ("flow", "subject"))
    for path, problem in flow_problems(flow):
        file.fail(("flow", *path), problem)
    return flow


def _check_no_opening_time(
    file: CatalogueText, experiences: Mapping[str, Experience], limits: Limits
) -> None:
    """Check that nothing counts opening time of sites whose opening hours nobody states."""
    problem = "needs opening hours: state them as `open` in [calendar]"
    for key, experience in experiences.items():
        source = experience.source
        if isinstance(source, Between) and source.time == "opening":
            file.fail(("experience", key), problem)
    if limits.in_opening_time:
        file.fail(("limits", "in_opening_time"), problem)


def _check_alias(
    file: CatalogueText,
    alias: Mapping[str, str],
    experiences: Mapping[str, Experience],
    flow: Flow,
) -> None:
    timings = timings_of(flow)
    for old, new in alias.items():
        if not KEY.fullmatch(old) or len(old) > MAXIMUM_KEY_LENGTH:
            file.fail(("alias", old), "is no name that an experience can have had")
        if old in experiences:
            file.fail(("alias", old), "is an experience of this catalogue; remove it here or there")
        if old in timings or new in timings:
            file.fail(("alias", old), "a timing cannot be renamed: its name says what is measured")
        if new not in experiences:
            file.fail(
                ("alias", old),
                f"{new!r} is not in this catalogue; name the experience that it is today",
            )


def _digest(tables: dict[str, Any]) -> str:
    """A digest that is the same for files that say the same.

    That holds also in another version of this program. Only the order of stages says something.
    """
    stages = list(tables.get("flow", {}).get("stages", {}))
    said = json.dumps([tables, stages], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()
