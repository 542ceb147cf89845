"""Rows of the CSV files of Stripe's dashboard, as the objects of its API that they are about."""

from __future__ import annotations

from decimal import Decimal

from cli.migration.exports import instant
from cli.migration.wanted import Body
from cli.output import Refusal


def from_table(row: Body) -> Body:
    """The object of a row. Raises Refusal for a file that is none of Stripe's."""
    if "Price ID" in row:
        return _price_of(row)
    if "Customer ID" in row and "Plan" in row:
        return _subscription_of(row)
    if "Email" in row:
        return _customer_of(row)
    if "Name" in row and row.get("id", "").startswith("prod_"):
        return {"object": "product", "id": row["id"], "name": row["Name"]}
    raise Refusal(f"A table with the columns {', '.join(list(row)[:5])} … is none of Stripe's.")


def _price_of(row: Body) -> Body:
    interval = row.get("Interval")
    recurring = {
        "interval": interval,
        "interval_count": int(row.get("Interval Count") or 1),
        "usage_type": row.get("Usage Type") or "licensed",
    }
    return {
        "object": "price",
        "id": row["Price ID"],
        "type": "recurring" if interval else "one_time",
        "product": {"id": row["Product ID"], "name": row["Product Name"]},
        "currency": row["Currency"],
        "billing_scheme": row.get("Billing Scheme") or "per_unit",
        "amount": row["Amount"] and Decimal(row["Amount"]),
        "recurring": recurring if interval else None,
    }


def _customer_of(row: Body) -> Body:
    return {
        "object": "customer",
        "id": row["id"],
        "email": row["Email"],
        "name": row.get("Name"),
        "phone": row.get("Phone"),
        "address": {
            "line1": row.get("Address Line1"),
            "line2": row.get("Address Line2"),
            "city": row.get("Address City"),
            "state": row.get("Address State"),
            "postal_code": row.get("Address Postal Code"),
            "country": row.get("Address Country"),
        },
    }


def _subscription_of(row: Body) -> Body:
    item = {
        "price": {"id": row["Plan"]},
        "quantity": int(row.get("Quantity") or 1),
        "current_period_end": int(instant(row["Current Period End (UTC)"]).timestamp()),
    }
    return {
        "object": "subscription",
        "id": row["id"],
        "customer": row["Customer ID"],
        "status": row["Status"],
        "cancel_at_period_end": row.get("Cancel At Period End", "").lower() == "true",
        "items": {"data": [item]},
    }
