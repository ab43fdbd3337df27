"""Conversations may have titles, and are listed by when they changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TABLE = "conversations"
_OLD = "ix_conversations_key_id"
_NEW = "ix_conversations_key_id_changed"


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("title", sa.Text(), nullable=True))
    op.drop_index(_OLD, _TABLE)
    op.create_index(_NEW, _TABLE, ["key_id", "changed"])


def downgrade() -> None:
    op.drop_index(_NEW, _TABLE)
    op.create_index(_OLD, _TABLE, ["key_id"])
    op.drop_column(_TABLE, "title")
