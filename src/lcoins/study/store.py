"""The votes of a study in a database: SQLite beside the study, or PostgreSQL by address.

A vote that is sent again under the same UUID changes nothing. Whatever the store has acknowledged is on the disk: a
process that is killed at any moment loses no vote.
"""

import hashlib
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, insert, select, text, update
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import QueuePool

from lcoins.study.protocol import FILE, Protocol
from lcoins.study.tables import SCHEMA, exclusion, metadata, participant, schema_version, stimulus, study, trial, vote

FILE_NAME = "votes.sqlite"
BUSY_SECONDS = 20  # that a writer waits for another one
ABANDONED = timedelta(hours=2)  # without a vote: the trials of that person are given to another one
LOCK = 7_134_082  # PostgreSQL's number of the lock that makes writers wait for each other, as SQLite's do anyway


class Refused(ValueError):
    """A request that the store does not take, with the HTTP ``status`` that says why."""

    def __init__(self, text: str, status: int = 409) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Ballot:
    """A vote as the page sends it: a position from 0, times in milliseconds, sizes in CSS pixels."""

    uuid: str
    number: int
    position: int
    milliseconds: int
    width: float
    height: float
    pixel_ratio: float
    focus_lost: int


@dataclass(frozen=True)
class Person:
    """A participant of this study, and the number of trials answered."""

    id: int
    slot: int
    code: str
    checks: Mapping[str, Any] | None
    answered: int


