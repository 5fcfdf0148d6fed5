"""What tests share.

One embedded PostgreSQL and one broker a session, started by the first test that needs them.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from voc_stream.settings import Settings, without_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    import psycopg2.extensions

    from voc_stream.catalogue.model import Catalogue

TEMPLATE = "voc_template"
QUICK = ("tests/unit/", "tests/integration/", "tests/contract/", "voc_stream/")
"""Where no test takes so long that its name is wanted on the screen while it runs."""
_numbers = itertools.count()
_reporter: pytest.TerminalReporter | None = None


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--broker=apache` runs the same tests on Apache Kafka."""
    parser.addoption(
        "--broker",
        choices=("embedded", "apache"),
        default="embedded",
        help="which broker the tests run on",
    )


def pytest_xdist_auto_num_workers() -> int:
    """One process more than processors: tests wait for servers half of their time."""
    return (os.cpu_count() or 1) + 1


def forget_settings(environ: MutableMapping[str, str]) -> None:
    """Take out what whoever runs the tests has set for commands, as README says.

    `export VOC_CONFIG=.voc/voc.toml`.
    """
    for name in environ.keys() - without_settings(environ).keys():
        del environ[name]


def pytest_configure(config: pytest.Config) -> None:
    """Tests have settings of their own. Say at once, and once, what Apache Kafka lacks here."""
    forget_settings(os.environ)
    # Both limits are of the clock on the wall: on a busy machine they fail what is right.
    hypothesis_settings.register_profile(
        "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    hypothesis_settings.load_profile("busy machine")
    if config.getoption("--broker") == "apache":
        from apache_kafka import ApacheKafkaError, install_kafka, java

        try:
            java()
            install_kafka()
        except ApacheKafkaError as error:
            raise pytest.UsageError(str(error)) from error


def pytest_sessionstart(session: pytest.Session) -> None:
    """Find what writes to the terminal."""
    global _reporter  # noqa: PLW0603  the hook that needs it gets no session
    if session.config.get_verbosity() == 0:
        _reporter = session.config.pluginmanager.get_plugin("terminalreporter")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by what it starts, so that no mark can be forgotten.

    Those that start nothing come first.
    """
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if "postgres_url" in fixtures:
            item.add_marker(pytest.mark.postgres)
        if "broker" in fixtures:
            item.add_marker(pytest.mark.broker)
    items.sort(key=_starts)


def _starts(item: pytest.Item) -> int:
    """How much a test starts: nothing, PostgreSQL, a broker, whole services.

    Of the last the long ones come first, so that at the end no process waits for another.
    """
    if item.nodeid.startswith("tests/model/"):
        return 2  # nothing, but for a minute: at the end only one process of tests would be busy
    if not item.nodeid.startswith(QUICK):
        return 3 if item.get_closest_marker("slow") else 4
    return (
        2 if item.get_closest_marker("broker") else 1 if item.get_closest_marker("postgres") else 0
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logstart(nodeid: str, location: tuple[str, int | None, str]) -> None:  # noqa: ARG001  pytest's signature
    """Say which test runs where one may take a while: dots alone would stand still."""
    if _reporter is not None and not nodeid.startswith(QUICK):
        _reporter.ensure_newline()
        _reporter.write(f"{nodeid} ")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of the session's PostgreSQL, of a database that no test writes to."""
    from voc_stream.embedded.postgres import Postgres
    from voc_stream.embedded.processes.tcp_ports import free_port

    # Not pytest's own folder: a second session of the same user closes that one to the server's
    # user.
    with (
        tempfile.TemporaryDirectory(prefix="voc-tests-") as folder,
        Postgres(Path(folder), free_port()) as server,
    ):
        yield server.url


@pytest.fixture(scope="session")
def migrated_template(postgres_url: str) -> str:
    """Name of a migrated database that is copied for each test."""
    from voc_stream.postgres.schema.migrate import migrate

    with _administration(postgres_url) as cursor:
        cursor.execute(f"CREATE DATABASE {TEMPLATE}")
    migrate(_database(postgres_url, TEMPLATE))
    return TEMPLATE


@pytest.fixture
def database_url(postgres_url: str, migrated_template: str) -> Iterator[str]:
    """URL of a fresh, migrated database of this test alone."""
    name = f"voc_test_{next(_numbers)}"
    with _administration(postgres_url) as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
    yield _database(postgres_url, name)
    with _administration(postgres_url) as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest) -> Iterator[str]:
    """`host:port` of the session's broker, of the kind that `--broker` names."""
    from apache_kafka import KafkaCluster

    from voc_stream.embedded.broker import Broker
    from voc_stream.embedded.processes.tcp_ports import free_port

    with tempfile.TemporaryDirectory(prefix="voc-tests-") as name:
        folder = Path(name)
        apache = request.config.getoption("--broker") == "apache"
        with KafkaCluster(folder) if apache else Broker(folder, free_port()) as server:
            yield server.bootstrap


@pytest.fixture
def topic_prefix() -> str:
    """A prefix of topic names that no other test uses."""
    return f"test-{uuid4().hex[:12]}."


@pytest.fixture
def settings(database_url: str, broker: str, topic_prefix: str) -> Settings:
    """Settings of a service of this test's own: fresh database, own topics, own consumer group."""
    return Settings(
        kafka_bootstrap=broker,
        database_url=database_url,
        topic_prefix=topic_prefix,
        group=f"{topic_prefix}group",
        web_port=0,
        partitions=2,
        broker_session_timeout_seconds=6,
    )


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The packaged automotive catalogue."""
    from voc_stream.catalogue.load import load_catalogue

    return load_catalogue()


@contextmanager
def _administration(url: str) -> Iterator[psycopg2.extensions.cursor]:
    """A cursor outside any transaction, on a connection that is closed afterwards.

    CREATE DATABASE needs both, on a template.
    """
    import psycopg2

    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        yield connection.cursor()
    finally:
        connection.close()


def _database(url: str, name: str) -> str:
    return f"{url.rpartition('/')[0]}/{name}"
