"""Which declines are for good: trying the same method again is of no use, or forbidden.

Source: Stripe's pages on decline codes and on advice codes, read in November 2026.
"""

from __future__ import annotations

from typing import Final

from integrations.gateways.fields import Fields

_FOR_GOOD: Final = frozenset(
    {
        # The card is gone, or was taken from somebody.
        "lost_card",
        "stolen_card",
        "pickup_card",
        "restricted_card",
        "fraudulent",
        "merchant_blacklist",
        "security_violation",
        # It is over, or there never was one.
        "expired_card",
        "incorrect_number",
        "invalid_number",
        "invalid_account",
        "new_account_information_available",
        "no_account",
        "account_closed",
        "bank_account_restricted",
        "bank_account_unusable",
        "debit_not_authorized",
        # The customer took the permission back.
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stop_payment_order",
        # It cannot do this at all.
        "card_not_supported",
        "currency_not_supported",
        "do_not_try_again",
    }
)


def code_of(error: Fields) -> str | None:
    """The most exact name that Stripe has for a failure."""
    return error.find_words("decline_code") or error.find_words("code")


def is_for_good(error: Fields) -> bool:
    """Whether a failed try says that the next would fail too."""
    if error.find_words("advice_code") == "do_not_try_again":
        return True
    return not _FOR_GOOD.isdisjoint({error.find_words("decline_code"), error.find_words("code")})
