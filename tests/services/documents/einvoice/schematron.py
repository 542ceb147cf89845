"""The official rules of EN 16931, of Peppol BIS Billing 3 and of XRechnung, asked by Saxon."""

from __future__ import annotations

import gzip
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from saxonche import PySaxonProcessor

RULES: Final = Path(__file__).parent / "rules"
_FAILED: Final = re.compile(r"<svrl:failed-assert\b(.*?)>(.*?)</svrl:failed-assert>", re.DOTALL)
_ID: Final = re.compile(r'\bid="([^"]+)"')


def broken_by_cii(content: bytes) -> dict[str, str]:
    """The rules that a CII file breaks, each with what it says."""
    return _broken("EN16931-CII", content)


def broken_by_ubl(content: bytes) -> dict[str, str]:
    """The rules that a UBL file breaks, each with what it says."""
    return _broken("EN16931-UBL", content)


def broken_by_peppol(content: bytes) -> dict[str, str]:
    """The rules of Peppol beyond EN 16931 that a UBL file breaks, each with what it says."""
    return _broken("PEPPOL-EN16931-UBL", content)


def broken_by_xrechnung(content: bytes) -> dict[str, str]:
    """The rules of XRechnung beyond EN 16931 that a UBL file breaks, each with what it says."""
    return _broken("XRechnung-UBL", content)


def _broken(rules: str, content: bytes) -> dict[str, str]:
    processor = _processor()
    node = processor.parse_xml(xml_text=content.decode())
    verdict = str(_compiled(rules).transform_to_string(xdm_node=node))
    assert "svrl:fired-rule" in verdict or "<svrl:schematron-output" in verdict
    found = {}
    for attributes, words in _FAILED.findall(verdict):
        named = _ID.search(attributes)
        assert named is not None
        found[named[1]] = " ".join(re.sub("<[^>]+>", " ", words).split())
    return found


@lru_cache(maxsize=1)
def _processor() -> Any:
    return PySaxonProcessor(license=False)


@lru_cache(maxsize=4)
def _compiled(rules: str) -> Any:
    text = gzip.decompress((RULES / f"{rules}.xslt.gz").read_bytes()).decode()
    return _processor().new_xslt30_processor().compile_stylesheet(stylesheet_text=text)
