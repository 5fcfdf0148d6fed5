"""Checks the address of the database, which is what libpq, PostgreSQL's client library, accepts.

It is checked here, before anything starts, because libpq quotes parts of what it cannot read, and a
password may be among them. No message of this module repeats any part of the address but a name of
a parameter.
"""

from __future__ import annotations

import difflib
import re
from typing import NamedTuple
from urllib.parse import quote

SHAPE = "must be postgresql://user:password@host:port/database"
SCHEMES = ("postgresql", "postgres")
MAXIMUM_PORT = 65535
# What libpq 17 knows; a test compares them with the installed one.
PARAMETERS = (
    "application_name", "channel_binding", "client_encoding", "connect_timeout", "dbname",
    "fallback_application_name", "gssdelegation", "gssencmode", "gsslib", "host", "hostaddr",
    "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "krbsrvname",
    "load_balance_hosts", "options",
    "passfile", "password", "port", "replication", "require_auth", "requirepeer", "service",
    "ssl_max_protocol_version", "ssl_min_protocol_version", "sslcert", "sslcertmode",
    "sslcompression", "sslcrl", "sslcrldir", "sslkey", "sslmode", "sslnegotiation", "sslpassword",
    "sslrootcert", "sslsni",
    "target_session_attrs", "tcp_user_timeout", "user",
)  # fmt: skip
_URL = re.compile(
    r"(?:(?P<scheme>[^:/?]*)://)?(?:(?P<user>[^@/?]*)@)?(?P<hosts>[^/?]*)"
    r"(?:/(?P<database>[^?]*))?(?:\?(?P<query>.*))?"
)
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+(?:%25\w+)?\]|[^\s@:\[\]]*)(?::(?P<port>[0-9]*))?")
_BAD_PERCENT = re.compile(r"%(?:00|(?![0-9A-Fa-f]{2}))")


class _Parts(NamedTuple):
    """The pieces of an address, percent-encoded as they stand."""

    scheme: str
    user: str | None
    hosts: str
    database: str
    query: str


def check_url(url: str) -> str:
    """The same address. Raises ValueError with what is wrong with it, never with what it holds.

    >>> check_url("postgres://voc@db-1:5432,[::1]:5433/voc?sslmode=verify-full")
    'postgres://voc@db-1:5432,[::1]:5433/voc?sslmode=verify-full'
    >>> check_url("postgresql:///voc?host=/run/postgresql")
    'postgresql:///voc?host=/run/postgresql'
    """
    parts = _parts(url)
    if parts.scheme not in SCHEMES:
        # A word before a colon may be a user's name or password.
        raise ValueError(f"{SHAPE}; it does not begin with postgresql:// or postgres://")
    if _BAD_PERCENT.search(url):
        raise ValueError(f"{SHAPE}; a % that stands for itself is written %25")
    if re.search(r"[\s\x00-\x1f]", url):
        raise ValueError(
            f"{SHAPE}; there is a blank or a line break in it (in a password, a blank is written"
            f" %20)"
        )
    _check_hosts(parts.hosts)
    names = _check_parameters(parts.query)
    if re.search("[@/:]", parts.database):
        raise ValueError(
            f"{SHAPE}; there is an @, / or : in the name of the database (in a password, @ is"
            f" written %40 and / %2F)"
        )
    if not parts.database and "dbname" not in names:
        raise ValueError(f"{SHAPE}; the database is missing")
    return url


def _check_hosts(hosts: str) -> None:
    for host in hosts.split(","):
        found = _HOST.fullmatch(host)
        if found is None or int(found["port"] or 1) not in range(1, MAXIMUM_PORT + 1):
            raise ValueError(
                f"{SHAPE}; the host or port in it is wrong (in a password, @ is written %40 and /"
                f" %2F)"
            )


def _check_parameters(query: str) -> list[str]:
    """The names of the parameters."""
    pairs = _pairs(query)
    for name, *values in pairs:
        if name not in PARAMETERS:
            close = difflib.get_close_matches(name, PARAMETERS, n=1)
            raise ValueError(
                f"{SHAPE}; PostgreSQL knows no parameter"
                f" {name[:40]!r}{f', did you mean {close[0]}?' if close else ''}"
            )
        if len(values) != 1:
            raise ValueError(
                f"{SHAPE}; each parameter is name=value, and an = in the value is written %3D"
            )
    return [name for name, *_ in pairs]


def has_password(url: str) -> bool:
    """Whether the address holds a password.

    >>> has_password("postgresql://voc@db/voc"), has_password("postgresql://voc:x@db/voc")
    (False, True)
    """
    parts = _parts(url)
    return ":" in (parts.user or "") or any(name == "password" for name, *_ in _pairs(parts.query))


def with_password(url: str, password: str) -> str:
    """The address with a password that stood elsewhere.

    >>> with_password("postgresql://voc@db-1,db-2/voc?sslmode=require", "p@ss")
    'postgresql://voc@db-1,db-2/voc?sslmode=require&password=p%40ss'
    """
    return f"{url}{'&' if '?' in url else '?'}password={quote(password, safe='')}"


def with_cell(url: str, cell: str) -> str:
    """The address of a cell in a database: every session knows the cell that it belongs to.

    >>> with_cell("postgresql://voc@db/voc", "north")
    'postgresql://voc@db/voc?options=-c%20voc_stream.cell%3Dnorth'
    >>> with_cell("postgresql://voc@db/voc?options=-c%20jit%3Doff&sslmode=require", "north")
    'postgresql://voc@db/voc?options=-c%20jit%3Doff%20-c%20voc_stream.cell%3Dnorth&sslmode=require'
    """
    option = quote(f"-c voc_stream.cell={cell}", safe="-")
    # libpq takes the last of several options.
    *before, last = re.split(r"(?<=[?&]options=)", url)
    if not before:
        return f"{url}{'&' if '?' in url else '?'}options={option}"
    given, more = re.fullmatch("([^&]*)(.*)", last).groups()  # type: ignore[union-attr]  # it matches any text
    return f"{''.join(before)}{given}{'%20' if given else ''}{option}{more}"


def _parts(url: str) -> _Parts:
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError(SHAPE)
    return _Parts(
        found["scheme"] or "",
        found["user"],
        found["hosts"],
        found["database"] or "",
        found["query"] or "",
    )


def _pairs(query: str) -> list[list[str]]:
    return [pair.split("=") for pair in query.split("&") if pair]
