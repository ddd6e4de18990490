"""The tables of a study's result, whose rows are typed, as CSV to look into and as Parquet to compute with."""

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

import pyarrow as pa
import pyarrow.parquet

from lcoins.files import open_whole, write_whole
from lcoins.study.analysis import Analysis

ARROW = {int: pa.int64(), float: pa.float64(), bool: pa.bool_(), str: pa.string()}


@dataclass(frozen=True)
class EstimateRow:
    """A figure ``of`` one entry, gap, pair or position, with its 95 % interval; shares and preferences in 0..1."""

    people: str
    figure: str
    of: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class VoteRow:
    """An answer; trials and positions count from 1, sizes are in CSS pixels. ``right`` is for known answers alone.

    ``chosen`` and ``shown`` name entries, "" for a picture that was made for a trial with a known answer.
    """

    person: int
    trial: int
    kind: str
    image: str
    caption: str
    chosen: str
    position: int
    shown: str
    right: bool | None
    seconds: float
    width: float
    height: float
    pixel_ratio: float
    focus_lost: int


@dataclass(frozen=True)
class PersonRow:
    """A person without anything that a platform knows them by; None where the first questions are not answered."""

    person: int
    platform: str
    slot: int
    answers: int
    finished: bool
    excluded: bool
    digits: str | None
    filter: str | None
    device: str | None
    screen: str | None


@dataclass(frozen=True)
class PaymentRow:
    """A person as the platform knows them, with the completion code."""

    person: int
    platform: str
    worker: str | None
    assignment: str | None
    code: str
    finished: bool
    excluded: bool


def estimate_rows(people: str, one: Analysis) -> list[EstimateRow]:
    """All figures of an analysis; ``people`` says whose votes they are of."""
    named = [
        *(("share", entry, estimate) for entry, estimate in one.shares.items()),
        *(("strength", entry, estimate) for entry, estimate in one.strengths.items()),
        *(("gap of shares", f"{step.better} - {step.worse}", step.gap) for step in one.steps),
        *(("preference", f"{step.better} over {step.worse}", step.preference) for step in one.steps),
        *(("position", str(place + 1), estimate) for place, estimate in enumerate(one.positions)),
        *((("alpha", "", one.alpha),) if one.alpha else ()),
    ]
    return [EstimateRow(people, figure, of, **vars(estimate)) for figure, of, estimate in named]


def vote_row(row: Any) -> VoteRow:
    """A vote as the store gives it."""
    return VoteRow(
        person=row.participant,
        trial=row.number + 1,
        kind=row.kind,
        image=row.image,
        caption=row.caption,
        chosen=row.entries[row.picture],
        position=row.position + 1,
        shown=" | ".join(row.entries[index] for index in row.order),
        right=None if row.answer is None else row.picture == row.answer,
        seconds=row.milliseconds / 1000,
        width=row.width,
        height=row.height,
        pixel_ratio=row.pixel_ratio,
        focus_lost=row.focus_lost,
    )


def person_row(one: Any, answers: int, excluded: Collection[int]) -> PersonRow:
    """A participant as the store gives them, with the number of their answers."""
    checks = one.checks
    return PersonRow(
        person=one.id,
        platform=one.platform,
        slot=one.slot,
        answers=answers,
        finished=one.finished is not None,
        excluded=one.id in excluded,
        digits=" ".join(checks["digits"]) if checks else None,
        filter=checks["filter"] if checks else None,
        device=checks["device"] if checks else None,
        screen="x".join(map(str, checks["screen"])) if checks else None,
    )


def payment_row(one: Any, excluded: Collection[int]) -> PaymentRow:
    """A participant as the store gives them."""
    return PaymentRow(
        person=one.id,
        platform=one.platform,
        worker=one.worker,
        assignment=one.assignment,
        code=one.code,
        finished=one.finished is not None,
        excluded=one.id in excluded,
    )


def write_csv(path: Path, kind: type, rows: Sequence[Any]) -> Path:
    """Writes rows of a dataclass ``kind`` under the names of its fields, None as an empty cell."""
    table = io.StringIO()
    writer = csv.DictWriter(table, [field.name for field in fields(kind)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, rows))
    write_whole(path, table.getvalue())
    return path


def write_parquet(path: Path, kind: type, rows: Sequence[Any]) -> Path:
    """Writes rows of a dataclass ``kind`` with the types of its fields, which hold in a table without rows, too."""
    columns = []
    for name, hint in get_type_hints(kind).items():
        options = get_args(hint) or (hint,)
        (plain,) = (option for option in options if option is not NoneType)
        columns.append(pa.field(name, ARROW[plain], nullable=NoneType in options))
    encoded = io.BytesIO()
    pyarrow.parquet.write_table(pa.Table.from_pylist(list(map(asdict, rows)), pa.schema(columns)), encoded)
    with open_whole(path) as file:
        file.write(encoded.getbuffer())
    return path
