"""The whole product in one process: API over HTTP, worker with the sandbox on, relay."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import uvicorn
from pydantic import SecretStr

from activities.charges import Gateways
from cli.composition import ApiProcess
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.payment_gateways import connect_gateways, install_gateways
from runtime.sealing import carried_by
from runtime.settings import Settings
from runtime.temporal import connect
from services.accounts.sign_up_policy import SignUpPolicy
from tests import passwords
from worker import build_worker, now

SECRET = "a secret that only tests know, long enough"


def settings_for(database_url: str, temporal_address: str) -> Settings:
    """Settings of a product whose workflows nobody else's workers serve."""
    return Settings(
        _env_file=None,
        DATABASE_URL=database_url,
        TEMPORAL_ADDRESS=temporal_address,
        task_queue=f"queue-{uuid4()}",
        secret_key=SecretStr(SECRET),
        workflow_sandbox=True,
        signup=SignUpPolicy.OPEN,
        worker_activity_slots=8,
        worker_workflow_task_slots=12,
        worker_cached_workflows=150,  # in the sandbox each holds modules of its own
    )


class Product:
    """Serves on a free port from ``start`` to ``stop``; the worker may be left out."""

    def __init__(
        self,
        settings: Settings,
        *,
        with_worker: bool = True,
        gateways: Gateways | None = None,
        is_told: bool = False,
    ) -> None:
        """``is_told``: the sandbox gateway reaches the product where it is served."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        if is_told:
            reached = {"public_url": self.url, "allow_private_webhooks": True}
            settings = settings.model_copy(update=reached)
        assert settings.database_url
        assert settings.temporal_address
        self.settings = settings
        self._with_worker = with_worker
        self._gateways = gateways
        self._api = ApiProcess(
            settings, settings.database_url, settings.temporal_address, passwords=passwords.QUICK
        )
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failure: BaseException | None = None

    def start(self) -> Product:
        """Serve; returns when requests are answered."""
        self._thread.start()
        assert self._ready.wait(60), "the product did not start"
        if self._failure is not None:
            raise self._failure
        return self

    def stop(self) -> None:
        """Stop serving; what was acknowledged is stored."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive(), "the product did not stop"

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001  handed to the test, which waits in start()
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        config = uvicorn.Config(self._api.build(), log_level="warning", lifespan="on")
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # not the main thread
        serving = asyncio.create_task(server.serve(sockets=[self._socket]))
        while not server.started:
            await asyncio.sleep(0.01)
            if serving.done():
                serving.result()
        if self._with_worker:
            await self._work_until_stopped()
        else:
            self._ready.set()
            await self._stop.wait()
        server.should_exit = True
        await serving

    async def _work_until_stopped(self) -> None:
        assert self._stop is not None
        settings = self.settings
        assert settings.database_url
        assert settings.temporal_address
        engine = create_application_engine(settings.database_url, pool_size=12)
        client = await connect(settings.temporal_address, namespace=settings.temporal_namespace)
        installed = install_gateways(engine, settings, now=now)
        with ThreadPoolExecutor(max_workers=settings.worker_activity_slots) as executor:
            async with build_worker(
                client,
                Transactions(engine, carried=carried_by(settings)),
                settings,
                executor,
                gateways=self._gateways or connect_gateways(settings, installed),
            ):
                self._ready.set()
                await self._stop.wait()
        engine.dispose()
