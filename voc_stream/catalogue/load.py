"""Reads a catalogue from TOML, and refuses one that breaks a rule of docs/reference/catalogue.md."""

from __future__ import annotations

import hashlib
import json
import math
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, get_args

import msgspec

from voc_stream.catalogue.days_file import with_days_files
from voc_stream.catalogue.measures import ANSWERED, kinds_of, unit_of
from voc_stream.catalogue.measures import problems as source_problems
from voc_stream.catalogue.model import (
    MAXIMUM_SCORE,
    TIMINGS,
    Band,
    Catalogue,
    ChurnModel,
    Experience,
    Factor,
    Label,
    Limits,
    Signal,
)
from voc_stream.catalogue.plausible import problems
from voc_stream.catalogue.read_calendar import read_calendar
from voc_stream.catalogue.toml_lines import line_of, show_path
from voc_stream.errors import VocError
from voc_stream.events.types.fields import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voc_stream.catalogue.measures import Source

_LONGEST_WATCH_MINUTES = 366 * 24 * 60
_FOLDER = Path(__file__).parent / "trades"
_DEFAULT = "automotive"
_KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_MAXIMUM_KEY_LENGTH = 64

_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class CatalogueError(VocError):
    """A catalogue file is wrong; the message names the file, the key and the line."""

    exit_code = 2


