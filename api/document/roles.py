"""Which role does what: the matrix of operations and roles, as the document has it.

What a role reaches is said in ``services.accounts.roles``, and what an operation takes where its
route is; the document puts both together in ``x-roles``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from api.document.operations import Document, operations
from services.accounts.roles import ROLES


def write_roles(document: Document) -> str:
    """The matrix as a page of the reference: ``docs/reference/roles.md``."""
    return "\n".join([_HEAD, *_sections(document)])


def _sections(document: Document) -> Iterator[str]:
    tags = [one["name"] for one in document["tags"]]
    for tag in tags:
        rows = [
            _row(method, path, operation)
            for path, method, operation in operations(document)
            if operation["tags"] == [tag] and operation.get("x-roles")
        ]
        if rows:
            yield "\n".join([f"## {tag}\n", *_TABLE_HEAD, *rows, ""])


def _row(method: str, path: str, operation: Document) -> str:
    needs = " or ".join(f"`{scope}`" for scope in operation.get("x-scopes", ()))
    marks = ("●" if role in operation["x-roles"] else "" for role in ROLES)
    cells = (f"`{method.upper()} {path}`", needs or "a session", *marks)
    return f"| {' | '.join(cells)} |"


_TABLE_HEAD: Final = (
    f"| Operation | Keys need | {' | '.join(f'`{role}`' for role in ROLES)} |",
    f"|{'---|' * (len(ROLES) + 2)}",
)

_HEAD: Final = """# Roles and operations

Which role may do what, for every operation that needs credentials; what is not marked is answered
403 `role_missing`. This page is made of the document, where each operation has the same as
`x-roles`. What a role reaches, and how somebody becomes a member: [access](../concepts/access.md).
"A session" stands where no API key is enough.
"""
