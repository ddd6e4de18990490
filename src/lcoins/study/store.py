"""The people and votes of a study in its database.

A vote that is sent again under the same UUID changes nothing. Whatever the store has acknowledged is on the disk: a
process that is killed at any moment loses no vote.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from lcoins.study.database import Database
from lcoins.study.protocol import FILE, Protocol
from lcoins.study.tables import exclusion, participant, stimulus, study, trial, vote

ABANDONED = timedelta(hours=2)  # without a vote: the trials of that person are given to another one


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


def token_hash(token: str) -> str:
    """What the database keeps of a session's token."""
    return hashlib.sha256(token.encode()).hexdigest()


class Store:
    """One study in a database, which may hold several.

    Raises ValueError for a database of another SCHEMA, or that cannot be opened.
    """

    def __init__(self, url: str, protocol: Protocol, folder: Path) -> None:
        self.protocol = protocol
        self.database = Database(url)
        digest = hashlib.sha256((folder / FILE).read_bytes()).hexdigest()
        with self.database.opening() as connection:
            self.study = self._study(connection, digest)
            rows = connection.execute(select(stimulus.c.number, stimulus.c.id).where(stimulus.c.study == self.study))
            self.stimulus_ids = {number: identity for number, identity in rows}

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
        with self.database.engine.begin() as connection:
            mine = participant.c.study == self.study
            return connection.execute(select(func.count()).select_from(participant).where(mine)).scalar_one()

    def knows(self, platform: str, worker: str | None) -> bool:
        """Whether this worker of a platform has joined before."""
        with self.database.engine.begin() as connection:
            mine = (participant.c.study == self.study) & (participant.c.platform == platform)
            same = select(participant.c.id).where(mine, participant.c.worker == worker)
            return worker is not None and connection.execute(same).first() is not None

    def is_of_another(self, token: str, platform: str, worker: str) -> bool:
        """Whether the person who has this token did not come as this worker of a platform."""
        with self.database.engine.begin() as connection:
            mine = (participant.c.study == self.study) & (participant.c.token_sha256 == token_hash(token))
            found = connection.execute(select(participant.c.platform, participant.c.worker).where(mine)).first()
            return found is not None and tuple(found) != (platform, worker)

    def join(self, token: str, platform: str, worker: str | None, assignment: str | None, consent: str) -> None:
        """Takes a person in, with the trials of the slot that fewest people have.

        A worker who joined before goes on where they stopped, under the new token and for the new assignment; joining
        twice changes nothing.
        """
        now = _now()
        with self.database.writing() as connection:
            mine = participant.c.study == self.study
            own = participant.c.token_sha256 == token_hash(token)
            known = connection.execute(select(participant.c.id).where(mine, own)).scalar()
            if known is None and worker is not None:
                same = (participant.c.platform == platform) & (participant.c.worker == worker)
                known = connection.execute(select(participant.c.id).where(mine, same)).scalar()
            if known is not None:
                change = update(participant).where(participant.c.id == known).values(token_sha256=token_hash(token))
                connection.execute(change.values(seen=now, **({"assignment": assignment} if assignment else {})))
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
        with self.database.engine.begin() as connection:
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
        with self.database.writing() as connection:
            person = self._expected(connection, token)
            if person.checks is None:
                change = update(participant).where(participant.c.id == person.id)
                connection.execute(change.values(checks=dict(checks), seen=_now()))

    def vote(self, token: str, ballot: Ballot) -> None:
        """Takes the vote on the person's next trial; one that is known by its UUID is taken as said again.

        Raises Refused (409) for a trial that has another vote or is not the next one.
        """
        with self.database.writing() as connection:
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
            raise Refused("Nobody has joined here with this session; reload the page and begin there.", 403)
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
        with self.database.engine.begin() as connection:
            mine = stimulus.c.study == self.study
            chosen = select(*columns).select_from(joined).where(mine).order_by(trial.c.participant, trial.c.number)
            return connection.execute(chosen).all()

    def participants(self) -> Sequence[Any]:
        """All who joined; without their tokens."""
        columns = [column for column in participant.c if column.name != "token_sha256"]
        with self.database.engine.begin() as connection:
            mine = participant.c.study == self.study
            return connection.execute(select(*columns).where(mine).order_by(participant.c.id)).all()

    def write_exclusions(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replaces the exclusions of this study by these rows."""
        with self.database.writing() as connection:
            mine = select(participant.c.id).where(participant.c.study == self.study)
            connection.execute(exclusion.delete().where(exclusion.c.participant.in_(mine)))
            if rows:
                connection.execute(insert(exclusion), [dict(row) for row in rows])


def _now() -> datetime:
    return datetime.now(UTC)
