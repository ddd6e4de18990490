"""Folders of large files, local or in object storage, through the same few methods.

Addresses begin with s3://, gs://, https:// or http://; fsspec reads and writes them. Nothing is connected before the
first request of each process: the connections of a process do not survive in those that are forked from it.
"""

import logging
import os
import re
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from lcoins.data.storage_cache import Cache
from lcoins.data.storage_errors import Refused, explained, is_lasting
from lcoins.files import remove_partial_files, sha256_of

Answer = TypeVar("Answer")
WAITS = (0.2, 0.8, 3.2)  # seconds before each further try
CHUNK = 8 * 2**20  # bytes of a large file that one request asks for
CHUNKS = 4  # requests for one file at once
_ADDRESS = re.compile(r"(s3|gs|https?):/{1,2}(?=[^/])(.+)", re.DOTALL)
_connections: dict[tuple[int, str], Any] = {}  # those of a parent process stay, for their end would disturb it


def address_of(path: Path | str) -> str | None:
    """The address that a path is, or None for one of this machine; ``Path`` folds the two slashes, which is undone.

    >>> address_of(Path("s3://bucket/pack/")), address_of("photos/s3")
    ('s3://bucket/pack', None)
    """
    found = _ADDRESS.fullmatch(str(path))
    return f"{found[1]}://{found[2].rstrip('/')}" if found else None


def local_copy(path: Path | str) -> Path:
    """A file of this machine, as it is, or the copy of one that has an address.

    Raises FileNotFoundError for an address without a file, OSError where it cannot be read.
    """
    address = address_of(path)
    if address is None:
        return Path(path)
    folder, _, name = address.rpartition("/")
    return RemoteFolder(folder).copy(name)


class LocalFolder:
    """A folder of this machine; ``place`` is where its files are written and which a writer locks."""

    def __init__(self, path: Path) -> None:
        self.path = self.place = path

    def __str__(self) -> str:
        return str(self.path)

    def text(self, name: str, most: int) -> str:
        """The text of a small file; ValueError if it has more than ``most`` bytes."""
        with (self.path / name).open("rb") as file:
            return _checked_text(file.read(most + 1), most)

    def sizes(self) -> dict[str, int]:
        """The files of the folder with their sizes; empty if there is no such folder."""
        paths = self.path.iterdir() if self.path.is_dir() else ()
        return {path.name: path.stat().st_size for path in paths}

    def send(self, name: str) -> None:
        """Does nothing: the file that was written to ``place`` is where it belongs."""

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def remove_partial_files(self) -> None:
        """Removes what a killed writer has left."""
        remove_partial_files(self.path)


