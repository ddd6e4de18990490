"""Files that are whole or not there: what a disk that is full, or a name that is too long, leaves behind."""

import errno
import io
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib.figure
import numpy as np
import pytest
import torch
from drawn_photos import FakeColorizer
from PIL import Image
from safetensors.torch import save

import lcoins.files
from lcoins.colorize.batch import PhotoOptions, colorize_files
from lcoins.evaluation.contact_sheet import SheetRow, contact_sheet
from lcoins.files import (
    GROWS_WITHIN,
    LONGEST_NAME,
    WriteError,
    expect_name,
    open_whole,
    stops_all,
    whole_file,
    whole_folder,
    write_whole,
)
from lcoins.imaging.read import GrayPhoto
from lcoins.imaging.write import write_picture
from lcoins.locks import FolderInUse
from lcoins.reports.picture_grid import save_figure

DISK = 16 * 1024  # bytes


@contextmanager
def full_disk() -> Iterator[None]:
    """No file grows beyond DISK: the write that reaches it is cut short and the next one fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (DISK, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def noise(side: int = 200) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)


def picture(path: Path, bits: int = 8) -> None:
    strip = torch.from_numpy(noise()).float() / 255
    write_picture(path, GrayPhoto(torch.zeros(1, 1, 200, 200), bits, {}, ()), iter([strip]))


def figure(path: Path) -> None:
    drawn = matplotlib.figure.Figure()
    drawn.add_axes((0, 0, 1, 1)).imshow(noise())
    save_figure(drawn, path.with_suffix(""))


WRITERS: dict[str, Callable[[Path], None]] = {
    "x.jpg": picture,
    "x.png": picture,
    "x.tif": picture,
    "x.webp": picture,
    "deep.png": lambda path: picture(path, 16),
    "deep.tif": lambda path: picture(path, 16),
    "sheet.png": lambda path: contact_sheet([SheetRow("a red car", {"photo": noise()})], path),
    "figure.png": figure,
    "x.json": lambda path: write_whole(path, "x" * 3 * DISK),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_is_an_error_and_the_file_before_stays(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"the one before")
    with full_disk(), pytest.raises(WriteError, match=f"{name} could not be written"):
        WRITERS[name](path)
    assert path.read_bytes() == b"the one before"
    assert list(tmp_path.iterdir()) == [path]
    WRITERS[name](path)
    assert path.stat().st_size > DISK


def test_a_full_disk_stops_a_run_of_photos_which_says_so(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        Image.fromarray(noise()).save(tmp_path / name)
    with full_disk():
        result = colorize_files(FakeColorizer(), [tmp_path], ["a red wall"], PhotoOptions(tmp_path / "out"))
    assert result.written == []
    assert all("could not be written" in reason for reason in result.failed.values())
    assert not list((tmp_path / "out").iterdir())


def test_errors_that_meet_every_file() -> None:
    assert stops_all(OSError(errno.ENOSPC, "No space left on device"))
    assert not stops_all(OSError(errno.EACCES, "Permission denied"))
    assert not stops_all(ValueError("damaged"))
    assert "free some space" in str(WriteError(errno.ENOSPC, "No space left on device", "x.jpg"))


def test_an_error_of_another_file_keeps_its_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.txt"), open_whole(tmp_path / "x.txt"):
        (tmp_path / "gone.txt").read_bytes()
    assert not list(tmp_path.iterdir())


def test_names_of_any_length_that_the_disk_holds(tmp_path: Path) -> None:
    longest = tmp_path / ("é" * 125 + "x.txt")
    assert len(os.fsencode(longest.name)) == LONGEST_NAME
    expect_name(longest)
    write_whole(longest, "whole")
    assert longest.read_text(encoding="utf-8") == "whole"
    with pytest.raises(ValueError, match="the name has 256 bytes"):
        expect_name(tmp_path / f"x{longest.name}")
    with pytest.raises(WriteError, match="could not be written"):
        write_whole(tmp_path / f"x{longest.name}", "whole")


def test_libraries_get_no_descriptor_and_still_write(tmp_path: Path) -> None:
    with open_whole(tmp_path / "x.npy") as file:
        with pytest.raises(io.UnsupportedOperation):
            file.fileno()
        np.save(file, noise(), allow_pickle=False)
    assert np.array_equal(np.load(tmp_path / "x.npy"), noise())
    with whole_file(tmp_path / "x.safetensors") as partial:
        partial.write_bytes(save({"x": torch.zeros(3)}))
    assert (tmp_path / "x.safetensors").stat().st_size > 12


def test_a_folder_is_made_by_one_process_at_a_time_and_as_a_whole(tmp_path: Path) -> None:
    left = tmp_path / ".made.part"
    (left / "below").mkdir(parents=True)
    (left / "half").write_text("of a killed process")
    with whole_folder(tmp_path / "made") as partial:
        (partial / "whole").write_text("text")
        with pytest.raises(FolderInUse, match=r"\.made\.part is in use by process"), whole_folder(tmp_path / "made"):
            raise AssertionError("two at once")
    assert [path.name for path in tmp_path.rglob("*")] == ["made", "whole"]
    with pytest.raises(FileExistsError, match="made exists; choose another name"), whole_folder(tmp_path / "made"):
        raise AssertionError("over another one")
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "failed"):
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.rglob("*")] == ["made", "whole"]


def test_what_killed_writers_left_is_removed_at_the_next_start(tmp_path: Path) -> None:
    lcoins.files.remove_abandoned_files.cache_clear()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = [tmp_path / f".a.jpg.{number}.part" for number in (dead.pid, os.getpid())]
    fresh, mine = tmp_path / f".b.jpg.{dead.pid}.part", tmp_path / ".notes.part"
    for path in (*left, fresh, mine):
        path.write_text("half")
    for path in (*left, mine):
        os.utime(path, (0, time.time() - 2 * GROWS_WITHIN))
    write_whole(tmp_path / "c.txt", "whole")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"c.txt", left[1].name, fresh.name, mine.name}
