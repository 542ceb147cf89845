"""The lists of the console: what each shows of the API's, and where its rows lead."""

from __future__ import annotations

from typing import Final

from billing.invoicing.invoices import InvoiceStatus
from billing.payments.kinds import PaymentStatus
from billing.subscriptions import SubscriptionStatus
from console.workspace.frame import HOME
from console.workspace.lists import Cell, Column, Filter, Listing


def _text(name: str) -> Cell:
    return lambda row, _: "–" if row.get(name) is None else str(row[name])


def _words(name: str) -> Cell:
    return lambda row, values: values.words(str(row[name] or ""))


def _instant(name: str) -> Cell:
    return lambda row, values: values.instant(row[name])


def _day(name: str) -> Cell:
    return lambda row, values: values.day(row[name])


def _money(name: str) -> Cell:
    return lambda row, values: values.money(row[name], row["currency"])


def _column(title: str, name: str, cell: Cell | None = None, **kind: bool) -> Column:
    return Column(title=title, cell=cell or _text(name), raw=lambda row: row.get(name), **kind)


CUSTOMERS: Final = Listing(
    title="Customers",
    path="/customers",
    columns=(
        _column("Name", "name"),
        _column("External id", "external_id"),
        _column("Email", "email"),
        _column("Country", "billing_address_country"),
        _column("Created", "created_at", _day("created_at")),
    ),
    filters=(
        Filter(name="q", title="Name, email or external id"),
        Filter(name="test_clock_id", title="Test clock"),
    ),
    link=lambda row: f"{HOME}/customers/{row['id']}",
    empty="Customers come with their first event, or by POST /customers.",
)

SUBSCRIPTIONS: Final = Listing(
    title="Subscriptions",
    path="/subscriptions",
    columns=(
        _column("Customer", "customer_name"),
        _column("Plan", "plan_name"),
        _column("Status", "status", _words("status"), is_status=True),
        _column("Period ends", "current_period_end", _instant("current_period_end")),
        _column("Started", "start_date", _day("start_date")),
        _column("Subscription", "id"),
    ),
    filters=(
        Filter(name="status", title="Status", choices=tuple(SubscriptionStatus), is_tab=True),
        Filter(name="customer_id", title="Customer"),
        Filter(name="period_ends_before", title="Period ends before"),
        Filter(name="test_clock_id", title="Test clock"),
        Filter(name="on_test_clock", title="On a test clock", choices=("true", "false")),
        Filter(name="needs_attention", title="Needs attention", choices=("true", "false")),
    ),
    link=lambda row: f"{HOME}/subscriptions/{row['id']}",
    empty="A subscription puts a customer on a plan: POST /subscriptions.",
)

INVOICES: Final = Listing(
    title="Invoices",
    path="/invoices",
    columns=(
        _column("Number", "invoice_number"),
        _column("Status", "status", _words("status"), is_status=True),
        _column("Total", "total", _money("total"), is_number=True),
        _column("Due", "amount_due", _money("amount_due"), is_number=True),
        _column("Issued", "issue_date", _day("issue_date")),
        _column("Due date", "due_date", _day("due_date")),
    ),
    filters=(
        Filter(name="status", title="Status", choices=tuple(InvoiceStatus), is_tab=True),
        Filter(name="customer_id", title="Customer"),
        Filter(name="subscription_id", title="Subscription"),
    ),
    link=lambda row: f"{HOME}/invoices/{row['id']}",
    empty="An invoice is drafted as the first period of a subscription ends.",
)

PAYMENTS: Final = Listing(
    title="Payments",
    path="/payments",
    columns=(
        _column("At", "at", _instant("at")),
        _column("Amount", "amount", _money("amount"), is_number=True),
        _column("Status", "status", _words("status"), is_status=True),
        _column("By", "kind", _words("kind")),
        _column("Why not", "error"),
        _column("Reference", "reference"),
    ),
    filters=(
        Filter(name="status", title="Status", choices=tuple(PaymentStatus), is_tab=True),
        Filter(name="invoice_id", title="Invoice"),
        Filter(name="customer_id", title="Customer"),
    ),
    link=lambda row: f"{HOME}/invoices/{row['invoice_id']}",
    empty="Payments are recorded by hand, or come by a connected gateway.",
)