class RemoteFolder:
    """A folder that has an address; what is read of it can be kept in the :class:`Cache` of this machine."""

    def __init__(self, address: str) -> None:
        self.address, self.protocol = address, address.partition(":")[0]
        self.cache = Cache.from_environment()

    def __str__(self) -> str:
        return self.address

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.address,)

    @property
    def is_writable(self) -> bool:
        """Whether files can be sent there at all."""
        return self.protocol in ("s3", "gs")

    @property
    def place(self) -> Path:
        """The folder of this machine where files are written before they are sent, and which a writer locks."""
        return self.cache.folder / "writing" / sha256(self.address.encode()).hexdigest()[:16]

    def text(self, name: str, most: int) -> str:
        """The text of a small file; ValueError if it has more than ``most`` bytes."""
        data = self._ask(name, lambda files, url: files.cat_file(url, start=0, end=most + 1))
        return _checked_text(data, most)

    def sizes(self) -> dict[str, int]:
        """The files of the folder with their sizes."""
        found = self._ask("", lambda files, url: files.find(url.rstrip("/"), maxdepth=1, detail=True))
        return {path.rpartition("/")[2]: int(info["size"]) for path, info in found.items()}

    def ranges(
        self, wanted: Sequence[tuple[str, int, int]], is_right: Callable[[int, bytes], bool] | None = None
    ) -> list[bytes]:
        """The bytes of (file, offset, length), all asked for at once, and again where an answer is not right."""
        found: dict[int, bytes] = {}

        def ask(files: Any, _: str) -> list[bytes]:
            left = [number for number in range(len(wanted)) if number not in found]
            names, starts, lengths = zip(*(wanted[number] for number in left), strict=True)
            urls = [f"{self.address}/{name}" for name in names]
            ends = [start + length for start, length in zip(starts, lengths, strict=True)]
            wrong: list[BaseException] = []
            for number, answer in zip(left, files.cat_ranges(urls, list(starts), ends), strict=True):
                if isinstance(answer, BaseException):
                    wrong.append(answer)
                elif len(answer) != wanted[number][2] or not (is_right is None or is_right(number, answer)):
                    wrong.append(OSError(f"other bytes came than are at {wanted[number][1]} of {wanted[number][0]}"))
                else:
                    found[number] = answer
            if wrong:
                raise next(filter(is_lasting, wrong), wrong[0])
            return [found[number] for number in range(len(wanted))]

        return self._ask(wanted[0][0], ask) if wanted else []

    def copy(self, name: str, expected: tuple[str, int] | None = None) -> Path:
        """A copy of a file in the cache; ``expected`` is its SHA-256 and size, if they are known."""
        suffix = Path(name).suffix
        if expected is not None:
            digest, size = expected

            def receive(path: Path) -> None:
                self._receive(name, size, path)
                if sha256_of(path) != digest:
                    raise Refused(f"{self.address}/{name} has another SHA-256 than pack.json says; is it being packed?")

            return self.cache.file(digest, size, suffix, receive)
        info = self._ask(name, lambda files, url: files.info(url))
        if info.get("size") is None:
            raise Refused(f"{self.address}/{name}: the server does not say how large it is; copy it to this machine")
        version = [str(info.get(fact)) for fact in ("size", "ETag", "etag", "LastModified", "Last-Modified", "updated")]
        key = "\n".join((self.address, name, *version))
        return self.cache.file(
            key, int(info["size"]), suffix, lambda path: self._receive(name, int(info["size"]), path)
        )

    def _receive(self, name: str, size: int, path: Path) -> None:
        with path.open("wb") as file:
            for start in range(0, size, CHUNK * CHUNKS):
                stop = min(size, start + CHUNK * CHUNKS)
                parts = [(name, at, min(CHUNK, stop - at)) for at in range(start, stop, CHUNK)]
                file.writelines(self.ranges(parts))

    def send(self, name: str) -> None:
        """Sends a file from ``place``, where it is removed; here it appears when it has come as a whole."""
        try:
            self._ask(name, lambda files, url: files.put_file(str(self.place / name), url))
        finally:
            (self.place / name).unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        self._ask(name, lambda files, url: files.rm_file(url))

    def remove_partial_files(self) -> None:
        """Removes what a killed writer has left on this machine."""
        for path in self.place.iterdir():
            if path.suffix in (".part", ".rgb", ".json", ".index", ".pairs"):
                path.unlink()

    def _ask(self, name: str, request: Callable[[Any, str], Answer]) -> Answer:
        """The answer to a request, which is repeated after errors that may pass; an error says what to do."""
        for wait in (*WAITS, None):
            try:
                return request(_connected(self.protocol), f"{self.address}/{name}")
            except ModuleNotFoundError:
                raise
            except Exception as error:
                if wait is None or is_lasting(error):
                    raise explained(error, f"{self.address}/{name}".rstrip("/")) from error
            time.sleep(wait)
        raise AssertionError


def open_folder(path: Path | str) -> LocalFolder | RemoteFolder:
    """The folder of a path or an address."""
    address = address_of(path)
    return LocalFolder(Path(path)) if address is None else RemoteFolder(address)


def _connected(protocol: str) -> Any:
    """The file system of this process, which is made at its first request."""
    if (os.getpid(), protocol) not in _connections:
        _connections[os.getpid(), protocol] = _connect(protocol)
    return _connections[os.getpid(), protocol]


def _connect(protocol: str) -> Any:
    """A file system of fsspec; ModuleNotFoundError names the module that is not installed."""
    if protocol in ("http", "https"):
        from lcoins.data.web_ranges import WebRanges

        return WebRanges(skip_instance_cache=True, use_listings_cache=False)
    # Waiting and trying again is done here; where the libraries do it, too, their tries multiply with these.
    if protocol == "gs":
        from gcsfs.core import GCSFileSystem  # by HTTP, whose connections, unlike those of gRPC, a fork survives

        logging.getLogger("gcsfs").setLevel(logging.CRITICAL)  # it logs a traceback of what is told in one line here
        files = GCSFileSystem(skip_instance_cache=True, use_listings_cache=False)
        files._request = getattr(files._request, "__wrapped__", GCSFileSystem._request).__get__(files)
        return files
    from s3fs import S3FileSystem

    config = {
        "connect_timeout": 10, "read_timeout": 60, "max_pool_connections": 64, "retries": {"total_max_attempts": 1}
    }  # fmt: skip
    files = S3FileSystem(skip_instance_cache=True, use_listings_cache=False, config_kwargs=config)
    files.retries = 1
    return files


def _checked_text(data: bytes, most: int) -> str:
    if len(data) > most:
        raise ValueError(f"more than {most:,} bytes")
    return data.decode("utf-8")
