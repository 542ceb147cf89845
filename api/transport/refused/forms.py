"""The forms of texts that fields take: each pattern with the words that say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

NAME_FOR_PROGRAMS: Final = r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$"
NAME_IN_ADDRESSES: Final = r"^[a-z0-9]+(-[a-z0-9]+)*$"
MAIL_ADDRESS: Final = r"^[^@\s]+@[^@\s]+$"
STORABLE: Final = r"^[^\x00]*$"
STORABLE_WORDS: Final = r"^[^\x00]*[^\x00\s][^\x00]*$"
HEAD_OF_CHAIN: Final = r"^[0-9]{1,18}:[0-9a-f]{64}$"

WORDS_OF_FORMS: Final[Mapping[str, str]] = {
    NAME_FOR_PROGRAMS: "must be letters, digits and _ . : -, a letter or digit first",
    NAME_IN_ADDRESSES: "must be small letters and digits, with single - between them",
    MAIL_ADDRESS: "must be an address such as ap@harbor.example",
    STORABLE: "must be a text without the character U+0000",
    STORABLE_WORDS: "must be more than space, without the character U+0000",
    HEAD_OF_CHAIN: "must be POSITION:DIGEST, as an answer gave it",
}
