"""A PostgreSQL that asks for TLS and a password, as companies run it.

Who gets in, and what whoever does not is told.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
from builders import messages
from click.testing import CliRunner
from integration.postgres.crowd import crowd
from integration.postgres.store import Store, send
from postgres_server import PostgresServer, programs_of

from voc_stream.cli import main
from voc_stream.embedded.processes.tcp_ports import LOOPBACK, free_port
from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.schema.migrate import migrate
from voc_stream.postgres.session.connection import asking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.catalogue.model import Catalogue

pytestmark = pytest.mark.deploy

NAME, PASSWORD = "localhost", "s3cret-Wörd"
ACCESS = f"""
host    all  voc     {LOOPBACK}/32  trust
hostssl shop worker  {LOOPBACK}/32  scram-sha-256
hostssl none worker  {LOOPBACK}/32  scram-sha-256
hostssl shop nobody  {LOOPBACK}/32  trust
hostssl shut worker  {LOOPBACK}/32  scram-sha-256
"""


class Secured:
    """The running server, and the files of the authorities."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self.server, self.authority, self.stranger = (
            server,
            folder / "authority.pem",
            folder / "stranger.pem",
        )

    def url(
        self,
        *,
        user: str = f"worker:{PASSWORD}",
        host: str = NAME,
        database: str = "shop",
        more: str = "",
    ) -> str:
        """An address as an operator writes it: verify-full, and the authority that signed."""
        return f"postgresql://{user}@{host}:{self.server.port}/{database}?sslmode=verify-full&sslrootcert={self.authority}{more}"


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    """A server with a certificate for one name, and users with passwords."""
    authority, stranger = trustme.CA(), trustme.CA()
    certificate = authority.issue_cert(NAME)
    with tempfile.TemporaryDirectory(prefix="voc-tests-") as name:
        folder = Path(name)
        authority.cert_pem.write_to_path(folder / "authority.pem")
        stranger.cert_pem.write_to_path(folder / "stranger.pem")
        certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        # The wheel's own programs speak no TLS.
        server = PostgresServer(folder, programs=programs_of("17.7.0"), access=ACCESS)
        [placed] = server.place(folder / "server.pem")
        server.set(ssl="on", ssl_cert_file=placed, ssl_key_file=placed)
        with server:
            server.ask(f"CREATE ROLE worker LOGIN CREATEROLE PASSWORD '{PASSWORD}'")
            server.ask("CREATE DATABASE shop OWNER worker")
            server.ask("CREATE DATABASE shut")
            server.ask("REVOKE CONNECT ON DATABASE shut FROM PUBLIC")
            yield Secured(server, folder)


def test_verify_full_works_from_init_to_the_last_row(
    secured: Secured, catalogue: Catalogue
) -> None:
    """Encrypted, with the server's name and its authority checked, and the password by SCRAM."""
    migrate(secured.url())
    values = messages(crowd(20))
    with Store(secured.url(), catalogue) as store:
        send(store.sink(0), values)
        assert store.one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        store.assert_as_expected(values, names=["touchpoint_event", "customer"])


CASES = {
    "wrong authority": (
        {"more": "&sslrootcert={stranger}"},
        r"no authority that is trusted here signed the server's certificate",
    ),
    "missing authority": (
        {"more": "&sslrootcert=/no/such.pem"},
        r"no authority that is trusted here signed the server's certificate",
    ),
    "wrong name": ({"host": LOOPBACK}, r"certificate of the server is for another name"),
    "wrong password": (
        {"user": "worker:other"},
        r"user or the password is wrong: check VOC_DATABASE_URL and VOC_DATABASE_PASSWORD_FILE",
    ),
    "no password": ({"user": "worker"}, r"user or the password is wrong"),
    "no such user": (
        {"user": "nobody"},
        r"there is no such user: check VOC_DATABASE_URL, or run deploy/postgres/roles.sql",
    ),
    "no such database": ({"database": "none"}, r"make it first: CREATE DATABASE"),
    "no line in pg_hba.conf": (
        {"database": "postgres"},
        r"pg_hba\.conf of the server has no line that lets this user",
    ),
    "no line for plain text": (
        {"more": "&sslmode=disable"},
        r"pg_hba\.conf of the server has no line that lets this user",
    ),
    "may not connect": ({"database": "shut"}, r"let this user in: GRANT CONNECT"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_refusal_has_its_sentence(
    secured: Secured, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """`init`, a worker and `status` say in one line what is wrong and what to do.

    No line repeats a password.
    """
    changes, sentence = CASES[case]
    url = secured.url(
        **{**changes, "more": changes.get("more", "").format(stranger=secured.stranger)}
    )
    said = []
    with pytest.raises(StoreUnavailableError, match=sentence) as caught:
        migrate(url)
    said.append(str(caught.value))
    with (
        Store(url, catalogue) as store,
        pytest.raises(StoreUnavailableError, match=sentence) as caught,
    ):
        store.sink().positions([])
    said.append(str(caught.value))
    monkeypatch.setenv("VOC_DATABASE_URL", url)
    result = CliRunner().invoke(main, ["status"])
    assert result.exit_code == 1
    said.append(result.stderr.strip())
    assert all(
        len(text.splitlines()) == 1
        and PASSWORD not in text
        and "other" not in text.replace("another", "")
        for text in said
    ), said
    assert sentence.replace("\\", "") in said[-1]


def test_server_without_tls_has_its_sentence(postgres_url: str) -> None:
    """Who asks for TLS never falls back to plain text."""
    with (
        pytest.raises(StoreUnavailableError, match=r"the server speaks no TLS on this port"),
        asking(f"{postgres_url}?sslmode=require"),
    ):
        pass


def test_every_host_that_was_tried_is_named(secured: Secured) -> None:
    """One may be away, and another refuse: both are said."""
    url = secured.url(user="worker:other", host=f"{NAME}:{free_port()},{NAME}")
    with (
        pytest.raises(
            StoreUnavailableError,
            match=r"Connection refused.*; connection to server .*password authentication failed",
        ),
        asking(url),
    ):
        pass
