"""The store: votes are taken once, never changed, by slots that are used evenly, on SQLite and PostgreSQL."""

import os
import pwd
import shutil
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from drawn_study import draw_study

pytest.importorskip("sqlalchemy", reason="needs SQLAlchemy: pip install 'lcoins[study]'")

from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from lcoins.study.database import store_url
from lcoins.study.store import ABANDONED, Ballot, Refused, Store
from lcoins.study.tables import participant, schema_version, vote

CHECKS = {"digits": ["1", "2", "3"], "filter": "no", "device": "computer", "screen": [100, 100]}


def ballot(number: int, position: int = 0, name: str | None = None) -> Ballot:
    return Ballot(name or str(uuid.uuid4()), number, position, 1500, 300.0, 200.0, 1.0, 0)


@pytest.fixture(scope="module")
def study_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("drawn")
    protocol = draw_study(folder)
    return folder / "study", protocol


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server that this test starts, on a socket in a folder of its own."""
    if find_spec("psycopg") is None:
        pytest.skip("needs psycopg: pip install 'psycopg[binary]'")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (str(found[-1]) if found else None)
    if initdb is None:
        pytest.skip("no PostgreSQL on this machine: install one, for example Debian's postgresql")
    programs = Path(initdb).resolve().parent
    folder = Path(f"/tmp/lcoins-{uuid.uuid4().hex[:8]}")  # a socket's path may have about 100 bytes
    folder.mkdir(mode=0o700)
    user: str | None = None
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        names = {entry.pw_name for entry in pwd.getpwall()}
        user = next((name for name in ("postgres", "nobody") if name in names), None)
        if user is None:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody")
        shutil.chown(folder, user)
    own: dict[str, Any] = {"user": user, "cwd": "/", "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    data = folder / "data"
    subprocess.run([programs / "initdb", "-D", data, "-U", "lcoins", "-A", "trust", "-N"], check=True, **own)
    command = [programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-F"]
    server = subprocess.Popen(command, **own)
    try:
        ready = [programs / "pg_isready", "-h", folder, "-t", "30"]
        for _ in range(60):
            if subprocess.run(ready, **own).returncode == 0:
                break
        yield f"postgresql+psycopg://lcoins@/postgres?host={folder}"
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, study_folder: tuple[Path, Any]) -> Iterator[Store]:
    folder, protocol = study_folder
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'votes.sqlite'}" if sqlite else request.getfixturevalue("postgresql")
    opened = Store(url, protocol, folder)
    yield opened
    if not sqlite:
        with opened.database.engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
    opened.database.close()


def joined(store: Store, token: str = "t", worker: str | None = None) -> None:
    store.join(token, "prolific" if worker else "direct", worker, None, "1")
    store.check(token, CHECKS)


def test_a_worker_who_returns_is_paid_for_the_new_assignment(store: Store) -> None:
    for token, assignment in (("one", "A1"), ("two", "A2"), ("two", None)):
        store.join(token, "amt", "W", assignment, "1")
    assert [row.assignment for row in store.participants()] == ["A2"]
    assert not store.is_of_another("two", "amt", "W") and not store.is_of_another("new", "amt", "X")
    assert store.is_of_another("two", "amt", "X") and store.is_of_another("two", "prolific", "W")


@pytest.mark.parametrize("name", ["which one?", "my%20study", "a b"])
def test_the_store_lies_in_the_folder_whatever_its_name(
    study_folder: tuple[Path, Any], tmp_path: Path, name: str
) -> None:
    (tmp_path / name).mkdir()
    Store(store_url(tmp_path / name), study_folder[1], study_folder[0]).database.close()
    assert (tmp_path / name / "votes.sqlite").is_file()


def test_what_is_no_database_or_has_no_driver_is_said_in_one_line(
    study_folder: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "votes.sqlite").write_text("these are no votes, and certainly no database of SQLite" * 20)
    with pytest.raises(ValueError, match="cannot open the store"):
        Store(store_url(tmp_path), study_folder[1], study_folder[0])
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ValueError, match=r"pip install 'psycopg\[binary\]'"):
        Store("postgresql+psycopg://someone@nowhere/votes", study_folder[1], study_folder[0])


def test_a_vote_counts_once_however_often_it_is_sent(store: Store) -> None:
    joined(store)
    one = ballot(0)
    for _ in range(3):
        store.vote("t", one)
    assert [row.position for row in store.votes()] == [0]
    for refused in (ballot(0), ballot(0, 1, one.uuid), ballot(2), ballot(1, name=one.uuid)):
        with pytest.raises(Refused):
            store.vote("t", refused)
    assert len(store.votes()) == 1


def test_votes_are_append_only(store: Store) -> None:
    joined(store)
    store.vote("t", ballot(0))
    for change in (update(vote).values(position=1), delete(vote)):
        with pytest.raises(DBAPIError, match="append-only"), store.database.writing() as connection:
            connection.execute(change)
    assert [row.position for row in store.votes()] == [0]


def test_votes_of_many_at_once_are_all_kept(store: Store) -> None:
    total = len(store.protocol.slots[0])

    def take_part(number: int) -> None:
        token = f"token {number}"
        joined(store, token, f"worker{number}")
        for trial in range(total):
            one = ballot(trial)
            with ThreadPoolExecutor(2) as twice:
                list(twice.map(lambda _, one=one: store.vote(token, one), range(2)))

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(take_part, range(12)))
    counts = Counter(row.participant for row in store.votes())
    assert set(counts.values()) == {total} and len(counts) == 12
    people = store.participants()
    assert set(Counter(one.slot for one in people).values()) == {2}  # of six slots each is used twice
    assert all(one.finished is not None for one in people)


def test_a_worker_goes_on_where_they_stopped(store: Store) -> None:
    joined(store, "first", "A1")
    store.vote("first", ballot(0))
    store.join("second", "prolific", "A1", None, "1")
    again = store.person("second")
    assert store.person("first") is None and again is not None and again.answered == 1
    assert store.people() == 1 and store.knows("prolific", "A1") and not store.knows("direct", None)


def test_the_trials_of_who_left_go_to_another(store: Store) -> None:
    for number in range(len(store.protocol.slots)):
        joined(store, f"t{number}")
    long_ago = store.participants()[0].seen - 2 * ABANDONED
    with store.database.writing() as connection:
        change = update(participant).where(participant.c.slot == 3)
        connection.execute(change.values(seen=long_ago))
    joined(store, "next")
    person = store.person("next")
    assert person is not None and person.slot == 3


def test_who_has_not_joined_cannot_vote(store: Store) -> None:
    with pytest.raises(Refused) as caught:
        store.vote("nobody", ballot(0))
    assert caught.value.status == 403
    store.join("t", "direct", None, None, "1")
    with pytest.raises(Refused, match="questions before"):
        store.vote("t", ballot(0))


def test_a_store_that_is_opened_again_knows_its_votes(tmp_path: Path, study_folder: tuple[Path, Any]) -> None:
    folder, protocol = study_folder
    url = store_url(tmp_path)
    first = Store(url, protocol, folder)
    joined(first)
    first.vote("t", ballot(0))
    first.database.close()
    second = Store(url, protocol, folder)
    assert len(second.votes()) == 1
    with second.database.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        connection.execute(update(schema_version).values(version=99))
    second.database.close()
    with pytest.raises(ValueError, match="tables of version 99"):
        Store(url, protocol, folder)


@pytest.mark.parametrize("url", ["mysql://x", "sqlite:////nowhere/at/all.sqlite", "postgresql+nodriver://x"])
def test_an_address_that_cannot_be_opened_is_named(url: str, study_folder: tuple[Path, Any]) -> None:
    folder, protocol = study_folder
    with pytest.raises(ValueError, match="--store"):
        Store(url, protocol, folder)
