"""The report's tables: the same rows as CSV and as Parquet, with types that hold whatever was voted."""

import csv
import uuid
from dataclasses import fields
from pathlib import Path

import pytest
from drawn_study import draw_study

pytest.importorskip("sqlalchemy", reason="needs SQLAlchemy: pip install 'lcoins[study]'")
pytest.importorskip("pyarrow", reason="needs pyarrow: pip install 'lcoins[study]'")

import pyarrow.parquet as parquet

from lcoins.study.ballots import Exclusion
from lcoins.study.database import store_url
from lcoins.study.protocol import Rules
from lcoins.study.report import write_report
from lcoins.study.result_tables import write_csv, write_parquet
from lcoins.study.store import Ballot, Store

PUBLISHED = ("estimates", "exclusions", "people", "votes")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a study in which two people voted, and that a third one only agreed to."""
    folder = tmp_path_factory.mktemp("voted")
    protocol = draw_study(folder)
    store = Store(store_url(folder), protocol, folder / "study")
    digits = [plate["digit"] for plate in protocol.plates]
    for person in range(3):
        store.join(f"token{person}", "prolific", f"secret{person}", None, "1")
    for person in range(2):
        store.check(f"token{person}", {"digits": digits, "filter": "no", "device": "phone", "screen": [390, 844]})
        for number in range(len(protocol.slots[0])):
            vote = Ballot(str(uuid.uuid4()), number, number % 4, 1500 + number, 300.0, 200.0, 2.0, 0)
            store.vote(f"token{person}", vote)
    written = write_report(store, folder / "report")
    store.database.close()
    assert {path.name for path in written} == {path.name for path in (folder / "report").iterdir()}
    return folder / "report"


@pytest.mark.parametrize("name", PUBLISHED)
def test_csv_and_parquet_hold_the_same(report: Path, name: str) -> None:
    table = parquet.read_table(report / f"{name}.parquet")
    with (report / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert rows and header == table.column_names
    shown = [["" if value is None else str(value) for value in row.values()] for row in table.to_pylist()]
    assert shown == rows


def test_parquet_has_numbers_truths_and_gaps(report: Path) -> None:
    votes = {field.name: str(field.type) for field in parquet.read_schema(report / "votes.parquet")}
    assert votes["position"] == "int64" and votes["seconds"] == "double" and votes["right"] == "bool"
    right = parquet.read_table(report / "votes.parquet").column("right").to_pylist()
    assert {None, True, False} == set(right)
    devices = parquet.read_table(report / "people.parquet").column("device").to_pylist()
    assert devices == ["phone", "phone", None]


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    write_csv(tmp_path / "none.csv", Exclusion, [])
    assert (tmp_path / "none.csv").read_text() == "participant,rule,found,allowed\n"
    write_parquet(tmp_path / "none.parquet", Exclusion, [])
    assert list(map(str, parquet.read_schema(tmp_path / "none.parquet").types)) == [
        "int64",
        "string",
        "double",
        "double",
    ]


def test_every_rule_is_in_words_with_the_people_it_excludes(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    for rule in fields(Rules):
        assert f"| {rule.name} | " in text
    assert "| control_plate | misreads" in text and "| screen_filter | says" in text
    assert "| answered | answers fewer than 50 % of the trials | 1 |" in text
    assert "| seconds | takes less than 1 s for the median answer | 0 |" in text


def test_changed_code_is_told_in_words(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    assert "changed True" not in text and "changed False" not in text


def test_only_the_table_for_paying_names_workers(report: Path) -> None:
    for path in report.iterdir():
        assert (b"secret0" in path.read_bytes()) == (path.name == "payment.csv"), path.name
