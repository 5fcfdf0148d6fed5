from __future__ import annotations

import asyncio
import shlex
import sys
from typing import TYPE_CHECKING, Any

import pytest

from voc_stream.kafka.connection import bearer_token
from voc_stream.kafka.connection.bearer_token import TokenError, TokenProvider, read_token
from voc_stream.kafka.connection.faust_credentials import LoopTokenProvider
from voc_stream.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ3b3JrZXIifQ.c2VjcmV0"


def command(script: str) -> Settings:
    return Settings(kafka_sasl_token_command=shlex.join([sys.executable, "-c", script]))


def test_both_libraries_read_the_token_anew_each_time(tmp_path: Path) -> None:
    """Tokens expire, so file or command are asked for each connection."""
    path = tmp_path / "token"
    by_file, by_command = (
        Settings(kafka_sasl_token_file=str(path)),
        command(f"print(open({str(path)!r}).read())"),
    )
    for token in (TOKEN, TOKEN + "renewed"):
        path.write_text(token + "\n")
        for settings in (by_file, by_command):
            assert TokenProvider(settings).token() == token
            assert asyncio.run(LoopTokenProvider(settings).token()) == token


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            Settings(kafka_sasl_token_file="/no/such/token"),
            "VOC_KAFKA_SASL_TOKEN_FILE: /no/such/token cannot be read",
        ),
        (command("pass"), "VOC_KAFKA_SASL_TOKEN_COMMAND gives nothing"),
        (command("print('se cret')"), "gives no token"),
        (command("print('secret\\x01auth')"), "gives no token"),
        (command("import sys; print('secret'); sys.exit('secret')"), "ended with code 1"),
        (Settings(kafka_sasl_token_command="/no/such/program secret"), "cannot be run"),
        (Settings(kafka_sasl_token_command="unbalanced 'secret"), "cannot be run"),
    ],
)
def test_missing_token_is_told_without_showing_any_of_it(settings: Settings, message: str) -> None:
    """As an OSError, which both libraries take for a broker to be tried again.

    Neither output nor command is repeated.
    """
    with pytest.raises(TokenError, match=message) as caught:
        read_token(settings)
    assert isinstance(caught.value, OSError)
    assert "secret" not in str(caught.value)


def test_command_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection must not wait for ever."""
    monkeypatch.setattr(bearer_token, "COMMAND_TIMEOUT_SECONDS", 0.2)
    settings: Any = command("import time; time.sleep(60)")
    with pytest.raises(TokenError, match="did not end"):
        read_token(settings)