DUNNING: Final = Listing(
    title="Dunning",
    path="/reports/scheduled-payments",
    columns=(
        _column("Invoice", "invoice_number"),
        _column("Left to pay", "amount_due", _money("amount_due"), is_number=True),
        _column("Due", "due_date", _day("due_date")),
        _column("Tried in vain", "failed_tries", is_number=True),
        Column(
            title="Next",
            cell=lambda row, values: values.words(row["next"]["action"]),
            raw=lambda row: row["next"]["action"],
        ),
        Column(
            title="At",
            cell=lambda row, values: values.instant(row["next"]["due_at"]),
            raw=lambda row: row["next"]["due_at"],
        ),
    ),
    link=lambda row: f"{HOME}/invoices/{row['invoice_id']}",
    empty="Nothing is due by itself. What is charged again, reminded of and given up stands here,"
    " the soonest first; what was given up and is still due stands among the open invoices.",
    by_cursor=True,
)

METERS: Final = Listing(
    title="Meters",
    path="/meters",
    columns=(
        _column("Name", "name"),
        _column("Meter name", "meter_name"),
        _column("Aggregation", "aggregation_type"),
        _column("Unit", "unit"),
        _column("Status", "status", _words("status"), is_status=True),
    ),
    link=lambda row: f"{HOME}/meters/{row['id']}",
    empty="A meter says how events are counted: POST /meters.",
)

PLANS: Final = Listing(
    title="Plans",
    path="/plans",
    columns=(
        _column("Name", "name"),
        _column("Lookup id", "lookup_id"),
        _column("Type", "type", _words("type")),
        _column("Interval", "billing_interval"),
        _column("Currency", "currency"),
        _column("Version", "version", is_number=True),
    ),
    filters=(Filter(name="is_active", title="Active", choices=("true", "false")),),
    link=lambda row: f"{HOME}/plans/{row['id']}",
    empty="A plan has charges, each priced by a meter or fixed: POST /plans.",
)

AUDIT: Final = Listing(
    title="Audit log",
    path="/audit",
    columns=(
        _column("At", "at", _instant("at")),
        _column("Action", "action", _words("action")),
        _column("By", "actor"),
        _column("Object", "object_type", _words("object_type")),
        _column("Object id", "object_id"),
        _column("Request", "request_id"),
    ),
    filters=(
        Filter(name="actor", title="By"),
        Filter(name="action", title="Action"),
        Filter(name="object_type", title="Kind of object"),
        Filter(name="object", title="Object id"),
        Filter(name="since", title="From", is_day=True),
        Filter(name="until", title="Until", is_day=True),
    ),
    empty="Every change by people is listed here.",
)

EVENTS: Final = Listing(
    title="Events",
    path="/usage",
    columns=(
        _column("At", "timestamp", _instant("timestamp")),
        Column(
            title="Quantity",
            cell=lambda row, values: values.number(row["quantity"]),
            raw=lambda row: row["quantity"],
            is_number=True,
        ),
        Column(
            title="Counted",
            cell=lambda row, _: _why(row),
            is_status=True,
        ),
        _column("Key", "idempotency_key"),
        _column("Arrived", "ingested_at", _instant("ingested_at")),
    ),
    filters=(
        Filter(name="meter_id", title="Meter"),
        Filter(name="customer_id", title="Customer"),
        Filter(name="counted", title="Counted", choices=("true", "false")),
        Filter(name="late", title="Late", choices=("true", "false")),
        Filter(name="voided", title="Voided", choices=("true", "false")),
        Filter(name="start_date", title="From", is_day=True),
        Filter(name="end_date", title="Until", is_day=True),
        Filter(name="changed_after", title="Changed after"),
        Filter(name="through", title="Arrived up to"),
    ),
    empty="Send one: POST /usage.",
    template="events.html",
)


def _why(row: object) -> str:
    """Whether an event counts, and if not, why."""
    assert isinstance(row, dict)
    if row["voided"]:
        return "Voided"
    if row["paused"]:
        return "Paused"
    if not row["counted"]:
        return "Not counted"
    return ("Late" if row["late"] else "Counted") + (", amended" if row["amended"] else "")


LISTINGS: Final = {
    "customers": CUSTOMERS,
    "subscriptions": SUBSCRIPTIONS,
    "invoices": INVOICES,
    "payments": PAYMENTS,
    "dunning": DUNNING,
    "events": EVENTS,
    "meters": METERS,
    "plans": PLANS,
    "audit": AUDIT,
}
