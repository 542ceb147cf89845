"""What workflows are told is sealed by the operator's keys, on the real engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest
from google.protobuf.json_format import MessageToDict
from starlette.testclient import TestClient
from temporalio import activity, workflow
from temporalio.api.common.v1 import Payloads
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from cli.keeping.codec_server import MOST_BYTES, make_codec_app
from runtime.payloads.codec import PayloadKeyMissing, SealedPayloads
from runtime.payloads.converter import DATA_CONVERTER, converter_of
from runtime.temporal import connect

CANARY, FIRST, SECOND = "zqcanaryqz", "f" * 31 + "1", "s" * 31 + "2"
UI = "https://temporal.internal.example:8233"
TOKEN = "an operator's token of the tests, long enough"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a workflow is told."""

    word: str


@activity.defn
async def repeat_word(told: Told) -> Told:
    """The same again; a word that is wrong is quoted, as a driver would."""
    if told.word.startswith("wrong"):
        raise ApplicationError(
            f"{told.word}\nDETAIL:  Key (email)=({told.word}) exists.", non_retryable=True
        )
    return told


@workflow.defn
class SealedWorkflow:
    """Waits for a word, then repeats it by a step."""

    def __init__(self) -> None:
        self._word: str | None = None

    @workflow.signal
    def say(self, told: Told) -> None:
        """Here is the word."""
        self._word = told.word

    @workflow.query
    def word(self) -> str | None:
        """The word."""
        return self._word

    @workflow.run
    async def run(self, told: Told) -> Told:
        """Repeat what was said at the end."""
        await workflow.wait_condition(lambda: self._word is not None)
        assert self._word is not None
        said = Told(word=told.word + self._word)
        return await workflow.execute_local_activity(
            repeat_word, said, start_to_close_timeout=timedelta(seconds=30), summary="Repeats"
        )


