"""Entity tags, and what a request asks of them (RFC 9110, 8.8.3 and 13.1)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

IF_MATCH: Final = "If-Match"
IF_NONE_MATCH: Final = "If-None-Match"
_NAMES: Final = {name.lower().encode(): name for name in (IF_MATCH, IF_NONE_MATCH)}

_TAG: Final = re.compile(rb'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_LIST: Final = re.compile(
    rb"[ \t,]*%(tag)s(?:[ \t]*,[ \t,]*%(tag)s)*[ \t,]*" % {b"tag": _TAG.pattern}
)


class MalformedTags(ValueError):
    """A header is neither ``*`` nor a list of tags in double quotes."""

    def __init__(self, header: str) -> None:
        super().__init__(header)
        self.header = header


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """What a header names: every tag there may be, or these."""

    is_any: bool = False
    strong: frozenset[bytes] = frozenset()
    weak: frozenset[bytes] = frozenset()

    def match_strongly(self, current: Collection[bytes]) -> bool:
        """Whether one of them is the same representation, byte for byte: a weak one never is."""
        return self.is_any or not self.strong.isdisjoint(current)

    def match_weakly(self, current: Collection[bytes]) -> bool:
        """Whether one of them is as good as the current representation."""
        return self.match_strongly(current) or not self.weak.isdisjoint(current)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What must hold for a request to be answered as if it had not asked."""

    if_match: Tags | None = None
    if_none_match: Tags | None = None

    def fail_for(self, current: Collection[bytes]) -> bool:
        """Whether an edit of what has these tags must not be done."""
        if self.if_match is not None and not self.if_match.match_strongly(current):
            return True
        return self.if_none_match is not None and self.if_none_match.match_weakly(current)


def tag_of(body: bytes) -> bytes:
    """The strong tag of a representation: the same bytes, and no others, have it."""
    return b'"' + hashlib.blake2b(body, digest_size=15).hexdigest().encode() + b'"'


def read_conditions(headers: Iterable[tuple[bytes, bytes]]) -> Conditions | None:
    """What the headers of a request ask, None if they ask nothing. Raises MalformedTags."""
    sent: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _NAMES:
            sent[name] = sent[name] + b"," + value if name in sent else value
    if not sent:
        return None
    read = {_NAMES[name]: _read(_NAMES[name], value) for name, value in sent.items()}
    return Conditions(if_match=read.get(IF_MATCH), if_none_match=read.get(IF_NONE_MATCH))


def _read(header: str, value: bytes) -> Tags:
    if value.strip() == b"*":
        return Tags(is_any=True)
    if not _LIST.fullmatch(value):
        raise MalformedTags(header)
    found = _TAG.findall(value)
    return Tags(
        strong=frozenset(tag for weakness, tag in found if not weakness),
        weak=frozenset(tag for weakness, tag in found if weakness),
    )
