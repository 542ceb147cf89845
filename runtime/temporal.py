"""One way to reach Temporal, for the API, the worker, the replayer and the tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from logging import getLogger
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client, Interceptor
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    MetricBuffer,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from temporalio.service import RPCError, RPCStatusCode, TLSConfig

from runtime.payloads.converter import converter_of
from runtime.settings import Settings

RETENTION = timedelta(days=30)
"""How long a namespace of ours keeps the histories of workflows that have ended."""

NAMESPACE_TRIES = 20

LIBRARY_LOGGER = "temporalio.core"
"""What Temporal's library says in lines of its own comes by it into lines of ours."""

_Answer = TypeVar("_Answer")


def make_runtime(metrics: MetricBuffer | None = None) -> Runtime:
    """What clients of a process are connected with: the library's lines are ours, redacted as all.

    ``metrics`` takes what it measures. It has threads: a process makes one.
    """
    forwarding = LogForwardingConfig(getLogger(LIBRARY_LOGGER), append_target_to_name=False)
    logging = LoggingConfig(TelemetryFilter("WARN", "ERROR"), forwarding=forwarding)
    return Runtime(telemetry=TelemetryConfig(logging=logging, metrics=metrics))


async def connect(
    address: str,
    namespace: str = "default",
    *,
    lazy: bool = False,
    runtime: Runtime | None = None,
    interceptors: Sequence[Interceptor] = (),
    codec_keys: Sequence[str] = (),
) -> Client:
    """A client of the namespace; ``runtime`` measures its calls, ``interceptors`` trace them.

    The first of ``codec_keys`` seals what workflows are told, and all of them open it.

    ``lazy`` puts the connection off until the first call, so that a process which needs Temporal
    only now and then starts while Temporal is away.
    """
    return await Client.connect(
        address,
        namespace=namespace,
        data_converter=converter_of(codec_keys),
        lazy=lazy,
        runtime=runtime,
        interceptors=interceptors,
    )


async def connect_by(
    settings: Settings,
    address: str,
    *,
    lazy: bool = False,
    runtime: Runtime | None = None,
    interceptors: Sequence[Interceptor] = (),
) -> Client:
    """A client as the settings say: its namespace, its keys, and how it shows who it is.

    ``address`` is theirs or the embedded server's; the rest is as :func:`connect` has it.
    """
    api_key = settings.temporal_api_key
    return await Client.connect(
        address,
        namespace=settings.temporal_namespace,
        data_converter=converter_of(settings.shown_codec_keys),
        tls=_tls_of(settings),
        api_key=None if api_key is None else api_key.get_secret_value(),
        lazy=lazy,
        runtime=runtime,
        interceptors=interceptors,
    )


def _tls_of(settings: Settings) -> TLSConfig | bool:
    """By whose certificates Temporal is trusted and trusts us; whether at all.

    A named one is read anew with every client, so that a renewed one holds after a restart.
    """
    name, api_key = settings.temporal_tls_name, settings.temporal_api_key
    files = (
        settings.temporal_tls_ca,
        settings.temporal_tls_certificate,
        settings.temporal_tls_key,
    )
    is_implied = any(one is not None for one in (name, api_key, *files))
    if not (is_implied if settings.temporal_tls is None else settings.temporal_tls):
        return False
    trusted, certificate, key = (None if file is None else file.read_bytes() for file in files)
    return TLSConfig(
        server_root_ca_cert=trusted, domain=name, client_cert=certificate, client_private_key=key
    )


async def register_namespace(client: Client, *, retention: timedelta = RETENTION) -> bool:
    """The client's namespace exists; returns whether it is new. Idempotent by name."""
    try:
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(
                namespace=client.namespace,
                workflow_execution_retention_period=Duration(
                    seconds=int(retention.total_seconds())
                ),
            )
        )
    except RPCError as error:
        if error.status is RPCStatusCode.ALREADY_EXISTS:
            return False
        raise
    return True


async def register_search_attributes(client: Client, attributes: Mapping[str, str]) -> int:
    """The namespace knows the attributes (name and kind); returns how many were new.

    Idempotent by name.
    """
    known = await _answer_about_namespace(lambda: list_search_attributes(client))
    missing = {
        name: IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{kind.upper()}")
        for name, kind in attributes.items()
        if name not in known
    }
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )
    return len(missing)


async def list_search_attributes(client: Client) -> set[str]:
    """The names of the attributes that the namespace knows."""
    answer = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    return set(answer.custom_attributes)


async def _answer_about_namespace(ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
    # The server's parts learn of a new namespace one after the other, within seconds.
    for _ in range(NAMESPACE_TRIES):
        try:
            return await ask()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            await asyncio.sleep(1)
    return await ask()
