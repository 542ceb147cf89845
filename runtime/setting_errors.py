"""What is wrong with the operator's settings, in sentences that name the variable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr

WHOLE_NUMBER = ("int_parsing", "int_from_float", "greater_than_equal", "less_than_equal")

SAMPLE_WORDS: Final = (
    *("change", "default", "example", "fluxrate", "password", "postgres", "replace"),
    *("sample", "secret", "temporal", "test", "your"),
)
"""Nobody draws a word by lot: one in a secret means that it was copied, or made up."""

FEWEST_CHARACTERS: Final = 8
"""How many different characters a secret has at least, of which one that was drawn has more."""

SHORTEST_PASSWORD: Final = 12


class InvalidSettings(Exception):
    """Settings that no process can run with; each sentence names one and what it may be.

    What was given is not repeated: it may be a secret.
    """

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__("\n".join(sentences))


def sentence(variable: str, error: Mapping[str, Any], bounds: Iterable[Any]) -> str:
    """What one setting may be, from what its reader said and the bounds of its field."""
    kind, context = error["type"], error.get("ctx") or {}
    if kind == "float_parsing" or isinstance(context.get("ge", context.get("le")), float):
        return f"{variable} must be a number{_range(bounds)}."
    if kind in WHOLE_NUMBER:
        return f"{variable} must be a whole number{_range(bounds)}."
    if kind in {"enum", "literal_error"}:
        return f"{variable} must be {context['expected'].replace(chr(39), '')}."
    if kind.startswith("bool"):
        return f"{variable} must be true or false."
    if isinstance(context.get("error"), ValueError):
        return f"{variable} must be {context['error']}."
    return f"{variable}: {error['msg']}."


def _range(bounds: Iterable[Any]) -> str:
    known = list(bounds)
    lowest = next((one.ge for one in known if hasattr(one, "ge")), None)
    highest = next((one.le for one in known if hasattr(one, "le")), None)
    if lowest is not None and highest is not None:
        return f" from {lowest} to {highest}"
    return "" if lowest is None else f" of at least {lowest}"


class ProductionSettings(Protocol):
    """The settings that are looked at."""

    database_url: str | None
    migration_database_url: str | None
    public_url: str
    secret_key: SecretStr | None
    operator_token: SecretStr | None
    allow_private_webhooks: bool

    @property
    def shown_codec_keys(self) -> Sequence[str]:
        """The keys of what Temporal keeps."""


def list_refusals(settings: ProductionSettings) -> list[str]:
    """A sentence for each setting with which no production installation begins.

    None of them repeats what was set.
    """
    refusals = [
        *_refuse_secret("FLUXRATE_SECRET_KEY", settings.secret_key),
        *_refuse_secret("FLUXRATE_OPERATOR_TOKEN", settings.operator_token),
        *(
            refusal
            for key in settings.shown_codec_keys
            for refusal in _refuse_secret("FLUXRATE_TEMPORAL_CODEC_KEYS", SecretStr(key))
        ),
        *_refuse_password("DATABASE_URL", settings.database_url),
        *_refuse_password("FLUXRATE_MIGRATION_DATABASE_URL", settings.migration_database_url),
    ]
    if settings.allow_private_webhooks:
        refusals.append("FLUXRATE_ALLOW_PRIVATE_WEBHOOKS must be false in production.")
    if urlsplit(settings.public_url).scheme != "https":
        refusals.append("FLUXRATE_PUBLIC_URL must begin with https:// in production.")
    return refusals


def is_made_up(secret: str) -> bool:
    """Whether a secret is a sample, or a person's idea, and not drawn by lot."""
    lowered = secret.lower()
    has_word = any(word in lowered for word in SAMPLE_WORDS)
    return has_word or len(set(secret)) < FEWEST_CHARACTERS


def _refuse_secret(variable: str, secret: SecretStr | None) -> list[str]:
    if secret is None:
        return [f"{variable} must be set in production, for example from `openssl rand -hex 32`."]
    if is_made_up(secret.get_secret_value()):
        return [f"{variable} must be random in production, for example `openssl rand -hex 32`."]
    return []


def _refuse_password(variable: str, url: str | None) -> list[str]:
    password = None if url is None else urlsplit(url).password
    # Without one the server knows the process by its socket, a certificate or a file.
    if password is None:
        return []
    if len(password) < SHORTEST_PASSWORD or is_made_up(password):
        return [f"The password in {variable} must be random in production, of 12 characters."]
    return []
