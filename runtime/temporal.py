"""One way to reach Temporal, for the API, the worker, the replayer and the tests."""

from __future__ import annotations

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter

DATA_CONVERTER: DataConverter = pydantic_data_converter
"""Carries dataclasses, aware datetimes, enums and decimals without losing a digit."""


async def connect(address: str, *, namespace: str = "default", lazy: bool = False) -> Client:
    """A client of the namespace.

    ``lazy`` puts the connection off until the first call, so that a process which needs Temporal
    only now and then starts while Temporal is away.
    """
    return await Client.connect(
        address, namespace=namespace, data_converter=DATA_CONVERTER, lazy=lazy
    )
