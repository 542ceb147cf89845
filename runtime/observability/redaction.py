"""The one place that takes secrets and people out of what leaves for logs, traces and histories.

Nothing here is needed where a line is written as it should be, of ids. It is for what nobody wrote:
the words of a driver, of a library, of an exception that quotes what it was given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

REDACTED: Final = "[redacted]"

DEEPEST: Final = 6
"""Nobody logs anything that is nested deeper; what is, is left out."""

SECRET_NAMES: Final = re.compile(
    r"password|passwd|secret|(?<!id_)token|authorization|cookie|credential|api_?key$|recovery"
    r"|e_?mail$|phone|customer_name|billing_address",
    re.IGNORECASE,
)
"""Fields whose value is left out, whatever it is. Ids and settings are named otherwise."""

SAFE_NAMES: Final = frozenset({"event", "logger", "level", "setting"})
"""Fields whose value is a name of ours."""

PATTERNS: Final[Sequence[tuple[tuple[str, ...], re.Pattern[str], str]]] = tuple(
    (marks, re.compile(pattern), replacement)
    for marks, pattern, replacement in (
        # What PostgreSQL quotes of a row, in the lines after its message.
        (
            ("detail:", "context:", "query:", "statement:"),
            r"(?m)^(\s*)(DETAIL|CONTEXT|QUERY|STATEMENT):.*$",
            rf"\1\2: {REDACTED}",
        ),
        (
            ("invalid input ",),
            r"(invalid input (?:syntax|value)[^:\n]*: )[^\n]*",
            rf"\1{REDACTED}",
        ),
        (("[parameters: ",), r"\[parameters: [^\n]*", f"[parameters: {REDACTED}]"),
        # What pydantic quotes of an input.
        (
            ("input_value=",),
            r"(?s)input_value=.*?, input_type=",
            f"input_value={REDACTED}, input_type=",
        ),
        (("bearer", "basic"), r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}", rf"\1 {REDACTED}"),
        (
            ("cookie", "authorization", "x-api-key"),
            r"(?i)\b((?:set-)?cookie|authorization|x-api-key)(\W{1,4})[^\n]*",
            rf"\1\2{REDACTED}",
        ),
        (("_live", "_test"), r"\b(?:sk|rk|pk|org)_(?:live|test)\w*", REDACTED),
        (("whsec_",), r"\bwhsec_[\w+/=-]+", REDACTED),
        # A JSON Web Token, a sealed secret.
        (("eyj",), r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*", REDACTED),
        (("s1.",), r"\bs1\.[\w+/=]{16,}", REDACTED),
        (("$argon2",), r"\$argon2\w*\$[^\s'\"]+", REDACTED),
        (
            ("token=", "code=", "key=", "secret=", "signature=", "password="),
            r"(?i)([?&#](?:token|code|key|secret|signature|password)=)[^\s&'\"]+",
            rf"\1{REDACTED}",
        ),
        # A link of an invitation or a reset.
        (("#",), r"(?<=#)[\w-]{24,}", REDACTED),
        (("://",), r"(\w+://)[^\s/@]*:[^\s/@]*@", rf"\1{REDACTED}@"),
        (("@",), r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+", REDACTED),
    )
)
"""What is taken out. A text in ASCII that has none of the marks, in lower case, has nothing of it.

To look for marks costs a fiftieth of looking for what they are part of, and every line is read.
"""

ANY_MARK: Final = re.compile("|".join(re.escape(one) for marks, _, _ in PATTERNS for one in marks))
"""Most texts have none: looking for all at once takes a twentieth of looking for each."""


def redact_text(text: str) -> str:
    """The text without what looks like a secret, an address of mail, or a quoted row."""
    lowered = text.lower() if text.isascii() else None
    if lowered is not None and ANY_MARK.search(lowered) is None:
        return text
    for marks, pattern, replacement in PATTERNS:
        # Beyond ASCII there are letters that only patterns take for the same.
        if lowered is None or any(mark in lowered for mark in marks):
            text = pattern.sub(replacement, text)
    return text


def redact_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields without secrets: those of a secret's name have no value, texts are redacted."""
    return {name: _redact(name, value, DEEPEST) for name, value in fields.items()}


def _redact(name: str, value: Any, depth: int) -> Any:  # noqa: ANN401  (whatever is logged)
    if value is None or isinstance(value, bool | int | float):
        return value
    if name not in SAFE_NAMES and SECRET_NAMES.search(name):
        return REDACTED
    if isinstance(value, str):
        return redact_text(value)
    if depth == 0:
        return REDACTED
    if isinstance(value, Mapping):
        return {str(one): _redact(str(one), value[one], depth - 1) for one in value}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redact(name, one, depth - 1) for one in value]
    return redact_text(str(value))
