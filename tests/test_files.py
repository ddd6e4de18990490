"""Files are written whole, and what a killed writer left is removed when its folder is written to again."""

import os
import subprocess
import sys
import time
from pathlib import Path

import lcoins.files
from lcoins.files import GROWS_WITHIN, write_whole


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
