"""The tables of a study's store; votes are append-only by triggers, and a trial has at most one by a constraint.

Rule for changes: SCHEMA counts up with every change that an older lcoins could not read or write. A database of another
number is refused, never altered: a study runs for days, with one version of one program, so there are no migrations.
"""

from sqlalchemy import (
    DDL,
    JSON,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)

SCHEMA = 1

metadata = MetaData()
schema_version = Table("schema_version", metadata, Column("version", Integer, primary_key=True))
study = Table(
    "study",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("protocol_sha256", String(64), nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
)
stimulus = Table(
    "stimulus",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study", ForeignKey("study.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("image", Text, nullable=False),
    Column("caption", Text, nullable=False),
    Column("pictures", JSON, nullable=False),
    Column("entries", JSON, nullable=False),
    Column("answer", Integer),
    UniqueConstraint("study", "number"),
)
participant = Table(
    "participant",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study", ForeignKey("study.id"), nullable=False),
    Column("slot", Integer, nullable=False),
    Column("token_sha256", String(64), nullable=False),
    Column("platform", String(16), nullable=False),
    Column("worker", String(128)),
    Column("assignment", String(128)),
    Column("consent_version", String(16), nullable=False),
    Column("checks", JSON),
    Column("code", String(16), nullable=False),
    Column("joined", DateTime(timezone=True), nullable=False),
    Column("seen", DateTime(timezone=True), nullable=False),
    Column("finished", DateTime(timezone=True)),
    UniqueConstraint("study", "token_sha256"),
    UniqueConstraint("study", "platform", "worker"),
)
trial = Table(
    "trial",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("participant", ForeignKey("participant.id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("stimulus", ForeignKey("stimulus.id"), nullable=False),
    Column("order", JSON, nullable=False),
    Column("repeat_of", Integer),
    UniqueConstraint("participant", "number"),
)
vote = Table(
    "vote",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("trial", ForeignKey("trial.id"), nullable=False, unique=True),
    Column("uuid", String(36), nullable=False, unique=True),
    Column("position", Integer, nullable=False),
    Column("picture", Integer, nullable=False),
    Column("milliseconds", Integer, nullable=False),
    Column("width", Float, nullable=False),
    Column("height", Float, nullable=False),
    Column("pixel_ratio", Float, nullable=False),
    Column("focus_lost", Integer, nullable=False),
    Column("received", DateTime(timezone=True), nullable=False),
)
exclusion = Table(
    "exclusion",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("participant", ForeignKey("participant.id"), nullable=False),
    Column("rule", String(32), nullable=False),
    Column("found", Float, nullable=False),
    Column("allowed", Float, nullable=False),
    UniqueConstraint("participant", "rule"),
)
for action in ("UPDATE", "DELETE"):
    event.listen(
        vote,
        "after_create",
        DDL(
            f"CREATE TRIGGER vote_no_{action.lower()} BEFORE {action} ON vote "
            f"BEGIN SELECT RAISE(ABORT, 'votes are append-only'); END"
        ).execute_if(dialect="sqlite"),
    )
event.listen(
    vote,
    "after_create",
    DDL(
        "CREATE FUNCTION vote_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'votes are append-only'; END $$; "
        "CREATE TRIGGER vote_append_only BEFORE UPDATE OR DELETE ON vote "
        "FOR EACH ROW EXECUTE FUNCTION vote_append_only()"
    ).execute_if(dialect="postgresql"),
)
