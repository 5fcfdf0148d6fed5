"""Reads the token of OAUTHBEARER from a file or a command.

Tokens expire, so each connection asks anew. No message repeats the token. Nor does it repeat the
command, which may hold a secret.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from kafka.net.sasl.oauth import AbstractTokenProvider

from voc_stream.errors import VocError

if TYPE_CHECKING:
    from voc_stream.settings import Settings

COMMAND_TIMEOUT_SECONDS = 10.0


class TokenError(VocError, OSError):
    """There is no token now.

    It is an OSError because both libraries then try the broker again.
    """


def read_token(settings: Settings) -> str:
    """The token as file or command give it now. Blocking. Raises TokenError."""
    if settings.kafka_sasl_token_file is not None:
        where = f"VOC_KAFKA_SASL_TOKEN_FILE: {settings.kafka_sasl_token_file}"
        try:
            text = Path(settings.kafka_sasl_token_file).read_text(encoding="ascii")
        except OSError as error:
            raise TokenError(f"{where} cannot be read ({error.strerror})") from error
        except UnicodeDecodeError:
            text = ""
    else:
        where = "the command of VOC_KAFKA_SASL_TOKEN_COMMAND"
        text = _run(str(settings.kafka_sasl_token_command), where)
    token = text.strip()
    # RFC 6750, section 2.1. Anything else could end the message to the broker early.
    if not re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", token):
        raise TokenError(
            f"{where} gives {'no token' if token else 'nothing'}: it must give the token and"
            f" nothing else"
        )
    return token


def _run(command: str, where: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  the operator's own command
            shlex.split(command),
            capture_output=True,
            timeout=COMMAND_TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, ValueError) as error:
        raise TokenError(
            f"{where} cannot be run ({getattr(error, 'strerror', None) or error})"
        ) from None
    except subprocess.TimeoutExpired:
        raise TokenError(f"{where} did not end within {COMMAND_TIMEOUT_SECONDS:.0f} s") from None
    if done.returncode != 0:
        raise TokenError(f"{where} ended with code {done.returncode}; run it by hand to see why")
    return done.stdout.decode("ascii", errors="replace")


class TokenProvider(AbstractTokenProvider):  # type: ignore[misc]  # the library ships no usable types
    """Gives kafka-python the token, from the thread of its connections."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def token(self) -> str:
        """The token of now. Raises TokenError."""
        return read_token(self._settings)
