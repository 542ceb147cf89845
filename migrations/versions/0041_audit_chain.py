"""Entries of the audit log are bound to each other; those that stand are bound as they are found.

What was changed or taken out before this day, nobody can say any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from billing.audit_log.chain import BEGINNING, Head, link_entry
from migrations import policies
from repositories.array_text import array, optional

revision = "0041"
down_revision = "0040"

AT_ONCE = 5_000
"""How many entries are read and bound at once."""


def upgrade() -> None:
    create_tables()
    op.create_index(
        "ix_audit_entry_object",
        "audit_entry",
        ["organization_id", "object_id", "at", "id"],
        postgresql_where=sa.text("object_id IS NOT NULL"),
    )
    op.create_index(
        "ix_subscription_period_plan",
        "subscription_period",
        ["organization_id", "plan_id", "subscription_id", "index"],
    )
    bind_standing_entries()
    forbid_changes()
    for table in ("audit_link", "audit_chain"):
        policies.protect(
            table,
            privileges=("SELECT", "INSERT", *(("UPDATE",) if table == "audit_chain" else ())),
        )


def downgrade() -> None:
    op.execute("DROP TRIGGER keep_entries ON audit_entry")
    op.drop_index("ix_audit_entry_object", "audit_entry")
    op.drop_index("ix_subscription_period_plan", "subscription_period")
    op.drop_table("audit_chain")
    op.drop_table("audit_link")
    op.execute("DROP FUNCTION keep_audit_chain()")
    op.execute("DROP FUNCTION keep_audit_entries()")


def create_tables() -> None:
    op.create_table(
        "audit_link",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("previous_digest", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "position", name=op.f("pk_audit_link")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_audit_link_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "entry_id"],
            ["audit_entry.organization_id", "audit_entry.id"],
            name=op.f("fk_audit_link_organization_id_entry_id"),
        ),
        sa.UniqueConstraint("organization_id", "entry_id", name="uq_audit_link_entry"),
        sa.CheckConstraint("position > 0", name=op.f("ck_audit_link_position")),
        sa.CheckConstraint(
            "(position = 1) = (previous_digest IS NULL)", name=op.f("ck_audit_link_first")
        ),
    )
    op.create_table(
        "audit_chain",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("last_position", sa.BigInteger(), nullable=False),
        sa.Column("last_digest", sa.Text(), nullable=True),
        sa.Column("linked_before", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_audit_chain")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_audit_chain_organization_id")
        ),
        sa.CheckConstraint(
            "(last_position = 0) = (last_digest IS NULL)", name=op.f("ck_audit_chain_last_digest")
        ),
        sa.CheckConstraint(
            "linked_before BETWEEN 0 AND last_position", name=op.f("ck_audit_chain_linked_before")
        ),
    )


def bind_standing_entries() -> None:
    """Every entry has a place, in the order of instants and ids: there is no other any more."""
    connection = op.get_bind()
    with policies.unforced(["audit_entry"]):
        organizations = connection.execute(
            sa.text("SELECT DISTINCT organization_id FROM audit_entry ORDER BY 1")
        )
        for organization_id in organizations.scalars().all():
            head = BEGINNING
            for page in pages(connection, organization_id):
                head = bind(connection, organization_id, page, head)
            connection.execute(
                sa.text(
                    "INSERT INTO audit_chain VALUES (:id, :position, :digest, :position, now())"
                ),
                {"id": organization_id, "position": head.position, "digest": head.digest},
            )


def pages(
    connection: sa.Connection, organization_id: UUID
) -> Iterator[list[sa.Row[tuple[object]]]]:
    """The entries of an organization, oldest first, some at a time."""
    listing = sa.text(
        "SELECT * FROM audit_entry WHERE organization_id = :id"
        " AND (CAST(:at AS timestamptz) IS NULL OR (at, id) > (:at, :last))"
        " ORDER BY at, id LIMIT :limit"
    )
    place = {"id": organization_id, "limit": AT_ONCE, "at": None, "last": None}
    while found := list(connection.execute(listing, place)):
        yield found
        place |= {"at": found[-1].at, "last": found[-1].id}


def bind(
    connection: sa.Connection,
    organization_id: UUID,
    entries: list[sa.Row[tuple[object]]],
    head: Head,
) -> Head:
    """These entries are bound behind ``head``; where the chain ends then."""
    before, after = [], []
    for entry in entries:
        before.append(head)
        head = link_entry(entry, head)
        after.append(head)
    connection.execute(
        sa.text(
            "INSERT INTO audit_link (organization_id, position, entry_id, previous_digest, digest)"
            " SELECT :id, * FROM unnest(CAST(:positions AS bigint[]), CAST(:entries AS uuid[]),"
            " CAST(:previous AS text[]), CAST(:digests AS text[]))"
        ),
        {
            "id": organization_id,
            "positions": array(str(one.position) for one in after),
            "entries": array(str(one.id) for one in entries),
            "previous": array(optional(one.digest) for one in before),
            "digests": array(optional(one.digest) for one in after),
        },
    )
    return head


def forbid_changes() -> None:
    """Not even the owner of the tables changes or removes by mistake what was recorded.

    The end of a chain moves forward alone. Who means to can drop the triggers: the chain tells.
    """
    op.execute(
        """
        CREATE FUNCTION keep_audit_entries() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN
            RAISE EXCEPTION '% is only added to', TG_TABLE_NAME
                USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME;
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION keep_audit_chain() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN
            IF NEW.organization_id <> OLD.organization_id
                OR NEW.last_position <= OLD.last_position
                OR NEW.linked_before <> OLD.linked_before
            THEN
                RAISE EXCEPTION 'the end of a chain moves forward alone'
                    USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME;
            END IF;
            RETURN NEW;
        END $$
        """
    )
    for table in ("audit_entry", "audit_link"):
        op.execute(
            f"CREATE TRIGGER keep_entries BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_entries()"
        )
    op.execute(
        "CREATE TRIGGER keep_entries BEFORE DELETE OR TRUNCATE ON audit_chain"
        " FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_entries()"
    )
    op.execute(
        "CREATE TRIGGER keep_chain BEFORE UPDATE ON audit_chain"
        " FOR EACH ROW EXECUTE FUNCTION keep_audit_chain()"
    )
