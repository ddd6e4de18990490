"""The photos that people have on the page: found again by a token after a reload, removed when they are left alone."""

import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG

from torch import Tensor

from lcoins.app.regions import Region
from lcoins.colorize.by_hand import StrokeHint
from lcoins.colorize.sentence_colors import SentenceColors

SESSION_PREFIX = "photo-"
IDLE = 6 * 3600.0  # seconds without an event, after which a photo's files are removed
IDLE_WHEN_FULL = 600.0  # seconds, where others need the space
STRAY = 600.0  # seconds after which a file that belongs to no photo is removed


class Gone(Exception):
    """The photo was removed, or another one chosen, while something was made of it."""


@dataclass
class Variant:
    """A sentence, its colors under the hints that the photo had then, and the map of its groups once asked for."""

    sentence: str
    colors: SentenceColors
    hints: tuple[StrokeHint, ...] = ()
    groups: tuple[list[Region], str] | None = None


@dataclass
class Session:
    """A photo on the page and the variants made of it; its files lie in ``folder``."""

    photo: Path
    size: tuple[int, int]
    folder: Path
    lightness: Tensor  # of the preview, (1, 1, h, w) in 0..100
    network_lightness: Tensor  # of the whole photo, (1, 1, S, S)
    gray: Path
    variants: list[Variant] = field(default_factory=list)
    chosen: int = 0
    hints: tuple[StrokeHint, ...] = ()  # given by hand, for every sentence
    view: str = ""  # how the page shows it, for after a reload
    strength: float = 1.0
    upload: Path | None = None  # what Gradio has written of it; ``photo`` is a second name for the same file
    closed: bool = False

    @property
    def variant(self) -> Variant | None:
        return self.variants[self.chosen] if self.variants else None

    @property
    def megapixels(self) -> float:
        return self.size[0] * self.size[1] / 1e6

    def close(self) -> None:
        """Removes the files of this photo."""
        self.closed = True
        remove_photo(self.folder, self.upload)


class Sessions:
    """The open sessions by their tokens; their files, and uploads on their way to one, share ``most`` bytes."""

    def __init__(self, folder: Path, most: int, clock: Callable[[], float] = time.time) -> None:
        self.folder, self.most, self.clock = folder, most, clock
        self._open: dict[str, Session] = {}
        self._used: dict[str, float] = {}
        self._reserved = 0
        self._lock = threading.RLock()

    def add(self, session: Session) -> str:
        """Opens a session to whoever has the token that is returned."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._open[token], self._used[token] = session, self.clock()
        return token

    def get(self, token: str) -> Session | None:
        """The session of a token, or None if there is none any more."""
        with self._lock:
            if token in self._open:
                self._used[token] = self.clock()
            return self._open.get(token)

    @contextmanager
    def using(self, token: str) -> Iterator[Session | None]:
        """As :meth:`get`, for work in the block; raises Gone if the session is closed before the end of the block."""
        session = self.get(token)
        try:
            yield session
        finally:
            if session is not None and session.closed:
                session.close()  # again, for what the work has written since
                raise Gone  # in place of an error over a missing file

    def close(self, token: str) -> None:
        """Closes a session, if there is one, and removes its files."""
        with self._lock:
            session = self._open.pop(token, None)
            self._used.pop(token, None)
        if session is not None:
            session.close()

    def forget(self, folder: Path, upload: Path) -> None:
        """Removes the folder and the upload of a photo, if no session came of it."""
        with self._lock:
            if all(session.folder != folder for session in self._open.values()):
                remove_photo(folder, upload)

    def close_all(self) -> None:
        for token in list(self._open):
            self.close(token)

    def close_unused(self) -> None:
        """Closes sessions that nobody has used for long, and removes what belongs to none."""
        with self._lock:
            self._close_idle(IDLE)
            self._remove_strays()

    def reserve(self, size: int) -> bool:
        """Whether ``size`` more bytes fit on the disk; if not, photos that lie idle make room."""
        with self._lock:
            self.close_unused()
            if not self._fits(size):
                self._close_idle(IDLE_WHEN_FULL)
            fits = self._fits(size)
            self._reserved += size if fits else 0
            return fits

    def release(self, size: int) -> None:
        """Ends a reservation."""
        with self._lock:
            self._reserved -= size

    def _fits(self, size: int) -> bool:
        return bytes_in(self.folder) + self._reserved + size <= self.most

    def _close_idle(self, seconds: float) -> None:
        for token in [token for token, used in self._used.items() if self.clock() - used > seconds]:
            self.close(token)

    def _remove_strays(self) -> None:
        """Removes uploads that were broken off or that have their place in a session, and Gradio's maps."""
        for path in self.folder.iterdir():
            with suppress(OSError):
                if path.name.startswith(SESSION_PREFIX) or self.clock() - _last_change(path) < STRAY:
                    continue
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _last_change(path: Path) -> float:
    """When a file, or a folder or anything in it, was changed."""
    return max(one.stat().st_mtime for one in [path, *path.rglob("*")])


def bytes_in(folder: Path) -> int:
    """The space that the files of a folder take on the disk; a file with several names counts once."""
    sizes: dict[tuple[int, int], int] = {}
    for path in folder.rglob("*"):
        with suppress(OSError):
            about = path.lstat()
            if S_ISREG(about.st_mode):
                sizes[about.st_dev, about.st_ino] = about.st_size
    return sum(sizes.values())


def remove_photo(folder: Path, upload: Path | None) -> None:
    """Removes the folder of a photo, and what Gradio has written of it, in a folder named by its checksum."""
    shutil.rmtree(folder, ignore_errors=True)
    if upload is not None:
        with suppress(OSError):
            upload.unlink(missing_ok=True)
            upload.parent.rmdir()


def second_name(file: Path, folder: Path) -> Path:
    """Gives a file a second name in a folder, or copies it where the file system has no second names."""
    folder.mkdir(exist_ok=True)
    target = folder / file.name
    try:
        os.link(file, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(file, target)
    return target
