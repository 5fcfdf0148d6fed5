"""Explains an error of PostgreSQL in one line, with what to do about it.

Most errors are about why PostgreSQL does not let us in.
"""

from __future__ import annotations

import re

from psycopg2 import errors

from voc_stream.postgres.session.opening import POOLER

NOT_THERE_YET = (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName)
_INIT = "run `voc-stream init` first"
_RIGHTS = (
    "`init` and `rebuild` need the role voc_owner in VOC_DATABASE_URL, all else voc_writer;"
    " where it is the right one, run deploy/postgres/roles.sql again"
)
_GENERAL = "check VOC_DATABASE_URL and the server"
# The first advice that fits. A server may speak another language than English: then the general
# advice is left.
_ADVICE = (
    (r"unsupported startup parameter|command-line options", POOLER),
    (
        r"certificate verify failed|root certificate file .* does not exist",
        (
            "no authority that is trusted here signed the server's certificate: `sslrootcert` in"
            " VOC_DATABASE_URL must name the one that did"
        ),
    ),
    (
        r"does not match host name|host name from server certificate",
        (
            "the certificate of the server is for another name: write that name as the host in"
            " VOC_DATABASE_URL"
        ),
    ),
    (
        r"does not support SSL",
        (
            "the server speaks no TLS on this port: switch it on there (`ssl = on`), or choose"
            " another `sslmode` in VOC_DATABASE_URL"
        ),
    ),
    (
        r"no pg_hba\.conf entry|pg_hba\.conf rejects",
        (
            "pg_hba.conf of the server has no line that lets this user, database, address and"
            " encryption in: add one and reload"
        ),
    ),
    (
        r"password authentication failed|no password supplied",
        "the user or the password is wrong: check VOC_DATABASE_URL and VOC_DATABASE_PASSWORD_FILE",
    ),
    (
        r'role "[^"]*" does not exist',
        "there is no such user: check VOC_DATABASE_URL, or run deploy/postgres/roles.sql",
    ),
    (
        r'database "[^"]*" does not exist',
        "make it first: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
    ),
    (r"permission denied for database", "let this user in: GRANT CONNECT ON DATABASE … TO …"),
    (
        r"session is read-only|hot standby mode",
        "no host of VOC_DATABASE_URL takes writes now; after a fail-over this passes by itself",
    ),
    (
        r"too many (clients|connections)|connection slots are reserved",
        "all connections of the server are taken: raise max_connections, or end what holds them",
    ),
    (r"database system is (starting up|shutting down|in recovery mode)", "this passes by itself"),
)


def explain(error: BaseException) -> str:
    """What went wrong and what to do, in one line.

    >>> explain(RuntimeError('connection to server failed: FATAL:  database "shop" does not exist'))
    'PostgreSQL: connection to server failed: FATAL:  database "shop" does not exist; make it ...
    >>> explain(errors.InsufficientPrivilege("permission denied for database voc"))
    'PostgreSQL: permission denied for database voc; `init` and `rebuild` need the role ...
    """
    said = _said(str(error)) or type(error).__name__
    if isinstance(error, NOT_THERE_YET):
        return f"PostgreSQL: {said}; {_INIT}"
    if isinstance(error, errors.InsufficientPrivilege):
        return f"PostgreSQL: {said}; {_RIGHTS}"
    if not _is_about_connecting(said):
        return f"PostgreSQL: {said}"
    advice = next((advice for pattern, advice in _ADVICE if re.search(pattern, said)), _GENERAL)
    return f"PostgreSQL: {said}; {advice}"


def _is_about_connecting(line: str) -> bool:
    return "connection to server" in line or "could not translate host name" in line


def _said(text: str) -> str:
    """The first line; if several hosts were tried in vain, the first line about each."""
    lines = text.strip().splitlines()
    first, others = lines[:1], [line for line in lines[1:] if _is_about_connecting(line)]
    return "; ".join(dict.fromkeys([*first, *others]))