def open_engine(url: str) -> Engine:
    """An engine for SQLite (write-ahead log, full sync, busy timeout) or PostgreSQL, by SQLAlchemy's address."""
    if not url.startswith(("sqlite:", "postgresql")):
        raise ValueError(
            f"expected a store as sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME, got {url!r}; check --store"
        )
    if not url.startswith("sqlite:"):
        return create_engine(url, pool_size=10, max_overflow=40, pool_pre_ping=True)
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=10,
        max_overflow=40,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def settings(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # or the driver would begin transactions later than it is told to
        for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes then would fail, not wait, where another one wrote in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")

    return engine


def store_url(folder: Path) -> str:
    """The address of the SQLite file beside a study."""
    return f"sqlite:///{(folder / FILE_NAME).resolve()}"


def token_hash(token: str) -> str:
    """What the database keeps of a session's token."""
    return hashlib.sha256(token.encode()).hexdigest()


class Store:
    """One study in a database, which may hold several.

    Raises ValueError for a database of another SCHEMA, or that cannot be opened.
    """

    def __init__(self, url: str, protocol: Protocol, folder: Path) -> None:
        self.protocol = protocol
        self.lock = threading.Lock()
        try:
            self.engine = open_engine(url)
        except (ArgumentError, NoSuchModuleError) as error:
            raise ValueError(f"cannot read the address of the store: {error}; check --store") from error
        digest = hashlib.sha256((folder / FILE).read_bytes()).hexdigest()
        try:
            with self.writing() as connection:
                metadata.create_all(connection)
                self._expect_schema(connection)
                self.study = self._study(connection, digest)
                rows = connection.execute(
                    select(stimulus.c.number, stimulus.c.id).where(stimulus.c.study == self.study)
                )
                self.stimulus_ids = {number: identity for number, identity in rows}
        except OperationalError as error:
            raise ValueError(f"cannot open the store {self.engine.url!r}: {error.orig}; check --store") from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes; the next one waits for its end.

        The lock lets this program's threads take turns: SQLite's own waiting is unfair, and where fifty people vote at
        once some would wait until the busy timeout.
        """
        with self.lock, self.engine.execution_options(writes=True).begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            yield connection

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()

    def _expect_schema(self, connection: Connection) -> None:
        found = connection.execute(select(schema_version.c.version)).scalars().all()
        if not found:
            connection.execute(insert(schema_version).values(version=SCHEMA))
        elif found != [SCHEMA]:
            raise ValueError(
                f"the store has tables of version {found[0]}, this lcoins has {SCHEMA}; use the lcoins that wrote it, "
                f"or name another store with --store"
            )

    def _study(self, connection: Connection, digest: str) -> int:
        found = connection.execute(select(study.c.id).where(study.c.protocol_sha256 == digest)).scalar()
        if found is not None:
            return found
        new = insert(study).values(protocol_sha256=digest, title=self.protocol.title, created=_now())
        key: int = connection.execute(new.returning(study.c.id)).scalar_one()
        rows = [
            {
                "study": key,
                "number": number,
                "image": one.image,
                "caption": one.caption,
                "pictures": list(one.pictures),
                "entries": list(one.entries),
                "answer": one.right,
            }
            for number, one in enumerate(self.protocol.stimuli)
        ]
        connection.execute(insert(stimulus), rows)
        return key

    def people(self) -> int:
        """How many have joined."""
        with self.engine.begin() as connection:
            mine = participant.c.study == self.study
            return connection.execute(select(func.count()).select_from(participant).where(mine)).scalar_one()

    def knows(self, platform: str, worker: str | None) -> bool:
        """Whether this worker of a platform has joined before."""
        with self.engine.begin() as connection:
            mine = (participant.c.study == self.study) & (participant.c.platform == platform)
            same = select(participant.c.id).where(mine, participant.c.worker == worker)
            return worker is not None and connection.execute(same).first() is not None

    def join(self, token: str, platform: str, worker: str | None, assignment: str | None, consent: str) -> None:
        """Takes a person in, with the trials of the slot that fewest people have.

        A worker who joined before goes on where they stopped, under the new token; joining twice changes nothing.
        """
        now = _now()
        with self.writing() as connection:
            mine = participant.c.study == self.study
            own = participant.c.token_sha256 == token_hash(token)
            known = connection.execute(select(participant.c.id).where(mine, own)).scalar()
            if known is None and worker is not None:
                same = (participant.c.platform == platform) & (participant.c.worker == worker)
                known = connection.execute(select(participant.c.id).where(mine, same)).scalar()
            if known is not None:
                change = update(participant).where(participant.c.id == known)
                connection.execute(change.values(token_sha256=token_hash(token), seen=now))
                return
            slot = self._free_slot(connection, now)
            new = insert(participant).values(
                study=self.study,
                slot=slot,
                token_sha256=token_hash(token),
                platform=platform,
                worker=worker,
                assignment=assignment,
                consent_version=consent,
                code=secrets.token_hex(4).upper(),
                joined=now,
                seen=now,
            )
            key: int = connection.execute(new.returning(participant.c.id)).scalar_one()
            rows = [
                {
                    "participant": key,
                    "number": number,
                    "kind": one.kind,
                    "stimulus": self.stimulus_ids[one.stimulus],
                    "order": list(one.order),
                    "repeat_of": one.repeat_of,
                }
                for number, one in enumerate(self.protocol.slots[slot])
            ]
            connection.execute(insert(trial), rows)

    def _free_slot(self, connection: Connection, now: datetime) -> int:
        """The slot with the fewest people who finished or are at it; of several the first."""
        counts = dict.fromkeys(range(len(self.protocol.slots)), 0)
        counting = participant.c.finished.is_not(None) | (participant.c.seen > now - ABANDONED)
        rows = connection.execute(
            select(participant.c.slot, func.count())
            .where(participant.c.study == self.study, counting)
            .group_by(participant.c.slot)
        )
        for slot, count in rows:
            counts[slot] = count
        return min(counts, key=lambda slot: (counts[slot], slot))

    def person(self, token: str) -> Person | None:
        """The participant who has this token, or None."""
        with self.engine.begin() as connection:
            return self._person(connection, token)

    def _person(self, connection: Connection, token: str) -> Person | None:
        found = connection.execute(
            select(participant.c.id, participant.c.slot, participant.c.code, participant.c.checks).where(
                participant.c.study == self.study, participant.c.token_sha256 == token_hash(token)
            )
        ).first()
        if found is None:
            return None
        answered = connection.execute(
            select(func.count())
            .select_from(vote)
            .join(trial, vote.c.trial == trial.c.id)
            .where(trial.c.participant == found.id)
        ).scalar_one()
        return Person(found.id, found.slot, found.code, found.checks, answered)

    def check(self, token: str, checks: Mapping[str, Any]) -> None:
        """Keeps the answers to the questions before the first trial; only the first ones count."""
        with self.writing() as connection:
            person = self._expected(connection, token)
            if person.checks is None:
                change = update(participant).where(participant.c.id == person.id)
                connection.execute(change.values(checks=dict(checks), seen=_now()))

    def vote(self, token: str, ballot: Ballot) -> None:
        """Takes the vote on the person's next trial; one that is known by its UUID is taken as said again.

        Raises Refused (409) for a trial that has another vote or is not the next one.
        """
        with self.writing() as connection:
            person = self._expected(connection, token)
            if person.checks is None:
                raise Refused("The questions before the first pictures are not answered.")
            own = connection.execute(
                select(trial.c.id, trial.c.order).where(
                    trial.c.participant == person.id, trial.c.number == ballot.number
                )
            ).first()
            if own is None or not 0 <= ballot.position < len(own.order):
                raise Refused("There is no such trial or position.", 400)
            before = connection.execute(
                select(vote.c.trial, vote.c.uuid, vote.c.position).where(
                    (vote.c.trial == own.id) | (vote.c.uuid == ballot.uuid)
                )
            ).all()
            if before:
                if [tuple(row) for row in before] == [(own.id, ballot.uuid, ballot.position)]:
                    return
                raise Refused("This trial has a vote already.")
            if ballot.number != person.answered:
                raise Refused("This is not the next trial.")
            connection.execute(
                insert(vote).values(
                    trial=own.id,
                    uuid=ballot.uuid,
                    position=ballot.position,
                    picture=own.order[ballot.position],
                    milliseconds=ballot.milliseconds,
                    width=ballot.width,
                    height=ballot.height,
                    pixel_ratio=ballot.pixel_ratio,
                    focus_lost=ballot.focus_lost,
                    received=_now(),
                )
            )
            last = person.answered + 1 == len(self.protocol.slots[person.slot])
            change = update(participant).where(participant.c.id == person.id)
            connection.execute(change.values(seen=_now(), **({"finished": _now()} if last else {})))

    def _expected(self, connection: Connection, token: str) -> Person:
        person = self._person(connection, token)
        if person is None:
            raise Refused("Nobody has joined here with this session.", 403)
        return person

    def votes(self) -> Sequence[Any]:
        """All votes with their trial, stimulus and participant, by participant and trial."""
        columns = (
            trial.c.participant,
            trial.c.number,
            trial.c.kind,
            trial.c.repeat_of,
            trial.c.order,
            stimulus.c.number.label("stimulus"),
            stimulus.c.image,
            stimulus.c.caption,
            stimulus.c.entries,
            stimulus.c.answer,
            vote.c.picture,
            vote.c.position,
            vote.c.milliseconds,
            vote.c.width,
            vote.c.height,
            vote.c.pixel_ratio,
            vote.c.focus_lost,
            vote.c.received,
        )
        joined = vote.join(trial, vote.c.trial == trial.c.id).join(stimulus, trial.c.stimulus == stimulus.c.id)
        with self.engine.begin() as connection:
            mine = stimulus.c.study == self.study
            chosen = select(*columns).select_from(joined).where(mine).order_by(trial.c.participant, trial.c.number)
            return connection.execute(chosen).all()

    def participants(self) -> Sequence[Any]:
        """All who joined; without their tokens."""
        columns = [column for column in participant.c if column.name != "token_sha256"]
        with self.engine.begin() as connection:
            mine = participant.c.study == self.study
            return connection.execute(select(*columns).where(mine).order_by(participant.c.id)).all()

    def write_exclusions(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replaces the exclusions of this study by these rows."""
        with self.writing() as connection:
            mine = select(participant.c.id).where(participant.c.study == self.study)
            connection.execute(exclusion.delete().where(exclusion.c.participant.in_(mine)))
            if rows:
                connection.execute(insert(exclusion), [dict(row) for row in rows])


def _now() -> datetime:
    return datetime.now(UTC)
