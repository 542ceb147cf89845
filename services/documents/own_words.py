"""What the product itself calls a line or gives as a reason, in the language of a document.

Rows keep it in English, as it was issued and signed; here it is said again when it is shown, from
what kind of line it is. What people wrote stays as they wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from billing.invoicing.kinds import DocumentLanguage
from billing.invoicing.own_words import (
    ABOVE_COMMITMENT,
    CARRIED_CREDIT,
    CARRIED_REASON,
    COMMITMENT_CORRECTION,
    CORRECTED_REASON,
    CORRECTION,
    EARLIER_CREDIT,
    NOT_PAID_REASON,
    REFUNDED_REASON,
    SETTLED,
    SOLD_CREDIT,
    TRUE_UP,
)
from billing.invoicing.tax_categories import EXEMPTIONS, Exemption, TaxCategory
from billing.periods import Period
from billing.rating.groups import Group, GroupKind
from billing.rating.lines import LineType, PricedLine
from services.documents.formats import Formats
from services.documents.view import Correction, DocumentLine

_TRUE_UPS: Final = {
    TRUE_UP: "line_true_up",
    ABOVE_COMMITMENT: "line_above_commitment",
    COMMITMENT_CORRECTION: "line_commitment_correction",
}

_REASONS: Final = {
    CARRIED_REASON: "reason_carried",
    CORRECTED_REASON: "reason_corrected",
    NOT_PAID_REASON: "reason_not_paid",
    REFUNDED_REASON: "reason_refunded",
}
_EXEMPTIONS: Final = {
    EXEMPTIONS[TaxCategory.EXEMPT].reason: "exemption_exempt",
    EXEMPTIONS[TaxCategory.REVERSE_CHARGE].reason: "exemption_reverse_charge",
    EXEMPTIONS[TaxCategory.INTRA_COMMUNITY].reason: "exemption_intra_community",
    EXEMPTIONS[TaxCategory.EXPORT].reason: "exemption_export",
    EXEMPTIONS[TaxCategory.OUTSIDE].reason: "exemption_outside",
    SETTLED: "exemption_settled",
}


def name_of_line(one: DocumentLine, formats: Formats, words: Mapping[str, str]) -> str:
    """What a line is called: a plan's and a charge's own names are as they were given."""
    line = one.priced
    if formats.language == DocumentLanguage.ENGLISH:
        return line.name
    match line.type:
        case LineType.CREDIT if line.name == EARLIER_CREDIT:
            return words["line_credit"]
        case LineType.ADJUSTMENT if line.name == CARRIED_CREDIT:
            return words["line_carried"]
        case LineType.TRUE_UP:
            return words[_TRUE_UPS[line.name]]
        case LineType.LATE_USAGE | LineType.INVOICED_BEFORE:
            return f"{words[_of_period(line)]}{_span_text(line, formats)}"
        case _ if line.group is not None and line.name.endswith(line.group.label):
            return f"{line.name.removesuffix(line.group.label)}{_group_label(line.group, words)}"
        case _ if one.sells_credit:
            return words["line_sold_credit"].format(credit=line.name.removeprefix(SOLD_CREDIT))
        case _:
            return line.name


def _of_period(line: PricedLine) -> str:
    """Which word of ours a line about a period has."""
    if line.type is LineType.INVOICED_BEFORE:
        return "line_invoiced_before"
    return "line_correction" if line.name.startswith(CORRECTION) else "line_late_usage"


def _group_label(group: Group, words: Mapping[str, str]) -> str:
    """What of a charge's usage a line is; the values that a price names are as they are."""
    if group.kind is GroupKind.NAMED:
        return group.label
    return words[f"group_{group.kind}"].format(properties=" · ".join(group.properties))


def reason_of(correction: Correction, language: DocumentLanguage, words: Mapping[str, str]) -> str:
    """Why something is given back; what people wrote is as they wrote it."""
    known = _REASONS.get(correction.reason)
    if known is None or not correction.is_ours or language == DocumentLanguage.ENGLISH:
        return correction.reason
    return words[known]


def exemption_reason_of(exemption: Exemption, words: Mapping[str, str]) -> str:
    """Why there is no tax; what people wrote is as they wrote it."""
    known = _EXEMPTIONS.get(exemption.reason)
    return words[known] if known is not None and exemption.is_ours else exemption.reason


def _span_text(line: PricedLine, formats: Formats) -> str:
    if line.starts_at is None or line.ends_at is None or line.starts_at >= line.ends_at:
        return ""
    return f", {formats.span(Period(starts_at=line.starts_at, ends_at=line.ends_at))}"
