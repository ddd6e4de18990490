"""Sessions: found by their tokens, removed when idle, within the space that all share; folders of dead servers."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import torch

from lcoins.app import folder as folder_module
from lcoins.app.folder import PREFIX, remove_dead_folders, temporary_folder
from lcoins.app.labels import labels
from lcoins.app.sessions import IDLE, IDLE_WHEN_FULL, SESSION_PREFIX, STRAY, Gone, Session, Sessions, second_name


def opened(folder: Path, name: str, size: int = 0) -> Session:
    own = folder / f"{SESSION_PREFIX}{name}"
    (own / "original").mkdir(parents=True)
    photo = own / "original" / "a.jpg"
    photo.write_bytes(bytes(size))
    return Session(photo, (4, 3), own, torch.zeros(1, 1, 3, 4), torch.zeros(1, 1, 2, 2), own / "gray.jpeg")


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_session_is_found_by_its_token_until_it_is_closed(tmp_path: Path, clock: Clock) -> None:
    sessions = Sessions(tmp_path, 1000, clock)
    one, other = (opened(tmp_path, name) for name in "ab")
    token, second = sessions.add(one), sessions.add(other)
    assert len(token) >= 32 and sessions.get(token) is one and sessions.get("") is sessions.get("guess") is None
    sessions.close(token)
    sessions.close("guess")
    assert one.closed and not one.folder.exists() and sessions.get(token) is None
    assert sessions.get(second) is other and other.folder.exists()
    sessions.close_all()
    assert list(tmp_path.iterdir()) == []


def test_work_on_a_photo_that_is_removed_meanwhile_leaves_nothing(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path, 1000)
    token = sessions.add(opened(tmp_path, "a"))
    with pytest.raises(Gone), sessions.using(token) as session:
        assert session is not None
        sessions.close(token)
        session.folder.mkdir()
        (session.folder / "late.jpg").write_bytes(b"a picture")
        raise FileNotFoundError("gray.jpeg")
    assert list(tmp_path.iterdir()) == []


def test_all_files_share_one_room(tmp_path: Path, clock: Clock) -> None:
    sessions = Sessions(tmp_path, 1000, clock)
    token = sessions.add(opened(tmp_path, "a", 600))
    assert sessions.reserve(300) and not sessions.reserve(200)
    sessions.release(300)
    assert sessions.reserve(200)
    sessions.release(200)
    assert not sessions.reserve(500)
    clock.now += IDLE_WHEN_FULL + 1
    assert sessions.reserve(300) and sessions.get(token) is not None  # there is room: nobody has to go
    sessions.release(300)
    clock.now += IDLE_WHEN_FULL + 1
    assert sessions.reserve(500) and sessions.get(token) is None
    kept = sessions.add(opened(tmp_path, "b"))
    clock.now += IDLE + 1
    assert sessions.reserve(1) and sessions.get(kept) is None


def test_strays_are_removed_and_a_second_name_counts_once(tmp_path: Path, clock: Clock) -> None:
    sessions = Sessions(tmp_path, 1000, clock)
    (tmp_path / "checksum").mkdir()
    upload = tmp_path / "checksum" / "a.jpg"
    upload.write_bytes(bytes(600))
    photo = second_name(upload, tmp_path / f"{SESSION_PREFIX}a")
    (tmp_path / "broken off").write_bytes(b"")
    assert sessions.reserve(400) and upload.exists()
    clock.now += STRAY + 1
    assert not sessions.reserve(1) and not upload.exists()  # 400 are still reserved
    assert [path.name for path in tmp_path.iterdir()] == [photo.parent.name] and photo.stat().st_size == 600


KILLED = """
import os, signal
from lcoins.app.folder import temporary_folder
with temporary_folder() as folder:
    (folder / "photo.jpg").write_bytes(b"private")
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_folders_of_killed_servers_are_removed_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    elsewhere = tmp_path / "own"
    elsewhere.mkdir()
    (elsewhere / "photo.jpg").touch()
    (tmp_path / f"{PREFIX}link").symlink_to(elsewhere)
    (tmp_path / f"{PREFIX}being-made").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, env=environment)
    assert done.returncode == -signal.SIGKILL and (Path(done.stdout.strip()) / "photo.jpg").exists()
    with temporary_folder() as living:
        (living / "photo.jpg").touch()
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        assert remove_dead_folders() == 1
        assert (living / "photo.jpg").exists()
        assert not Path(done.stdout.strip()).parent.exists()
    assert not living.parent.exists() and (elsewhere / "photo.jpg").exists()
    assert (tmp_path / f"{PREFIX}being-made").exists()
    monkeypatch.setattr(folder_module, "BEING_MADE", -1.0)
    assert remove_dead_folders() == 0 and not (tmp_path / f"{PREFIX}being-made").exists()


def test_labels_differ_where_sentences_do() -> None:
    long = "a brown dog with a white chest beside a gray cat on an old green sofa in a room with blue walls"
    words = long.split()
    changed = [" ".join([*words[:i], f"word{i}", *words[i + 1 :]]) for i in range(len(words))]
    made = labels([long, *changed, long + " and more", "red"])
    assert len(set(made)) == len(made) and made[-1] == "red"
    assert all(len(label) <= 70 for label in made)
    assert labels(["x" * 500])[0].endswith("…")
