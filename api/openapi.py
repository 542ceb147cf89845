"""What ``/openapi.json`` says beyond types: access, errors, repeats, and the ingestion routes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import Final

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from api.access import sessions
from api.access.cookie_names import ACCESS_COOKIE, HOST_PREFIX
from api.admission.people import get_person_in_turn
from api.document.corrections import correct
from api.document.descriptions import describe_further
from api.document.examples import add_examples
from api.document.headers import PARAMETERS, share_headers
from api.document.operations import Document, operations
from api.document.parameters import describe_parameters
from api.document.problem_schema import PROBLEM
from api.document.problems import describe_problems
from api.document.samples import add_samples
from api.document.webhooks import add_webhooks
from api.ingestion.openapi import add_ingestion
from api.openapi_conditions import describe_conditions
from api.transport import idempotency
from api.transport.conditional.resources import list_resources
from api.transport.deprecations import describe_deprecation, read_deprecations
from api.transport.route import Router
from services.accounts.roles import MANAGE, ROLES, roles_that_reach

TAGS: Final = (
    ("Authentication", "Sign up, log in, stay logged in, log out; one's own account."),
    ("Members", "Who is in the organization, in which role, and who is asked to join."),
    ("API keys", "How backends authenticate."),
    ("Organization", "How the organization bills."),
    ("Features", "What plans grant: metered usage, switches, custom values."),
    ("Meters", "What is counted, and how."),
    ("Plans", "Charges and entitlements, in immutable versions."),
    ("Customers", "Who is billed."),
    ("Search", "Anything by its name, its number or its id."),
    ("Tax rates", "What is added where."),
    ("Subscriptions", "A customer on a plan, served by one durable workflow."),
    ("Invoices", "What was billed, and why it is exactly that much."),
    ("Credit notes", "What was given back, never more than was billed."),
    ("Payments", "What was paid, what it settled, and what went back."),
    ("Books", "What was billed, paid and written off in double entry, and what is due."),
    ("Credits", "Prepaid credit: what was granted, what is left of it, and every movement."),
    ("Coupons", "What is taken off the bills of those who redeem it."),
    ("Webhooks", "What happens is told to addresses of yours, signed, until it has arrived."),
    ("Gateways", "Accounts at payment providers, and what they tell of payments."),
    ("Documents", "Invoices and credit notes as files for people, with their evidence inside."),
    ("Proof", "What proves an invoice: arithmetic, receipts, and a recomputation by anybody."),
    ("Mail", "Documents reach customers, and what they are told is yours to write."),
    ("Portal", "Pages for customers: a link to one invoice, a token for their own account."),
    ("Usage", "Events: recorded once, counted exactly."),
    ("Test clocks", "Years of billing in seconds."),
    ("Audit", "Who did what."),
    ("Health", "Probes and metrics."),
)

DESCRIPTION: Final = (
    "Numbers are exact: JSON numbers with all their digits. A parser that keeps only binary floats"
    " asks with the header `Fluxrate-Numbers: string`: then every number of an answer is a decimal"
    " string. Unknown query parameters and fields are refused with 422."
)

SECURITY_SCHEMES: Final[Document] = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": ACCESS_COOKIE,
        "description": "Set by signing up, logging in and refreshing. Over https it is called"
        f" `{HOST_PREFIX}{ACCESS_COOKIE}`.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The same access token in a header.",
    },
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A key with the scope that the operation names.",
    },
}

INGESTION_SCOPE: Final = "usage.write"
INGESTION_NAMES: Final = {
    "/sdk/track": "track_usage",
    "/usage": "record_usage",
    "/usage/batch": "record_usage_batch",
}

PEOPLE: Final = (sessions.get_person, get_person_in_turn)
"""By what a route asks for anybody in a session."""


def install(app: FastAPI, routers: Sequence[Router], prefix: str) -> None:
    """``/openapi.json`` describes the application completely; it is made when first asked for."""

    def describe() -> Document:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app, routers, prefix)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]  # the documented way to extend it
    app.state.written_document = _WrittenDocument(describe)


class _WrittenDocument:
    """The document's bytes, written when they are first asked for and kept: they are millions."""

    def __init__(self, describe: Callable[[], Document]) -> None:
        self._describe = describe
        self._alone = Lock()
        self._written: bytes | None = None

    def __call__(self) -> bytes:
        with self._alone:
            if self._written is None:
                self._written = bytes(JSONResponse(self._describe()).body)
            return self._written


