"""What was received from object storage, kept on this machine: at most so many bytes, shared by all processes.

Entries are files under the hash of their key, written whole and then renamed. The total is kept in one small file, to
which processes write in turn; where it would exceed the limit, the entries that were not used for longest are removed.
"""

import hashlib
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lcoins.files import remove_abandoned_files, whole_file
from lcoins.locks import in_turn

FOLDER, LIMIT = "LCOINS_CACHE", "LCOINS_CACHE_GIB"  # the environment variables that choose them
DEFAULT_GIB = 32.0
KEPT = 0.9  # of the limit, once something has to go


class Cache:
    """Entries under ``folder``, together at most ``limit`` bytes."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit

    @classmethod
    def from_environment(cls) -> "Cache":
        """The cache that LCOINS_CACHE and LCOINS_CACHE_GIB choose; ValueError where the latter is no number."""
        base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "lcoins"
        text = os.environ.get(LIMIT, str(DEFAULT_GIB))
        try:
            limit = int(float(text) * 2**30)
        except (ValueError, OverflowError):
            limit = -1
        if limit < 0:
            raise ValueError(f"{LIMIT}: expected the size of the cache in GiB, such as 32, got {text!r}")
        return cls(Path(os.environ.get(FOLDER) or base), limit)

    def get(self, key: str, length: int) -> bytes | None:
        """The bytes of an entry; None where there are none, or not ``length`` of them."""
        path = self._path(key, "range")
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return data if len(data) == length else None

    def put(self, key: str, data: bytes) -> None:
        """Keeps bytes, if there is room for them: a full disk stops nothing, since they can be received again."""
        if len(data) <= self.limit * (1 - KEPT):
            with suppress(OSError):
                self._make_room(len(data))
                path = self._path(key, "range")
                path.parent.mkdir(exist_ok=True)
                remove_abandoned_files(path.parent)
                partial = path.with_name(f".{path.name}.{threading.get_ident()}.{os.getpid()}.part")
                partial.write_bytes(data)  # not synced to the disk: whoever reads it compares checksums
                os.replace(partial, path)

    def file(self, key: str, size: int, suffix: str, receive: Callable[[Path], None]) -> Path:
        """The path of an entry of ``size`` bytes, which ``receive`` writes to a path if it is not here yet.

        Of several processes that want the same, one receives it and the others wait.
        """
        path = self._path(key, "file").with_suffix(suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        with in_turn(path.parent):
            try:
                os.utime(path)  # and so it is among the last that others remove
            except FileNotFoundError:
                if size > self.limit:
                    raise ValueError(
                        f"{size:,} bytes do not fit into the cache of {self.limit:,}; give a larger {LIMIT}"
                    ) from None
                self._make_room(size)
                with whole_file(path) as partial:
                    receive(partial)
        return path

    def share(self, size: int) -> float:
        """The share of ``size`` bytes, read again and again in any order, that the cache should keep.

        To keep a fixed share is better than to keep what came last: of what is read once an epoch, that is never asked
        for in time.
        """
        return min(1.0, KEPT * KEPT * self.limit / max(size, 1))

    def _make_room(self, size: int) -> None:
        """Counts bytes that are about to be written, and removes others if there would be too many."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with in_turn(self.folder):
            total = self._total() + size
            if total > self.limit:
                total = self._shrink(int(self.limit * KEPT) - size) + size
            (self.folder / "total").write_text(str(total))

    def _total(self) -> int:
        try:
            return int((self.folder / "total").read_text())
        except (OSError, ValueError):
            return self._shrink(self.limit)

    def _shrink(self, target: int) -> int:
        """Removes entries until the others take no more than ``target`` bytes; returns what they take."""
        entries = []
        for path in self.folder.glob("??/[0-9a-f]*.*"):
            with suppress(OSError):
                stat = path.stat()
                entries.append((path.suffix != ".range", stat.st_mtime_ns, stat.st_size, path))
        total = sum(size for _, _, size, _ in entries)
        for _, _, size, path in sorted(entries):  # whole files, without which nothing is found, go last
            if total <= target:
                break
            with suppress(OSError):
                path.unlink()
                total -= size
        return total

    def _path(self, key: str, kind: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest()
        return self.folder / name[:2] / f"{name}.{kind}"