class Engine:
    """Clients and workers with one set of keys or another, on one queue."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.queue = f"sealed-{uuid4()}"

    async def client(self, *keys: str) -> Client:
        return await connect(self.address, codec_keys=keys)

    async def worker(self, *keys: str) -> Worker:
        return Worker(
            await self.client(*keys),
            task_queue=self.queue,
            workflows=[SealedWorkflow],
            activities=[repeat_word],
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_cached_workflows=0,
        )

    async def start(self, *keys: str, word: str = CANARY) -> WorkflowHandle[SealedWorkflow, Told]:
        client = await self.client(*keys)
        return await client.start_workflow(
            SealedWorkflow.run,
            Told(word=word),
            id=f"sealed/{uuid4()}",
            task_queue=self.queue,
            static_summary="A summary",
        )

    async def handle(
        self, of: WorkflowHandle[SealedWorkflow, Told], *keys: str
    ) -> WorkflowHandle[SealedWorkflow, Told]:
        client = await self.client(*keys)
        return client.get_workflow_handle_for(SealedWorkflow.run, of.id)


@pytest.fixture
def engine(temporal_address: str) -> Engine:
    return Engine(temporal_address)


async def history_of(handle: WorkflowHandle[SealedWorkflow, Told]) -> bytes:
    """Every byte that the engine has of it."""
    history = await handle.fetch_history()
    return b"".join(event.SerializeToString() for event in history.events)


async def test_history_holds_nothing_in_the_clear(engine: Engine) -> None:
    async with await engine.worker(FIRST):
        handle = await engine.start(FIRST)
        await handle.signal(SealedWorkflow.say, Told(word=f"-{CANARY}"))

        assert await handle.result() == Told(word=f"{CANARY}-{CANARY}")
        assert await handle.query(SealedWorkflow.word) == f"-{CANARY}"
    history = await history_of(handle)
    assert CANARY.encode() not in history
    assert b"A summary" not in history
    assert b"Repeats" not in history
    assert history.count(b"binary/encrypted") >= 4


async def test_failure_says_what_happened_only_to_whoever_has_the_key(engine: Engine) -> None:
    async with await engine.worker(FIRST):
        handle = await engine.start(FIRST, word=f"wrong {CANARY}")
        await handle.signal(SealedWorkflow.say, Told(word=""))

        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
    assert f"wrong {CANARY}" in str(caught.value.cause)
    assert CANARY.encode() not in await history_of(handle)


async def test_failure_in_the_clear_quotes_no_row(engine: Engine) -> None:
    async with await engine.worker():
        handle = await engine.start(word=f"wrong {CANARY}@harbor.example")
        await handle.signal(SealedWorkflow.say, Told(word=""))

        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
    assert CANARY not in str(caught.value.cause)
    assert "DETAIL: [redacted]" in str(caught.value.cause)


async def test_plain_history_goes_on_sealed(engine: Engine) -> None:
    handle = await engine.start()
    async with await engine.worker(FIRST):
        sealed = await engine.handle(handle, FIRST)
        await sealed.signal(SealedWorkflow.say, Told(word="-sealed"))

        assert await sealed.result() == Told(word=f"{CANARY}-sealed")
    history = await history_of(handle)
    assert CANARY.encode() in history
    assert b"-sealed" not in history


async def test_key_is_replaced_while_a_workflow_runs(engine: Engine) -> None:
    handle = await engine.start(FIRST)
    async with await engine.worker(SECOND, FIRST):
        later = await engine.handle(handle, SECOND, FIRST)
        await later.signal(SealedWorkflow.say, Told(word="-later"))

        assert await later.result() == Told(word=f"{CANARY}-later")
    first, second = (_key_id(key) for key in (FIRST, SECOND))
    history = await history_of(handle)
    assert first in history
    assert second in history


@pytest.mark.parametrize("keys", [(), (SECOND,)], ids=["no key", "another key"])
async def test_worker_without_the_key_says_so_and_nothing_is_lost(
    engine: Engine, keys: Sequence[str]
) -> None:
    handle = await engine.start(FIRST)
    await handle.signal(SealedWorkflow.say, Told(word="-kept"))
    async with await engine.worker(*keys):
        message = await _failure_of_a_task(handle)
    assert "FLUXRATE_TEMPORAL_CODEC_KEYS" in message
    assert _key_id(FIRST).decode() in message

    async with await engine.worker(FIRST):
        assert await handle.result() == Told(word=f"{CANARY}-kept")


async def _failure_of_a_task(handle: WorkflowHandle[SealedWorkflow, Told]) -> str:
    async with asyncio.timeout(60):
        while True:
            for event in (await handle.fetch_history()).events:
                failed = event.workflow_task_failed_event_attributes
                if failed.HasField("failure"):
                    return str(failed.failure)  # with its causes, as the Web UI shows it
            await asyncio.sleep(0.2)


def _key_id(key: str) -> bytes:
    return next(iter(SealedPayloads([key])._ciphers)).encode()


async def test_payload_that_was_changed_is_refused() -> None:
    codec = SealedPayloads([FIRST])
    [sealed] = await codec.encode(DATA_CONVERTER.payload_converter.to_payloads([CANARY]))
    sealed.data = sealed.data[:-1] + bytes([sealed.data[-1] ^ 1])

    with pytest.raises(PayloadKeyMissing):
        await codec.decode([sealed])


async def test_sealed_payload_is_not_sealed_twice() -> None:
    codec = SealedPayloads([FIRST])
    once = await codec.encode(DATA_CONVERTER.payload_converter.to_payloads([CANARY]))

    assert await codec.encode(once) == once


def test_without_keys_nothing_is_in_the_way_of_payloads() -> None:
    assert converter_of([]) is DATA_CONVERTER
    assert DATA_CONVERTER.payload_codec is None


class WebUi:
    """What the Web UI in a browser asks the codec server."""

    def __init__(self) -> None:
        self.client = TestClient(make_codec_app([SECOND, FIRST], ui_url=f"{UI}/", token=TOKEN))

    def decode(self, body: str, token: str = TOKEN, origin: str = UI) -> tuple[int, str, str]:
        headers = {"Origin": origin, "Content-Type": "application/json", "X-Namespace": "default"}
        answer = self.client.post(
            "/decode", content=body, headers=headers, auth=("operator", token)
        )
        return (
            answer.status_code,
            answer.headers.get("access-control-allow-origin", ""),
            answer.text,
        )


async def _sealed_body(key: str) -> str:
    payloads = await SealedPayloads([key]).encode(
        DATA_CONVERTER.payload_converter.to_payloads([CANARY])
    )
    return json.dumps(MessageToDict(Payloads(payloads=payloads)))


@pytest.mark.parametrize("key", [FIRST, SECOND])
async def test_web_ui_is_shown_what_any_of_the_keys_sealed(key: str) -> None:
    status, allowed, text = WebUi().decode(await _sealed_body(key))

    assert (status, allowed) == (200, UI)
    [payload] = json.loads(text)["payloads"]
    assert payload["data"] == "InpxY2FuYXJ5cXoi"  # base64 of the canary as JSON


async def test_codec_server_opens_nothing_for_strangers() -> None:
    body = await _sealed_body(FIRST)

    assert WebUi().decode(body, token="wrong")[0] == 401
    assert WebUi().decode(body, origin="https://evil.example")[1] == ""
    assert WebUi().decode(await _sealed_body("x" * 32))[0] == 400


@pytest.mark.parametrize("body", ["", "{", '{"payloads": 3}', "\x00"])
def test_codec_server_refuses_what_is_no_payload(body: str) -> None:
    assert WebUi().decode(body)[0] == 400


def test_codec_server_reads_no_more_than_a_page_of_a_history() -> None:
    assert WebUi().decode("x" * (MOST_BYTES + 1))[0] == 413


def test_browser_may_ask_from_the_web_ui_alone() -> None:
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-namespace",
    }
    client = WebUi().client

    good = client.options("/decode", headers={"Origin": UI, **asked})
    bad = client.options("/decode", headers={"Origin": "https://evil.example", **asked})

    assert good.headers["access-control-allow-origin"] == UI
    assert good.headers["access-control-allow-credentials"] == "true"
    assert bad.status_code == 400
    assert client.get("/").status_code == 401
    assert client.get("/", auth=("operator", TOKEN)).status_code == 200
