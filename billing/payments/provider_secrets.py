"""Which secrets a connection has, what they look like, and whether they are of a test mode.

Source: CONTRACT 68, 102.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from billing.errors import InvalidInput
from billing.payments.gateways import Provider

SANDBOX_FIELD: Final = "secret"
"""The one secret of a connection to the sandbox gateway, which nobody gives: it is made here."""

# Printable ASCII: whatever else came along by copying would end up in a header, or in no signature.
_WITHOUT_BLANKS: Final = re.compile(r"[!-~]{1,500}", re.ASCII)
_CHOSEN: Final = re.compile(r"[!-~](?:[ -~]{0,498}[!-~])?", re.ASCII)

_SHAPES: Final[Mapping[Provider, Mapping[str, tuple[re.Pattern[str], str]]]] = MappingProxyType(
    {
        Provider.SANDBOX: {},
        Provider.STRIPE: {
            "secret_key": (
                re.compile(r"(?:sk|rk)_(?:test|live)_[A-Za-z0-9_]{8,490}", re.ASCII),
                "begins with sk_test_, sk_live_, rk_test_ or rk_live_",
            ),
            "webhook_secret": (
                re.compile(r"whsec_[A-Za-z0-9+/=_-]{8,490}", re.ASCII),
                "begins with whsec_",
            ),
        },
        Provider.RAZORPAY: {
            "key_id": (
                re.compile(r"rzp_(?:test|live)_[A-Za-z0-9]{4,490}", re.ASCII),
                "begins with rzp_test_ or rzp_live_",
            ),
            "key_secret": (_WITHOUT_BLANKS, "is without blanks"),
            "webhook_secret": (_CHOSEN, "is of printable ASCII, without blanks around it"),
        },
    }
)

_TEST_MODE: Final[Mapping[Provider, tuple[str, tuple[str, ...]]]] = MappingProxyType(
    {
        Provider.STRIPE: ("secret_key", ("sk_test_", "rk_test_")),
        Provider.RAZORPAY: ("key_id", ("rzp_test_",)),
    }
)


def check_secrets(provider: Provider, secrets: Mapping[str, str]) -> None:
    """Nothing follows if the secrets are all that the provider needs, and look like its own.

    Raises: InvalidInput ``invalid_secret``, naming the field and never showing what was in it.
    """
    shapes = _SHAPES[provider]
    for field in sorted(secrets.keys() - shapes.keys()):
        raise _invalid(field, f"{provider} has no {field}.")
    for field, (shape, words) in shapes.items():
        if not isinstance(value := secrets.get(field), str) or not shape.fullmatch(value):
            raise _invalid(field, f"The {field} of {provider} {words}.")


def is_test_secret(provider: Provider, secrets: Mapping[str, str]) -> bool:
    """Whether no real money moves with these secrets. The sandbox moves none at all."""
    if provider not in _TEST_MODE:
        return provider is Provider.SANDBOX
    field, beginnings = _TEST_MODE[provider]
    return secrets.get(field, "").startswith(beginnings)


def _invalid(field: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, code="invalid_secret", field=field)
