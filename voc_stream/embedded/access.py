"""Decides who may connect to the PostgreSQL of `up`: one ordinary role.

Only the user who started `up` can read its password. The server's superuser has no password, so
nobody logs in as it over the network. What needs it is done in single-user mode, as the system user
who owns the data. In a folder of an earlier version every user of the machine was superuser. Such a
folder is closed in the same way, with all that it holds.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from voc_stream.embedded.data_dir import write_private
from voc_stream.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROLE = "voc"
SUPERUSER = "postgres"
PASSWORD_FILE = "postgres.password"  # noqa: S105  the name of the file, not what it holds
_HOST_BASED_AUTHENTICATION = "host all all 127.0.0.1/32 scram-sha-256\n"
# The statements stand one on a line: in single-user mode a line's end is a statement's end. Each
# may be repeated. `initdb` made the first role, whose number is always 10: no role can rename or
# demote itself.
_STATEMENTS = """\
UPDATE pg_authid SET rolname = '{superuser}' WHERE oid = 10;
ALTER ROLE {superuser} PASSWORD NULL;
DO $$BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \
THEN CREATE ROLE {role}; END IF; END$$;
ALTER ROLE {role} NOSUPERUSER CREATEROLE LOGIN PASSWORD '{password}';
ALTER DATABASE {database} OWNER TO {role};
DO $$DECLARE what text; BEGIN FOR what IN \
SELECT format('ALTER SCHEMA %I OWNER TO {role}', nspname) FROM pg_namespace \
WHERE nspname IN ('voc', 'voc_bi') UNION ALL \
SELECT format('ALTER TABLE %s OWNER TO {role}', oid::regclass) FROM pg_class \
WHERE relkind IN ('r', 'v') AND relnamespace IN \
(SELECT oid FROM pg_namespace WHERE nspname IN ('voc', 'voc_bi')) \
LOOP EXECUTE what; END LOOP; END$$;
"""


def close_to_others(data: Path, database: str, run_alone: Callable[[str], None]) -> str:
    """Let nobody in but `ROLE`, unless that was done before; returns its password.

    Args:
        data: the folder of the stopped server. The password lies beside it, in `PASSWORD_FILE`.
        database: database that the role shall own, with the schemas of voc_stream in it.
        run_alone: runs statements in that database in single-user mode, also on the system's own
            tables. Raises EmbeddedError.
    """
    path = data.with_name(PASSWORD_FILE)
    try:
        if path.exists():
            return path.read_text(encoding="ascii").strip()
        password = secrets.token_urlsafe(24)
        run_alone(
            _STATEMENTS.format(superuser=SUPERUSER, role=ROLE, password=password, database=database)
        )
        (data / "pg_hba.conf").write_text(_HOST_BASED_AUTHENTICATION, encoding="ascii")
        write_private(path, password + "\n")  # last: until it is there, all of this is done again
    except OSError as error:
        raise EmbeddedError(
            f"{error.filename}: {error.strerror}; start `up` as the user who started it first"
        ) from error
    return password
