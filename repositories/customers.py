"""Customers."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from models.customers import Customer
from repositories.asynchronous.document_reads import DocumentRead, PageRead
from repositories.asynchronous.prefetched import prefetchable
from repositories.row_keys import among

CUSTOMERS: Final = DocumentRead(
    """
    SELECT asked.place, row_to_json(customer) AS document
    FROM asked JOIN customer ON customer.organization_id = tenant.id AND customer.id = asked.id
        AND customer.deleted_at IS NULL""",
    Customer,
)
"""Those that are not deleted."""

CUSTOMER_PAGES: Final = PageRead(
    read=CUSTOMERS,
    table="customer",
    listed="deleted_at IS NULL",
    filters={
        # Anywhere in the name, the email and the external id, in any case of letters.
        "search": """(
            strpos(lower(name), lower(%(search)s)) > 0
            OR strpos(lower(email), lower(%(search)s)) > 0
            OR strpos(lower(external_id), lower(%(search)s)) > 0
        )""",
        "test_clock_id": "test_clock_id = %(test_clock_id)s",
    },
)


def insert_customer(session: Session, customer: Customer) -> None:
    """Store a new customer. Raises IntegrityError ``uq_customer_external_id``."""
    session.add(customer)
    session.flush()


def find_customer(session: Session, organization_id: UUID, customer_id: UUID) -> Customer | None:
    """The customer, or None. Deleted ones keep their invoices, so they are included."""
    return session.get(Customer, (organization_id, customer_id))


@prefetchable
def list_by_key(
    session: Session, keys: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Customer]:
    """Those of the customers that there are, deleted or not, named with their organizations."""
    columns = (col(Customer.organization_id), col(Customer.id))
    found = session.exec(select(Customer).where(among(keys, *columns)))
    return {(one.organization_id, one.id): one for one in found}


def lock_customer(session: Session, organization_id: UUID, customer_id: UUID) -> Customer | None:
    """The customer with its row locked, or None. Deleted ones are included."""
    return session.exec(
        select(Customer)
        .where(Customer.organization_id == organization_id, Customer.id == customer_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def soft_delete_on_clock(
    session: Session, organization_id: UUID, test_clock_id: UUID, *, now: datetime
) -> None:
    """Hide every customer that lives on a test clock."""
    session.exec(
        update(Customer)
        .where(
            col(Customer.organization_id) == organization_id,
            col(Customer.test_clock_id) == test_clock_id,
            col(Customer.deleted_at).is_(None),
        )
        .values(deleted_at=now, updated_at=now)
    )