def load_catalogue(path: Path | str | None = None) -> Catalogue:
    """Read and validate a catalogue.

    Args:
        path: A TOML file; or the bare name of a packaged catalogue (`automotive`, `retail`, `hotel`) where no such file exists;
            the packaged automotive default where it is None.

    Raises:
        CatalogueError: The file cannot be read, is not TOML, or breaks a rule of docs/reference/catalogue.md.
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
    return _Reader(file, text).read(tables)


def _locate(path: Path | str | None) -> Path:
    if path is None:
        return _FOLDER / f"{_DEFAULT}.toml"
    file = Path(path)
    packaged = _FOLDER / f"{file.name}.toml"
    return packaged if str(path) == file.name and not file.exists() and packaged.exists() else file


class _Reader:
    """Turns the parsed tables of one file into structs; every complaint names the key and the line."""

    def __init__(self, file: Path, text: str) -> None:
        self._file = file
        self._text = text

    def read(self, tables: dict[str, Any]) -> Catalogue:
        tables = with_days_files(tables, self._file.parent, self._fail)
        calendar = read_calendar(tables.get("calendar", {}), ("calendar",), None, self._fail)
        sites = {
            site_id: read_calendar(table, ("site", site_id), calendar, self._fail)
            for site_id, table in tables.get("site", {}).items()
        }
        # Part by part, because msgspec's own path does not name the keys of a mapping.
        parts = ("experience", "stage", "factor")
        for part in parts:
            if not isinstance(tables.get(part, {}), dict):
                self._fail((part,), "must be a table")
        read_apart: dict[str, Any] = {part: {} for part in (*parts, "calendar", "site")}
        shell = self._convert({**tables, **read_apart}, Catalogue, ())
        stages = {
            key: self._label(value, ("stage", key))
            for key, value in tables.get("stage", {}).items()
        }
        factors = {
            key: self._label(value, ("factor", key))
            for key, value in tables.get("factor", {}).items()
        }
        for key in factors:
            if key not in get_args(Factor):
                self._fail(
                    ("factor", key), f"is no factor; the factors are {', '.join(get_args(Factor))}"
                )
        experiences = {
            key: self._experience(key, value, stages)
            for key, value in tables.get("experience", {}).items()
        }
        if not experiences:
            self._fail(("experience",), "at least one [experience.…] table is needed")
        if "digest" in tables:
            self._fail(("digest",), "there is no such key")
        if shell.version < 1:
            self._fail(("version",), f"must be 1 or more, not {shell.version}")
        self._check_alias(shell.alias, experiences)
        self._filled(shell.label, ("label",))
        self._check_churn(shell.churn, experiences)
        self._check_limits(shell.limits)
        for name, problem in problems(shell.plausible):
            self._fail(("plausible", name), problem)
        return msgspec.structs.replace(
            shell,
            experience=experiences,
            stage=stages,
            factor=factors,
            calendar=calendar,
            site=sites,
            digest=_digest(tables),
        )

    def _check_alias(self, alias: Mapping[str, str], experiences: Mapping[str, Experience]) -> None:
        for old, new in alias.items():
            if not _KEY.fullmatch(old) or len(old) > _MAXIMUM_KEY_LENGTH:
                self._fail(("alias", old), "is no name that an experience can have had")
            if old in experiences:
                self._fail(
                    ("alias", old), "is an experience of this catalogue; remove it here or there"
                )
            if old in TIMINGS or new in TIMINGS:
                self._fail(
                    ("alias", old), "a timing cannot be renamed: its name says what is measured"
                )
            if new not in experiences:
                self._fail(
                    ("alias", old),
                    f"{new!r} is not in this catalogue; name the experience that it is today",
                )

    def _label(self, value: object, path: Sequence[str]) -> Label:
        label = self._convert(value, Label, path)
        self._filled(label, path)
        return label

    def _filled(self, label: Label, path: Sequence[str]) -> None:
        for language in ("en", "zh"):
            if not getattr(label, language).strip():
                self._fail((*path, language), "must not be empty")

    def _experience(self, key: str, value: object, stages: Mapping[str, Label]) -> Experience:
        path = ("experience", key)
        if (
            isinstance(value, dict)
            and value
            and all(isinstance(inner, dict) for inner in value.values())
            and "label" not in value
        ):
            inner = next(iter(value))
            self._fail(
                (*path, inner), f'a name with a dot needs quotes: [experience."{key}.{inner}"]'
            )
        if not _KEY.fullmatch(key) or len(key) > _MAXIMUM_KEY_LENGTH:
            self._fail(
                path,
                f"must be lower-case letters, digits, '_' and '.', beginning with a letter, at most {_MAXIMUM_KEY_LENGTH}",
            )
        experience = self._convert(value, Experience, path)
        self._filled(experience.label, (*path, "label"))
        if experience.stage is not None and experience.stage not in stages:
            self._fail(
                (*path, "stage"),
                f"{experience.stage!r} is not in the [stage] table; known: {', '.join(stages) or 'none'}",
            )
        self._check_kind(key, experience)
        self._check_numbers(path, experience)
        return experience

    def _check_kind(self, key: str, experience: Experience) -> None:
        path = ("experience", key)
        if experience.source is not None:
            self._check_source(path, experience, experience.source)
            return
        if experience.kind not in (*ANSWERED, "timing"):
            self._fail(
                (*path, "source"), f"is missing: it says where the {experience.kind} comes from"
            )
        if experience.kind != "timing" and (key in TIMINGS or experience.unit == "minutes"):
            self._fail(
                (*path, "kind"),
                "must be 'timing': it is measured from timestamps"
                if key in TIMINGS
                else "only a timing has minutes",
            )
        if experience.kind == "timing" and key not in TIMINGS:
            self._fail(
                (*path, "kind"), f"nothing measures {key!r}; the timings are {', '.join(TIMINGS)}"
            )
        if experience.kind == "timing" and experience.unit != TIMINGS[key]:
            self._fail((*path, "unit"), f"must be {TIMINGS[key]!r} for {key}")
        if experience.unit == "minutes" and experience.key:
            self._fail(
                (*path, "key"),
                "an experience in minutes cannot be a key experience: its scale is no score",
            )

    def _check_source(self, path: Sequence[str], experience: Experience, source: Source) -> None:
        for name, problem in source_problems(source):
            self._fail((*path, "source", name), problem)
        if experience.kind not in kinds_of(source):
            self._fail(
                (*path, "kind"),
                f"must be {' or '.join(map(repr, kinds_of(source)))} of this source",
            )
        if experience.unit != unit_of(source):
            self._fail((*path, "unit"), f"must be {unit_of(source)!r} of this source")

    def _check_numbers(self, path: Sequence[str], experience: Experience) -> None:
        upper = MAXIMUM_SCORE if experience.unit == "score" else math.inf
        lower = 0.0
        if experience.kind == "nps":
            lower, upper = -1.0, 1.0
        self._within((*path, "expectation"), experience.expectation, upper, lower)
        self._within((*path, "ideal"), experience.ideal, upper, lower)
        self._within((*path, "importance"), experience.importance, MAXIMUM_SCORE)
        alert = experience.alert
        self._within((*path, "alert", "drop"), alert.drop, max(upper, MAXIMUM_SCORE))
        if not alert.drop:
            self._fail(
                (*path, "alert", "drop"), "must be more than 0: else whatever happens is a drop"
            )
        if alert.minimum_samples < 1:
            self._fail((*path, "alert", "minimum_samples"), "must be at least 1")
        for name in ("satisfaction_below", "weighted_satisfaction_below"):
            value = getattr(alert, name)
            if value is not None and not math.isfinite(value):
                self._fail((*path, "alert", name), f"must be a finite number, not {value:g}")

    def _within(
        self, path: Sequence[str], value: float | None, upper: float, lower: float = 0
    ) -> None:
        if value is not None and not (lower <= value <= upper and math.isfinite(value)):
            limit = (
                f"from {lower:g} to {upper:g}"
                if math.isfinite(upper)
                else "a finite number, 0 or more"
            )
            self._fail(path, f"must be {limit}, not {value:g}")

    def _check_churn(self, churn: ChurnModel, experiences: Mapping[str, Experience]) -> None:
        for name in ("base_hazard_per_month", "horizon_months", "signal_days"):
            value = getattr(churn, name)
            if not (value > 0 and math.isfinite(value)):
                self._fail(("churn", name), f"must be more than 0, not {value:g}")
        self._within(("churn", "low_score"), churn.low_score, MAXIMUM_SCORE)
        for name in ("attitude_experience", "outcome_experience"):
            key = getattr(churn, name)
            if key is not None and (key not in experiences or experiences[key].kind != "rating"):
                self._fail(("churn", name), f"{key!r} is not a rating of this catalogue")
        for signal, factor in churn.multipliers.items():
            if signal not in get_args(Signal):
                self._fail(
                    ("churn", "multipliers", signal),
                    f"is no signal; the signals are {', '.join(get_args(Signal))}",
                )
            if not (factor >= 1 and math.isfinite(factor)):
                self._fail(
                    ("churn", "multipliers", signal),
                    f"must be 1 or more, not {factor:g}: a signal never lowers the risk",
                )
        self._check_bands(churn.bands)

    def _check_limits(self, limits: Limits) -> None:
        for stage, minutes in limits.stage_minutes.items():
            if stage not in get_args(Stage):
                self._fail(
                    ("limits", "stage_minutes", stage),
                    f"is no stage of the repair flow; they are {', '.join(get_args(Stage))}",
                )
            self._positive(("limits", "stage_minutes", stage), minutes)
        self._positive(("limits", "promise_watch_minutes"), limits.promise_watch_minutes)
        if limits.promise_watch_minutes > _LONGEST_WATCH_MINUTES:
            self._fail(
                ("limits", "promise_watch_minutes"),
                f"must be at most {_LONGEST_WATCH_MINUTES}, a year",
            )
        for name in ("acknowledge_minutes", "resolve_minutes"):
            for severity, minutes in msgspec.structs.asdict(getattr(limits, name)).items():
                self._positive(("limits", name, severity), minutes)
        if limits.high_annual_value is not None:
            self._positive(("limits", "high_annual_value"), limits.high_annual_value)
        self._positive(
            ("limits", "high_value_at_risk_customers"), limits.high_value_at_risk_customers
        )

    def _positive(self, path: Sequence[str], value: float) -> None:
        if not (value > 0 and math.isfinite(value)):
            self._fail(path, f"must be a finite number and more than 0, not {value:g}")

    def _check_bands(self, bands: Mapping[str, float]) -> None:
        for band in bands:
            if band not in get_args(Band):
                self._fail(
                    ("churn", "bands", band),
                    f"is no band; the bands above low are {', '.join(get_args(Band))}",
                )
        previous = 0.0
        for band in get_args(Band):
            bound = bands.get(band)
            if bound is None:
                continue
            if not previous < bound < 1:
                self._fail(
                    ("churn", "bands", band),
                    f"must be more than {previous:g} and less than 1, not {bound:g}: bounds ascend",
                )
            previous = bound

    def _convert(self, value: object, kind: type[_Struct], path: Sequence[str]) -> _Struct:
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            problem, _, place = str(error).partition(" - at `")
            inner = [part for part in re.findall(r"[^.\[\]$`]+", place) if part != "..."]
            if "[...]" in place:  # a mapping of numbers, of which msgspec does not tell the key
                inner += _first_non_number(value, inner)
            if field := re.search(r"unknown field `(.+)`", problem):
                self._fail((*path, *inner, field[1]), "there is no such key")
            if field := re.search(r"missing required field `(.+)`", problem):
                self._fail((*path, *inner, field[1]), "is missing")
            self._fail((*path, *inner), problem)

    def _fail(self, path: Sequence[str], problem: str) -> NoReturn:
        raise CatalogueError(
            f"{self._file}:{line_of(self._text, path)}: {show_path(path) or 'the file'}: {problem}"
        )


def _digest(tables: dict[str, Any]) -> str:
    """The same for files that say the same, also with another version of this program."""
    return hashlib.sha256(json.dumps(tables, sort_keys=True, default=str).encode()).hexdigest()


def _first_non_number(value: Any, path: Sequence[str]) -> list[str]:
    for part in path:
        value = value[part]
    return [
        key
        for key, inner in value.items()
        if isinstance(inner, bool) or not isinstance(inner, int | float)
    ][:1]
