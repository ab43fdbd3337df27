"""The tables. What they hold is said in ``docs/keeping.md``; ``migrations`` makes them, and a test compares the two.

Ids are random, never made from the clock; order is that of numbers, never that of times, which a clock that is set
back would turn round.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

#: The migration that makes exactly these tables.
REVISION = "0002"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, to the microsecond, on both databases: SQLite keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# On SQLite only a plain INTEGER counts up by itself.
_Counting = BigInteger().with_variant(Integer, "sqlite")


def _answer_id(**more: Any) -> Column[str]:
    return Column("answer_id", String(64), ForeignKey("answers.answer_id", ondelete="CASCADE"), **more)


def _conversation_id() -> Column[str]:
    whole = ForeignKey("conversations.conversation_id", ondelete="CASCADE")
    return Column("conversation_id", String(64), whole, primary_key=True)


# ``document`` is the JSON of the answer as it was given; ``digest`` is of what does not vary in it.
answers = Table(
    "answers",
    metadata,
    Column("answer_id", String(64), primary_key=True),
    Column("snapshot_id", String(64), nullable=False, index=True),
    Column("created", Moment, nullable=False),
    Column("question", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("masked", JSON, nullable=False),
)

# Who asked for an answer outside a conversation, and when last. ``key_id`` is empty for who needed no key.
askings = Table(
    "askings",
    metadata,
    _answer_id(primary_key=True),
    Column("key_id", String(64), primary_key=True),
    Column("asked", Moment, nullable=False, index=True),
)

citations = Table(
    "citations",
    metadata,
    _answer_id(primary_key=True),
    Column("source_id", String(255), primary_key=True, index=True),
)

# A client's own token for a request, so that the same request sent twice is done once.
tokens = Table(
    "tokens",
    metadata,
    Column("key_id", String(64), primary_key=True),
    Column("token", String(255), primary_key=True),
    Column("request_digest", String(64), nullable=False),
    _answer_id(nullable=False, index=True),
    Column("created", Moment, nullable=False, index=True),
)

# ``title`` is what its reader calls it, if they do.
conversations = Table(
    "conversations",
    metadata,
    Column("conversation_id", String(64), primary_key=True),
    Column("key_id", String(64), nullable=False),
    Column("created", Moment, nullable=False),
    Column("changed", Moment, nullable=False, index=True),
    Column("title", Text),
    Index(None, "key_id", "changed"),
)

turns = Table(
    "turns",
    metadata,
    _conversation_id(),
    Column("number", Integer, primary_key=True),
    Column("question", Text, nullable=False),
    Column("standalone", Text, nullable=False),
    Column("answer_id", String(64), ForeignKey("answers.answer_id"), nullable=False, index=True),
    Column("made", JSON, nullable=False),
    Column("created", Moment, nullable=False),
)

# A source's reference number in a whole conversation.
numbers = Table(
    "numbers",
    metadata,
    _conversation_id(),
    Column("source_id", String(255), primary_key=True),
    Column("number", Integer, nullable=False),
    UniqueConstraint("conversation_id", "number"),
)

# Append-only. ``number`` counts the events of one answer; ``sequence`` those of all.
events = Table(
    "review_events",
    metadata,
    Column("sequence", _Counting, primary_key=True, autoincrement=True),
    _answer_id(nullable=False),
    Column("number", Integer, nullable=False),
    Column("statement_id", String(64), nullable=False),
    Column("action", String(16), nullable=False),
    Column("reviewer", String(255), nullable=False),
    Column("reason", String(64)),
    Column("comment", Text),
    Column("text", Text),
    Column("verification", JSON(none_as_null=True)),
    Column("at", Moment, nullable=False),
    UniqueConstraint("answer_id", "number"),
    Index(None, "action", "sequence"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("sequence", _Counting, primary_key=True, autoincrement=True),
    Column("feedback_id", String(64), nullable=False, unique=True),
    _answer_id(nullable=False, index=True),
    Column("key_id", String(64), nullable=False),
    Column("rating", String(16), nullable=False),
    Column("comment", Text),
    Column("created", Moment, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("key_id", String(64), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("prefix", String(32), nullable=False, unique=True),
    Column("hash", String(64), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created", Moment, nullable=False),
    Column("last_used", Moment),
    Column("expires", Moment),
    Column("revoked", Moment),
)

# A chain: each entry holds the hash of the one before it.
audit = Table(
    "audit",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("action", String(128), nullable=False),
    Column("subject", String(255), nullable=False, index=True),
    Column("detail", JSON, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

# One row, the last entry of the chain: who adds one holds it.
audit_head = Table(
    "audit_head",
    metadata,
    Column("only", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("webhook_id", String(64), primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", String(128), nullable=False),
    Column("events", JSON, nullable=False),
    Column("created", Moment, nullable=False),
)

# What is still to be delivered, was delivered or was given up: an outbox.
deliveries = Table(
    "deliveries",
    metadata,
    Column("sequence", _Counting, primary_key=True, autoincrement=True),
    Column("delivery_id", String(64), nullable=False, unique=True),
    Column("webhook_id", String(64), ForeignKey("webhooks.webhook_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("event", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due", Moment, nullable=False),
    Column("problem", Text),
    Column("created", Moment, nullable=False),
    Index(None, "state", "due"),
)

# How often somebody came in this window of time and the one before; worth nothing after a crash, hence not logged.
rates = Table(
    "rates",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("opened", BigInteger, nullable=False),
    Column("hits", Integer, nullable=False),
    Column("hits_before", Integer, nullable=False),
    Column("until", Float, nullable=False, index=True),
)

# What this database is called, so that its pins in an index are told from those of another.
identity = Table(
    "identity",
    metadata,
    Column("only", Integer, primary_key=True, autoincrement=False),
    Column("holder", String(64), nullable=False),
)
