"""Reads what a worker tells over HTTP: whether it is ready, and how much still waits."""

from __future__ import annotations

import urllib.request
from http.client import HTTPException
from urllib.error import HTTPError

TIMEOUT_SECONDS = 2.0
LAG_METRIC = "voc_consumer_lag_events{"


def is_ready(worker_url: str) -> bool:
    """Whether the worker takes in events."""
    return _read(f"{worker_url}/readyz") is not None


def why_not_ready(worker_url: str) -> str:
    """What a worker says that it waits for, the first reason first; '' if it says nothing."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(f"{worker_url}/readyz", timeout=TIMEOUT_SECONDS).close()
    except HTTPError as error:
        with error:
            return str(error.read().decode()).partition("\n")[0]
    except (OSError, HTTPException):
        return ""
    return ""


def lag_events(worker_url: str) -> int | None:
    """Messages in Kafka that are not yet in the tables, as last measured by the worker.

    Returns None if it does not tell.
    """
    text = _read(f"{worker_url}/metrics")
    if text is None:
        return None
    samples = [
        float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(LAG_METRIC)
    ]
    return int(sum(samples)) if samples else None


def _read(url: str) -> str | None:
    # A proxy is for other machines.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT_SECONDS) as answer:
            content: bytes = answer.read()
    except (OSError, HTTPException):
        return None
    return content.decode()
