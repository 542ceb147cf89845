"""Fluxrate's client: usage billing from Python."""

from fluxrate_client.answers import Answer
from fluxrate_client.client import VERSION, AsyncFluxrate, Fluxrate
from fluxrate_client.errors import (
    ApiError,
    BadRequest,
    Conflict,
    ConnectionFailed,
    FluxrateError,
    Forbidden,
    Invalid,
    NoTag,
    NotFound,
    NotSignedIn,
    PreconditionFailed,
    ServerFailed,
    TooManyRequests,
)
from fluxrate_client.pages import AsyncPages, Page, Pages
from fluxrate_client.retries import NEVER, Retries
from fluxrate_client.test_clocks import StillAdvancing
from fluxrate_client.usage import EventsRejected, RejectedEvent

__all__ = [
    "NEVER",
    "VERSION",
    "Answer",
    "ApiError",
    "AsyncFluxrate",
    "AsyncPages",
    "BadRequest",
    "Conflict",
    "ConnectionFailed",
    "EventsRejected",
    "Fluxrate",
    "FluxrateError",
    "Forbidden",
    "Invalid",
    "NoTag",
    "NotFound",
    "NotSignedIn",
    "Page",
    "Pages",
    "PreconditionFailed",
    "RejectedEvent",
    "Retries",
    "ServerFailed",
    "StillAdvancing",
    "TooManyRequests",
]
