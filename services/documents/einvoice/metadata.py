"""A PDF's metadata say that there is an e-invoice inside, and by which rules (Factur-X 1.0).

typst writes metadata of its own alone. The file gets another version of them at its end, as PDF's
incremental updates do (ISO 32000-1, 7.5.6): no byte before is touched, none depends on a clock.
"""

from __future__ import annotations

import re
from typing import Final

from billing.errors import InvariantBroken

_METADATA: Final = re.compile(
    rb"(\d+) 0 obj\n<</Length \d+/Type/Metadata/Subtype/XML>>\nstream\n(.*?)\nendstream", re.DOTALL
)
_TRAILER: Final = re.compile(rb"trailer\n<<(.*?)>>\nstartxref\n(\d+)\n%%EOF\s*\Z", re.DOTALL)
_SCHEMAS: Final = b"<pdfaExtension:schemas><rdf:Bag>"
_END: Final = b"</rdf:RDF>"

_NAMESPACE: Final = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_PROPERTIES: Final = {
    "DocumentType": "INVOICE",
    "DocumentFileName": "factur-x.xml",
    "Version": "1.0",
    "ConformanceLevel": "EN 16931",
}


def _declared() -> tuple[bytes, bytes]:
    """The schema of the four properties, as PDF/A asks for one, and the properties."""
    described = "".join(
        '<rdf:li rdf:parseType="Resource">'
        "<pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{name} of the e-invoice</pdfaProperty:description>"
        f"<pdfaProperty:name>{name}</pdfaProperty:name>"
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType></rdf:li>"
        for name in _PROPERTIES
    )
    schema = (
        '<rdf:li rdf:parseType="Resource">'
        "<pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>"
        f"<pdfaSchema:namespaceURI>{_NAMESPACE}</pdfaSchema:namespaceURI>"
        "<pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{described}</rdf:Seq></pdfaSchema:property></rdf:li>"
    )
    values = "".join(f"<fx:{name}>{value}</fx:{name}>" for name, value in _PROPERTIES.items())
    held = f'<rdf:Description rdf:about="" xmlns:fx="{_NAMESPACE}">{values}</rdf:Description>'
    return schema.encode(), held.encode()


_SCHEMA, _VALUES = _declared()


def declare_factur_x(pdf: bytes) -> bytes:
    """The file with metadata that declare its ``factur-x.xml``; equal files stay equal."""
    metadata, trailer = _METADATA.search(pdf), _TRAILER.search(pdf)
    if metadata is None or trailer is None or _SCHEMAS not in metadata[2]:
        raise InvariantBroken("The typesetter wrote metadata of another shape.")
    said = metadata[2].replace(_SCHEMAS, _SCHEMAS + _SCHEMA, 1).replace(_END, _VALUES + _END, 1)
    number, at = metadata[1], len(pdf) + 1
    stream = b"<</Length %d/Type/Metadata/Subtype/XML>>\nstream\n%s\nendstream" % (len(said), said)
    body = b"\n%s 0 obj\n%s\nendobj\n" % (number, stream)
    table = b"xref\n%s 1\n%010d 00000 n\r\ntrailer\n<<%s/Prev %s>>\nstartxref\n%d\n%%%%EOF\n" % (
        number,
        at,
        trailer[1],
        trailer[2],
        len(pdf) + len(body),
    )
    return pdf + body + table
