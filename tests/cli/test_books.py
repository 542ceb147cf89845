"""``fluxrate books journal``: what the API exports, as a file of an operator's."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from billing.books.formats import JournalFormat
from cli.main import app
from models.accounts.organizations import OrganizationDirectory
from models.base import new_id
from repositories.transactions import Transactions
from services.customers import CreateCustomer, CustomerDetails, create_customer
from services.invoicing import manual, payment_status
from tests.services.books.ledgers import write
from tests.services.conftest import transactions
from tests.services.shop import NOW, Shop, open_shop

__all__ = ["transactions"]


@pytest.fixture
def shop(transactions: Transactions) -> Shop:
    """An organization that sold something, beside another one."""
    for sold in (open_shop(transactions), open_shop(transactions)):
        with transactions.for_organization(sold.organization_id) as session:
            session.add(OrganizationDirectory(id=sold.organization_id))
    line = manual.ManualLine(description="Setup", quantity=Decimal(1), unit_amount=Decimal(35))
    details = CustomerDetails(name="Harbor", email="a@harbor.test", billing_address_country="GB")
    customer = sold.do(create_customer, CreateCustomer(details=details))
    written = manual.ManualInvoice(
        customer_id=customer.id, currency="USD", due_date=NOW, lines=(line,)
    )
    sold.do(payment_status.finalize, sold.do(manual.create_invoice, written).id)
    return sold


def run(database_url: str, *words: str) -> Result:
    return CliRunner().invoke(app, ["books", "journal", *words], env={"DATABASE_URL": database_url})


@pytest.mark.parametrize("language", JournalFormat)
def test_journal_is_what_the_api_exports(
    shop: Shop, module_database_url: str, tmp_path: Path, language: JournalFormat
) -> None:
    whose = ["--organization", str(shop.organization_id), "--format", language.value]
    file = tmp_path / "journal"
    whole = write(shop.transactions, shop.organization_id, language)
    earlier = write(
        shop.transactions, shop.organization_id, language, date(1990, 1, 1), date(2020, 1, 1)
    )

    shown = run(module_database_url, *whose)
    written = run(module_database_url, *whose, "--to", "2020-01-01", "-o", str(file))

    assert shown.stdout_bytes.decode() == whole
    assert (written.exit_code, written.stdout) == (0, "")
    assert file.read_bytes().decode() == earlier
    assert len(whole) > len(earlier)
    assert [*tmp_path.iterdir()] == [file]


def test_what_cannot_be_is_refused(shop: Shop, module_database_url: str) -> None:
    whose = ["--organization", str(shop.organization_id)]

    days = run(module_database_url, *whose, "--from", "2026-02-02", "--to", "2026-02-01")
    unknown = run(module_database_url, "--organization", str(new_id()))
    several = run(module_database_url)

    assert str(days.exception) == "--to must not lie before --from."
    assert "There is no organization" in str(unknown.exception)
    assert "name one by --organization" in str(several.exception)
    assert f"\n{shop.organization_id}  " in str(several.exception)
