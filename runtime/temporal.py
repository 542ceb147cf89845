"""One way to reach Temporal, for the API, the worker, the replayer and the tests."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter

DATA_CONVERTER: DataConverter = pydantic_data_converter
"""Carries dataclasses, aware datetimes, enums and decimals without losing a digit."""


async def connect(address: str, namespace: str = "default", *, lazy: bool = False) -> Client:
    """A client of the namespace.

    ``lazy`` puts the connection off until the first call, so that a process which needs Temporal
    only now and then starts while Temporal is away.
    """
    return await Client.connect(
        address, namespace=namespace, data_converter=DATA_CONVERTER, lazy=lazy
    )


async def register_search_attributes(client: Client, attributes: Mapping[str, str]) -> int:
    """The namespace knows the attributes (name and kind); returns how many were new.

    Idempotent by name.
    """
    service = client.operator_service
    known = await service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {
        name: IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{kind.upper()}")
        for name, kind in attributes.items()
        if name not in known.custom_attributes
    }
    if missing:
        await service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )
    return len(missing)
