"""Gives Faust the settings of a secure connection; Faust hands them to aiokafka."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiokafka.abc import AbstractTokenProvider
from faust import auth

from voc_stream.kafka.connection.bearer_token import read_token
from voc_stream.kafka.connection.security import check_security, has_sasl, tls_context
from voc_stream.settings import SettingsError

if TYPE_CHECKING:
    from voc_stream.settings import Settings


class LoopTokenProvider(AbstractTokenProvider):  # type: ignore[misc]  # the library ships no usable types
    """Gives aiokafka the token; its loop does not wait for a command."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def token(self) -> str:
        """The token of now. Raises TokenError."""
        return await asyncio.get_running_loop().run_in_executor(None, read_token, self._settings)


def faust_credentials(settings: Settings) -> auth.Credentials | None:
    """What a Faust app is given; None for plain connections. Raises SettingsError."""
    check_security(settings)
    context = tls_context(settings)
    credentials: auth.Credentials | None = None
    if not has_sasl(settings):
        credentials = None if context is None else auth.SSLCredentials(context)
    elif settings.kafka_sasl_mechanism == "OAUTHBEARER":
        credentials = auth.OAuthCredentials(
            oauth_cb=LoopTokenProvider(settings), ssl_context=context
        )
    else:
        credentials = auth.SASLCredentials(
            username=settings.kafka_sasl_username,
            password=settings.kafka_sasl_password,
            mechanism=settings.kafka_sasl_mechanism,
            ssl_context=context,
        )
    # Faust chooses the protocol by what it is given. Without a context it would send the password
    # in the clear.
    protocol = "PLAINTEXT" if credentials is None else credentials.protocol.value
    if protocol != settings.kafka_security_protocol:
        raise SettingsError(
            f"VOC_KAFKA_SECURITY_PROTOCOL is {settings.kafka_security_protocol}, but Faust would"
            f" use {protocol}"
        )
    return credentials
