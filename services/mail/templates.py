"""What mails say: by default, or as an organization writes it for a kind and a language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.kinds import DocumentLanguage
from models.notifications.emails import EmailTemplate
from repositories.notifications import templates as stored_templates
from services.audit_log import record
from services.documents.layout import words_in
from services.mail.rendering import require_template

DEFAULTS: Final = Path(__file__).parent / "defaults"


class TemplateKind(StrEnum):
    """Which mails a template is for."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    REMINDER = "reminder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The three parts of a mail, each a template."""

    subject: str
    text: str
    html: str


@lru_cache(maxsize=8)
def phrases_in(language: str) -> Mapping[str, str]:
    """The sentences of mails in a language; some are templates."""
    found: Mapping[str, str] = json.loads((DEFAULTS / "words.json").read_text("utf-8"))[language]
    return found


@lru_cache(maxsize=16)
def default_texts(kind: TemplateKind, language: DocumentLanguage) -> Texts:
    """What mails say where the organization says nothing else."""
    phrases = phrases_in(language)
    words = words_in(language)
    places = {
        "language": language.value,
        "greeting": phrases["greeting"],
        "body": phrases[kind],
        "link": phrases["link"],
        "pay_online": words["pay_online"],
        "bank_details": words["bank_details"],
    }

    def fill(name: str) -> str:
        source = (DEFAULTS / name).read_text("utf-8")
        for place, phrase in places.items():
            source = source.replace(f"[{place}]", phrase)
        return source

    subject = phrases.get(f"{kind}_subject", phrases["subject"])
    return Texts(subject=subject, text=fill("mail.txt"), html=fill("mail.html"))


def texts_of(
    session: Session, organization_id: UUID, kind: TemplateKind, language: DocumentLanguage
) -> Texts:
    """What mails of the organization say."""
    stored = stored_templates.find_template(session, organization_id, kind, language)
    return default_texts(kind, language) if stored is None else texts_in(stored)


def texts_in(stored: EmailTemplate) -> Texts:
    """The parts of a stored template."""
    return Texts(subject=stored.subject, text=stored.text, html=stored.html)


def write_template(
    session: Session,
    organization_id: UUID,
    kind: TemplateKind,
    language: DocumentLanguage,
    texts: Texts,
    *,
    now: datetime,
) -> None:
    """Mails of this kind and language say this from now on. Repeatable.

    Raises InvalidInput ``invalid_template``, which names the part and the line.
    """
    for field in ("subject", "text", "html"):
        require_template(getattr(texts, field), field=field)
    stored_templates.save_template(
        session,
        EmailTemplate(
            organization_id=organization_id,
            kind=kind,
            language=language,
            subject=texts.subject,
            text=texts.text,
            html=texts.html,
            updated_at=now,
        ),
    )
    _record(session, organization_id, "email_template.updated", kind, language, now=now)


def reset_template(
    session: Session,
    organization_id: UUID,
    kind: TemplateKind,
    language: DocumentLanguage,
    *,
    now: datetime,
) -> None:
    """Mails of this kind and language say what they do by default. Repeatable."""
    stored_templates.delete_template(session, organization_id, kind, language)
    _record(session, organization_id, "email_template.reset", kind, language, now=now)


def _record(
    session: Session, organization_id: UUID, action: str, kind: str, language: str, *, now: datetime
) -> None:
    record(
        session,
        organization_id,
        action,
        "email_template",
        None,
        after={"kind": kind, "language": language},
        now=now,
    )
