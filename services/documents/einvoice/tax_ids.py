"""Tax ids: which are VAT numbers, how they are addressed over Peppol, and their check digits."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from services.documents.einvoice.values import Identifier
from services.documents.view import Party

try:
    from stdnum import get_cc_module
except ImportError:  # the extra einvoice is not there
    IS_INSTALLED = False
else:
    IS_INSTALLED = True

_ADDRESS_SCHEMES: Final = {
    "AD": "9922",
    "AL": "9923",
    "AT": "9914",
    "BA": "9924",
    "BE": "9925",
    "BG": "9926",
    "CH": "9927",
    "CY": "9928",
    "CZ": "9929",
    "DE": "9930",
    "DK": "0184",
    "EE": "9931",
    "EL": "9933",
    "ES": "9920",
    "FI": "0213",
    "FR": "9957",
    "GB": "9932",
    "HR": "9934",
    "HU": "9910",
    "IE": "9935",
    "IT": "0211",
    "LI": "9936",
    "LT": "9937",
    "LU": "9938",
    "LV": "9939",
    "MC": "9940",
    "ME": "9941",
    "MK": "9942",
    "MT": "9943",
    "NL": "9944",
    "NO": "0192",
    "PL": "9945",
    "PT": "9946",
    "RO": "9947",
    "RS": "9948",
    "SE": "0007",
    "SI": "9949",
    "SK": "9950",
    "SM": "9951",
    "TR": "9952",
    "VA": "9953",
}
"""The scheme by which Peppol finds a company by its VAT number (ISO/IEC 6523 and EAS)."""

_ORGANIZATION_NUMBERS: Final = {"NO": slice(2, 11), "SE": slice(2, 12)}
"""Which part of a VAT number is the number that Peppol knows the company by, where not all is."""

_OTHER_PREFIXES: Final = {"GR": "EL"}
_OTHER_COUNTRIES: Final = {"EL": "gr", "XI": "gb"}


def vat_id_of(party: Party) -> str | None:
    """The party's VAT number, without spaces; None if its tax id is no such number (BR-CO-09)."""
    plain = "".join((party.tax_id or "").split()).upper()
    prefix = plain[:2]
    country = (party.country or "").upper()
    known = {country, _OTHER_PREFIXES.get(country), "XI"} | _ADDRESS_SCHEMES.keys()
    has_number = any(one.isdecimal() for one in plain[2:])
    return plain if has_number and prefix.isalpha() and prefix in known else None


def peppol_address_of(vat_id: str) -> Identifier | None:
    """The electronic address of whoever has a VAT number, or None.

    Worked example: ``SE556188840401`` is 5561888404 in the scheme 0007.
    """
    country = vat_id[:2]
    scheme = _ADDRESS_SCHEMES.get(country)
    part = _ORGANIZATION_NUMBERS.get(country, slice(None))
    return None if scheme is None else Identifier(value=vat_id[part], scheme=scheme)


@lru_cache(maxsize=4096)
def has_right_digits(vat_id: str) -> bool:
    """Whether a VAT number's check digits are right, as far as its country's rule is known."""
    prefix = vat_id[:2]
    rule = get_cc_module(_OTHER_COUNTRIES.get(prefix, prefix.lower()), "vat")
    return rule is None or bool(rule.is_valid(vat_id) or rule.is_valid(vat_id[2:]))
