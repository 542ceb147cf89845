"""The organization's settings, as one form."""

from __future__ import annotations

from typing import Final

from billing.invoicing.kinds import DocumentLanguage
from console.workspace.actions import Action, Entry, Field
from console.workspace.asking import Member
from console.workspace.frame import Screen
from services.accounts.roles import MANAGE

FLAG: Final = ("true", "false")


def _text(name: str, title: str) -> Field:
    return Field(name=name, title=title, clears=True)


UPDATE: Final = Action(
    title="Save",
    path="/organization",
    call="/organization",
    back="/organization",
    needs=MANAGE,
    method="PATCH",
    fields=(
        Field(name="name", title="Name", is_required=True),
        _text("legal_name", "Registered name"),
        _text("tax_id", "Tax id"),
        _text("registration_number", "Registration number"),
        _text("billing_address_line1", "Street and number"),
        _text("billing_address_postal_code", "Postal code"),
        _text("billing_address_city", "City"),
        _text("billing_address_country", "Country"),
        _text("contact_name", "Contact"),
        _text("contact_email", "Contact's email"),
        Field(name="timezone", title="Time zone", is_required=True),
        Field(name="currency", title="Currency of new plans", is_required=True),
        Field(
            name="document_language",
            title="Language of documents",
            entry=Entry.CHOICE,
            choices=tuple(DocumentLanguage),
        ),
        Field(name="payment_terms_days", title="Due after days", entry=Entry.NUMBER),
        Field(name="grace_period_minutes", title="Grace of drafts in minutes", entry=Entry.NUMBER),
        Field(name="auto_email", title="Mail final invoices", entry=Entry.FLAG, choices=FLAG),
        Field(
            name="auto_create_customers",
            title="Usage creates customers",
            entry=Entry.FLAG,
            choices=FLAG,
        ),
        Field(
            name="require_second_factor",
            title="All members need an authenticator",
            entry=Entry.FLAG,
            choices=FLAG,
        ),
    ),
)
ACTIONS: Final = (UPDATE,)


async def show_organization(member: Member) -> Screen:
    """How the organization is called, where it is, and by what it bills."""
    organization = await member.get("/organization")
    written = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in organization.items()
    }
    return Screen(
        template="organization.html",
        title="Organization",
        values={"update": UPDATE.offer(values=written)},
    )