def _describe(app: FastAPI, routers: Sequence[Router], prefix: str) -> Document:
    document = add_ingestion(_describe_routes(app))
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["securitySchemes"] = SECURITY_SCHEMES
    routes = dict(_routes(routers, prefix))
    resources = list_resources(routes.values(), prefix)
    for path, method, operation in operations(document):
        if (route := routes.get((path, method))) is not None:
            _describe_route(operation, route, method)
        elif (name := INGESTION_NAMES.get(path.removeprefix(prefix))) is not None:
            operation["operationId"] = name
            describe_further(operation)
            _require_scope(operation, INGESTION_SCOPE)
        only_reads = route is not None and _only_reads(route.dependant)
        describe_conditions(operation, path, method, resources, only_reads=only_reads)
        describe_parameters(operation)
        operation.setdefault("security", [])
        operation["summary"] = _summarize(operation)
        describe_problems(operation, method)
        describe_deprecation(operation, read_deprecations().get((method.upper(), path)))
    add_examples(document)
    add_samples(document)
    corrected = correct(document)
    share_headers(corrected)
    add_webhooks(corrected)
    return corrected


def _describe_routes(app: FastAPI) -> Document:
    return get_openapi(
        servers=[{"url": "/", "description": "The installation that gave this document."}],
        contact={"name": "Whoever operates this installation"},
        license_info={"name": "Apache 2.0", "identifier": "Apache-2.0"},
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in TAGS],
    )


def _routes(routers: Sequence[Router], prefix: str) -> Iterator[tuple[tuple[str, str], APIRoute]]:
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                for method in route.methods or ():
                    yield (f"{prefix}{route.path}", method.lower()), route


def _describe_route(operation: Document, route: APIRoute, method: str) -> None:
    describe_further(operation)
    _tell_access(operation, route.dependant)
    if method == "post" and _opens_transaction(route.dependant):
        operation.setdefault("parameters", []).append(PARAMETERS[idempotency.HEADER])


def _summarize(operation: Document) -> str:
    """What is done, without what is said about it after a colon, a semicolon or a full stop."""
    told: str = operation.get("description") or operation["summary"]
    line = told.partition("\n")[0]
    return re.split(r"[:;.](?: |$)", line, maxsplit=1)[0]


def _tell_access(operation: Document, dependant: Dependant) -> None:
    calls = list(_dependants(dependant))
    scopes = [scope for one in calls for scope in one.own_oauth_scopes or ()]
    if any(one.call is sessions.get_manager for one in calls):
        _require(operation, "Needs a session of an owner or admin.", "session", "bearer")
        operation["x-roles"] = roles_that_reach(MANAGE)
    elif any(one.call in PEOPLE for one in calls):
        _require(operation, "Needs a session, in any role.", "session", "bearer")
        operation["x-roles"] = list(ROLES)
    elif scopes:
        _require_scope(operation, scopes[0])


def _require_scope(operation: Document, scope: str) -> None:
    _require(operation, f"Needs the scope `{scope}`.", "session", "bearer", "api_key")
    operation["x-scopes"] = [scope]
    operation["x-roles"] = roles_that_reach(scope)


def _require(operation: Document, note: str, *schemes: str) -> None:
    operation["security"] = [{scheme: []} for scheme in schemes]
    operation["description"] = f"{operation.get('description', '')}\n\n{note}".strip()


def _opens_transaction(dependant: Dependant) -> bool:
    openers = {sessions.open_writing, sessions.open_managing, sessions.open_members}
    return any(one.call in openers for one in _dependants(dependant))


def _only_reads(dependant: Dependant) -> bool:
    return any(one.call is sessions.open_reading for one in _dependants(dependant))


def _dependants(dependant: Dependant) -> Iterator[Dependant]:
    for one in dependant.dependencies:
        yield one
        yield from _dependants(one)
