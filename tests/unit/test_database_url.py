from __future__ import annotations

import pytest
from psycopg2.extensions import parse_dsn

from voc_stream.database_url import PARAMETERS, check_url, has_password, with_password
from voc_stream.settings import Settings, SettingsError, load_settings

ACCEPTED = {
    "postgres://voc@db/voc": {"host": "db", "user": "voc", "dbname": "voc"},
    "postgresql://voc:p%40ss%2Fword%25@db:5433/voc": {"password": "p@ss/word%", "port": "5433"},
    "postgresql://a:1,b:2,c/voc?target_session_attrs=read-write": {"host": "a,b,c", "port": "1,2,"},
    "postgresql://voc@[2001:db8::1]:5433,[::1]/voc": {"host": "2001:db8::1,::1", "port": "5433,"},
    "postgresql://voc@%2Frun%2Fpostgresql/voc": {"host": "/run/postgresql"},
    "postgresql:///voc?host=/run/postgresql&port=5433": {"host": "/run/postgresql", "port": "5433"},
    "postgresql://db?dbname=voc&sslmode=verify-full&sslrootcert=/etc/ca.pem": {
        "dbname": "voc",
        "sslrootcert": "/etc/ca.pem",
    },
    "postgresql://库@数据库/客户": {"user": "库", "dbname": "客户"},
}
REFUSED = (
    "mysql://voc:s3cret@db/voc",
    "s3cret:s3cret@db",
    "voc:s3cret",
    "",
    "postgresql://voc:s3cret@db",
    "postgresql://voc:s3cret@db/",
    "postgresql://voc:s3cret@db:s3cret/voc",
    "postgresql://voc:s3cret@db:70000/voc",
    "postgresql://voc:s3cret@db:0/voc",
    "postgresql://voc:s3cret@db:1,other:s3cret/voc",
    "postgresql://voc:s3c@s3cret@db/voc",
    "postgresql://voc:s3/s3cret@db/voc",
    "postgresql://voc:s3cret:@/s3cret@db:1/voc",
    "postgresql://voc:s3cret%@db/voc",
    "postgresql://voc:s3cret%zz@db/voc",
    "postgresql://voc:s3cret%00@db/voc",
    "postgresql://voc:s3cret@db/voc?sslmod=require",
    "postgresql://voc:s3cret@db/voc\nhost=other",
    "postgresql://voc:s3cret@db/voc?sslmode",
    "postgresql://voc:s3cret@db/voc?options=-csearch_path=s3cret",
)


@pytest.mark.parametrize("url", ACCEPTED)
def test_what_libpq_reads_is_accepted(url: str) -> None:
    """Several hosts, both schemes, IPv6, sockets and parameters.

    An address means what libpq says it means.
    """
    assert check_url(url) == url
    assert ACCEPTED[url].items() <= parse_dsn(url).items()


@pytest.mark.parametrize("url", REFUSED)
def test_what_libpq_would_misread_is_refused_without_quoting_it(url: str) -> None:
    """A wrong address ends with a sentence before anything starts.

    A password in the wrong place is not repeated.
    """
    with pytest.raises(SettingsError, match=r"^VOC_DATABASE_URL must be postgresql://") as caught:
        load_settings({"VOC_DATABASE_URL": url})
    assert "s3cret" not in str(caught.value)


def test_mistyped_parameter_is_named() -> None:
    """The message says which parameter is meant."""
    with pytest.raises(ValueError, match="no parameter 'sslmod', did you mean sslmode"):
        check_url("postgresql://voc@db/voc?sslmod=require")


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_is_one_of_libpq(name: str) -> None:
    """The list is that of the library."""
    assert parse_dsn(f"postgresql://db/voc?{name}=1")[name]


def test_password_of_its_own_is_put_into_the_address() -> None:
    """Whatever characters it has, it reaches libpq whole; the settings' own text holds none."""
    for password in ("s3cret", "p@ss/w?rd&x=1#%25 ", "密码"):
        for url in ("postgresql://voc@a:1,b/voc", "postgres://voc@db/voc?sslmode=require"):
            settings = Settings(database_url=url, database_password=password)
            assert parse_dsn(settings.require_database_url())["password"] == password
            assert password not in repr(settings)
            assert has_password(with_password(url, password))


def test_two_passwords_are_refused() -> None:
    """Which of the two is meant is not guessed."""
    for url in ("postgresql://voc:other@db/voc", "postgresql://voc@db/voc?password=other"):
        with pytest.raises(SettingsError, match="both hold a password") as caught:
            Settings(database_url=url, database_password="s3cret").require_database_url()
        assert "s3cret" not in str(caught.value)
        assert "other" not in str(caught.value)
