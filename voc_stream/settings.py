"""Reads the settings, once at the door; they are immutable afterwards.

Environment variables `VOC_…` override the TOML file that `VOC_CONFIG` names. The file has the same
keys, with or without the prefix, in either case: `kafka_bootstrap = "kafka-1:9092"`. Every message
names the setting that is wrong, and none repeats a password. A secret may stand in a file of its
own instead: `VOC_…_FILE` names that file.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from voc_stream.database_url import check_url, has_password, with_cell, with_password
from voc_stream.errors import VocError
from voc_stream.setting_checks import (
    MAXIMUM_PORT,
    broker_list,
    cell_name,
    existing_file,
    is_typing_error,
    matching,
    not_empty,
    one_of,
    path_or_one_of,
    secret_in,
    suggestion,
    switch,
    whole_number,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX = "VOC_"
CONFIG = "VOC_CONFIG"
# Kafka allows 249 characters in a topic name; `dead-letters` is the longest after the prefix.
MAXIMUM_PREFIX_LENGTH = 249 - len("dead-letters")
LOG_FORMATS = ("TEXT", "JSON")
PACKAGED_CATALOGUES = ("automotive", "hotel", "retail")
# Each may be given as `…_FILE`, the path of a file that holds it and nothing else.
SECRETS = ("database_password", "kafka_sasl_password", "kafka_ssl_key_password")
FILE_SUFFIX = "_file"
SWITCHES = ("churn_fit_monthly", "kafka_allow_plaintext_password")
SECURITY_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
SASL_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")


class SettingsError(VocError):
    """A setting is wrong or missing; the message names it and says what to do.

    Commands then end with 2.
    """

    exit_code = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be configured. Each field `name` is the variable `VOC_NAME`.

    `make docs` writes the page docs/reference/settings.md from this list.

    Attributes:
        kafka_bootstrap: Brokers to ask first: `host:port,host:port`.
        kafka_security_protocol: `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`.
        kafka_sasl_mechanism: `SCRAM-SHA-512`, `SCRAM-SHA-256`, `PLAIN` or `OAUTHBEARER`, if the
            protocol has SASL.
        kafka_sasl_username: User of SCRAM and PLAIN.
        kafka_sasl_password: Password of SCRAM and PLAIN.
        kafka_sasl_token_command: Command that prints the token of OAUTHBEARER. It is run again for
            each connection.
        kafka_sasl_token_file: File with the token of OAUTHBEARER. It is read again for each
            connection.
        kafka_allow_plaintext_password: Whether a password or token may leave this machine without
            TLS.
        kafka_ssl_cafile: Authorities (PEM) that sign the brokers' certificates. Without it, those
            of the system are trusted.
        kafka_ssl_certfile: Our own certificate (PEM), if brokers ask for one.
        kafka_ssl_keyfile: Its private key (PEM), unless the certificate's file holds it.
        kafka_ssl_key_password: Password that the private key is encrypted with.
        database_url: `postgresql://user:password@host:port,host:port/database?sslmode=verify-full`,
            or `postgres://…`: what libpq reads.
        database_password: Password of the database's user, if the URL holds none.
        cell: Name of the cell, such as `north`, whose topics are `voc.north.…`, whose group is
            `voc-stream-north` and whose tables are in schema `voc_north`. Without it, `voc`.
        topic_prefix: What every topic name begins with. The name of a cell follows it.
        catalogue: Path of a catalogue of experiences, or `automotive`, `hotel` or `retail`. Without
            it, `automotive`.
        group: Kafka consumer group of the workers. The name of a cell follows it.
        web_host: Address that serves `/metrics`, `/healthz` and `/readyz`; `0.0.0.0` lets a
            Prometheus elsewhere scrape.
        web_port: Port of the same; `0` chooses a free one.
        partitions: Partitions of each input topic that `voc-stream init` creates.
        replication_factor: Copies of each partition that `voc-stream init` creates; use 3 on a
            cluster.
        broker_session_timeout_seconds: A worker silent for so long loses its partitions to another.
            A short time means quick take-over.
        maximum_batch_messages: Messages that one transaction takes in at most.
        database_deadline_seconds: A transaction without an answer by then is cut off and tried
            again.
        dead_letter_limit_run: A partition stops after so many refused messages in a row; `0` is
            never.
        dead_letter_limit_percent: A partition stops when such a share of its latest messages (2,000
            or more) is refused; `0` is never.
        dead_letter_retention_days: Refused messages are deleted after so many days; `0` keeps them
            for ever.
        stall_timeout_seconds: A worker that lags and commits nothing for so long exits with 75, to
            be started again.
        evaluation_interval_seconds: How often alerts are evaluated.
        churn_fit_monthly: Whether a worker fits the churn model once a month; it takes minutes.
        log_format: Log of a worker: `TEXT`, or `JSON` for one object a line, in either case.
    """

    kafka_bootstrap: str = "127.0.0.1:9092"
    kafka_security_protocol: str = "PLAINTEXT"
    kafka_sasl_mechanism: str | None = None
    kafka_sasl_username: str | None = None
    kafka_sasl_password: str | None = field(default=None, repr=False)
    kafka_sasl_token_command: str | None = field(default=None, repr=False)
    kafka_sasl_token_file: str | None = None
    kafka_allow_plaintext_password: bool = False
    kafka_ssl_cafile: str | None = None
    kafka_ssl_certfile: str | None = None
    kafka_ssl_keyfile: str | None = None
    kafka_ssl_key_password: str | None = field(default=None, repr=False)
    database_url: str | None = field(default=None, repr=False)
    database_password: str | None = field(default=None, repr=False)
    cell: str | None = None
    topic_prefix: str = "voc."
    catalogue: str | None = None
    group: str = "voc-stream"
    web_host: str = "127.0.0.1"
    web_port: int = 6066
    partitions: int = 8
    replication_factor: int = 1
    broker_session_timeout_seconds: int = 15
    maximum_batch_messages: int = 10_000
    database_deadline_seconds: int = 25
    dead_letter_limit_run: int = 1_000
    dead_letter_limit_percent: int = 50
    dead_letter_retention_days: int = 90
    stall_timeout_seconds: int = 120
    evaluation_interval_seconds: int = 15
    churn_fit_monthly: bool = False
    log_format: str = "TEXT"

    def require_database_url(self) -> str:
        """The database URL, with the password and the cell.

        Raises SettingsError if no URL was given, or if two passwords were.
        """
        if self.database_url is None:
            raise SettingsError(
                "VOC_DATABASE_URL is missing: set it, here or in the file of VOC_CONFIG, to"
                " postgresql://user:password@host:port/database"
            )
        url = self.database_url if self.cell is None else with_cell(self.database_url, self.cell)
        if self.database_password is None:
            return url
        if has_password(url):
            raise SettingsError(
                "VOC_DATABASE_URL and VOC_DATABASE_PASSWORD both hold a password; keep one of them"
            )
        return with_password(url, self.database_password)


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings from environment variables over the TOML file named by VOC_CONFIG.

    Raises SettingsError.
    """
    values: dict[str, str | int] = {}
    if environ.get(CONFIG):
        values |= _read_file(Path(environ[CONFIG]))
    given: dict[str, str | int] = {}
    for variable, text in environ.items():
        name = variable.removeprefix(PREFIX).lower()
        if variable == CONFIG or not variable.startswith(PREFIX):
            continue
        if name in _KNOWN:
            _take(given, name, text, variable)
        else:
            _refuse_typing_error(variable)
    settings = Settings(**(values | given))  # type: ignore[arg-type]  # each check returns its field's type
    cell = settings.cell
    if cell is None:
        return settings
    prefix, group = f"{settings.topic_prefix}{cell}.", f"{settings.group}-{cell}"
    return replace(settings, topic_prefix=prefix, group=group)


def to_environment(settings: Settings) -> dict[str, str]:
    """The variables that make `load_settings` return the same settings in a child process."""
    values = {setting.name: getattr(settings, setting.name) for setting in fields(settings)}
    if settings.cell is not None:
        values["topic_prefix"] = settings.topic_prefix.removesuffix(f"{settings.cell}.")
        values["group"] = settings.group.removesuffix(f"-{settings.cell}")
    return {
        PREFIX + name.upper(): str(value) for name, value in values.items() if value is not None
    }


def without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """These variables but for those that `load_settings` would read."""
    ours = {CONFIG, *(PREFIX + name.upper() for name in _KNOWN)}
    return {name: value for name, value in environ.items() if name not in ours}


def _read_file(path: Path) -> dict[str, str | int]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"{CONFIG}: cannot read {path}: {error.strerror}; correct {CONFIG}, or unset it"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{CONFIG}: {path} is not valid TOML: {error}") from error
    values: dict[str, str | int] = {}
    for key, value in document.items():
        name = key.lower().removeprefix(PREFIX.lower())
        if name not in _KNOWN:
            raise SettingsError(f"{path}: unknown setting {key!r}{suggestion(name, _KNOWN)}")
        if not isinstance(value, (str, int)) or (isinstance(value, bool) and name not in SWITCHES):
            raise SettingsError(f"{path}: {key} must be a text or a whole number")
        # A path in a file is relative to the folder of that file, so that the file works from any
        # folder.
        is_catalogue = name == "catalogue" and value not in PACKAGED_CATALOGUES
        is_path = name.endswith("file") or is_catalogue
        _take(values, name, str(path.parent / str(value)) if is_path else value, f"{path}: {key}")
    return values


def _take(values: dict[str, str | int], name: str, value: str | int, where: str) -> None:
    """Check a value, or the secret in the file that it names, and keep it."""
    secret = name.removesuffix(FILE_SUFFIX)
    if secret in SECRETS and name != secret:
        try:
            name, value = secret, secret_in(Path(str(value)))
        except ValueError as error:
            raise SettingsError(f"{where}: {error}") from error
    if name in values:
        also = f", as itself or as {name}{FILE_SUFFIX}" if name in SECRETS else ""
        raise SettingsError(f"{where}: {name} is set twice{also}; keep one of them")
    values[name] = _checked(name, value, where)


def _checked(name: str, value: str | int, where: str) -> str | int:
    try:
        return _CHECKS[name](value)
    except ValueError as error:
        raise SettingsError(f"{where} {error}") from error


def _refuse_typing_error(variable: str) -> None:
    known = [PREFIX + name.upper() for name in _KNOWN] + [CONFIG]
    if is_typing_error(variable.upper(), known):
        raise SettingsError(f"unknown setting {variable}{suggestion(variable.upper(), known)}")


_CHECKS: Mapping[str, Callable[[str | int], str | int]] = {
    "kafka_bootstrap": broker_list,
    "kafka_security_protocol": one_of(SECURITY_PROTOCOLS),
    "kafka_sasl_mechanism": one_of(SASL_MECHANISMS),
    "kafka_sasl_username": not_empty,
    "kafka_sasl_password": not_empty,
    "kafka_sasl_token_command": not_empty,
    "kafka_sasl_token_file": not_empty,
    "kafka_allow_plaintext_password": switch,
    "kafka_ssl_cafile": existing_file,
    "kafka_ssl_certfile": existing_file,
    "kafka_ssl_keyfile": existing_file,
    "kafka_ssl_key_password": not_empty,
    "database_url": lambda value: check_url(str(value)),
    "database_password": not_empty,
    "cell": cell_name,
    "topic_prefix": matching(
        r"[A-Za-z0-9._-]*", "letters, digits, '.', '_' or '-'", MAXIMUM_PREFIX_LENGTH
    ),
    "catalogue": path_or_one_of("a catalogue", PACKAGED_CATALOGUES),
    "group": matching(r"[A-Za-z0-9._-]+", "letters, digits, '.', '_' or '-'", 249),
    "web_host": matching(r"[A-Za-z0-9.:_-]+", "an address to listen on", 253),
    "web_port": whole_number(0, MAXIMUM_PORT),
    "partitions": whole_number(1, 10_000),
    "replication_factor": whole_number(1, 100),
    "broker_session_timeout_seconds": whole_number(6, 300),
    "maximum_batch_messages": whole_number(1, 100_000),
    "database_deadline_seconds": whole_number(1, 600),
    "dead_letter_limit_run": whole_number(0, 10_000_000),
    "dead_letter_limit_percent": whole_number(0, 100),
    "dead_letter_retention_days": whole_number(0, 36_500),
    "stall_timeout_seconds": whole_number(10, 3600),
    # The rules of Prometheus believe an evaluation for 120 s.
    "evaluation_interval_seconds": whole_number(1, 60),
    "churn_fit_monthly": switch,
    "log_format": one_of(LOG_FORMATS),
}
_KNOWN = (*_CHECKS, *(name + FILE_SUFFIX for name in SECRETS))
