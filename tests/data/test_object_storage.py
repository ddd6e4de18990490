"""Packs and lists in object storage: the same samples as on this machine, whole or not at all, errors in one line."""

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
import torch
from local_server import answering
from moto.server import ThreadedMotoServer
from PIL import Image
from range_server import RangeServer
from torch.utils.data import DataLoader
from typer.testing import CliRunner

from lcoins.cli.errors import explain
from lcoins.cli.main import app
from lcoins.data import storage
from lcoins.data.caption_lists import read_pairs
from lcoins.data.from_lists import PhotoSource, read_usable_pairs
from lcoins.data.indexed_pairs import IndexedPairs
from lcoins.data.pack import Pack
from lcoins.data.pack_writer import pack_photos
from lcoins.data.pairs import Pair
from lcoins.data.photo_store import open_photos
from lcoins.data.photos import MergedPhotos, Photos, RandomView
from lcoins.data.storage import RemoteFolder
from lcoins.data.storage_cache import Cache
from lcoins.data.types import collate
from lcoins.files import remove_abandoned_files
from lcoins.imaging.decode import PhotoError

NAMES = ["a.png", "b.png", "sub/c.png", "d.png", "é.png"]
CAPTIONS = {name: [f"a red car {index}", f"a car on the left {index}"] for index, name in enumerate(NAMES)}
VIEW = RandomView(hflip="swap_words")
pytestmark = pytest.mark.usefixtures("quick_and_apart")


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3 server on this machine, with credentials and one bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "someone")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        fsspec.filesystem("s3", skip_instance_cache=True).mkdir("bucket")
        yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Photos with a caption list beside them."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in NAMES:
        Image.fromarray(rng.integers(0, 256, (40, 64, 3), dtype=np.uint8)).save(folder / name)
    (tmp_path / "train.json").write_text(json.dumps(CAPTIONS))
    return folder


def packed(root: Path, folder: Path | str, **options: Any) -> None:
    list(pack_photos(root, NAMES, folder, None, lists={"train": read_pairs(root.parent / "train.json")[0]}, **options))


@pytest.fixture
def server(root: Path, tmp_path: Path) -> Iterator[RangeServer]:
    """A web server of a pack."""
    packed(root, tmp_path / "pack")
    with answering(RangeServer(tmp_path / "pack")) as found:
        yield found


def objects(address: str) -> dict[str, bytes]:
    files = fsspec.filesystem("s3", skip_instance_cache=True, use_listings_cache=False)
    return {path.rpartition("/")[2]: files.cat_file(path) for path in files.find(address)}


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def expect_same(one: Photos | MergedPhotos, other: Photos | MergedPhotos) -> None:
    """Whether batches of one set have what samples of the other have."""
    assert len(one) == len(other)
    for mine, its in zip(one.__getitems__(list(range(len(one)))), (other[i] for i in range(len(other))), strict=True):
        assert torch.equal(mine.rgb, its.rgb)
        assert (mine.caption, mine.recolored, mine.name) == (its.caption, its.recolored, its.name)


def test_the_command_writes_the_bytes_of_a_local_pack(s3: str, root: Path, tmp_path: Path) -> None:
    command = ["data", "pack", str(root), str(tmp_path / "train.json"), "--size", "0", "-o"]
    done = CliRunner().invoke(app, [*command, "s3://bucket/by command"])
    assert done.exit_code == 0, done.output
    assert "data.train.captions=s3://bucket/by command/train.pairs" in done.output
    again = CliRunner().invoke(app, [*command, "s3://bucket/by command"])
    assert "0 shards written, 3 kept" in again.output
    packed(root, tmp_path / "pack")
    assert objects("bucket/by command") == content(tmp_path / "pack")
    assert not list((tmp_path / "cache").rglob("*.rgb"))


def test_a_pack_in_object_storage_gives_the_samples_of_a_local_one(s3: str, root: Path, tmp_path: Path) -> None:
    packed(root, "s3://bucket/same")
    packed(root, tmp_path / "pack")
    pairs = read_pairs(tmp_path / "train.json")[0]
    source = PhotoSource("s3://bucket/same", "s3://bucket/same/train.pairs")
    indexed = read_usable_pairs({"train": source}, "stop", None)["train"]
    assert isinstance(indexed, IndexedPairs)
    for view in (VIEW, None):
        local = Photos(tmp_path / "pack", pairs, 32, seed=2, view=view)
        for known in (pairs, indexed):
            expect_same(Photos("s3://bucket/same", known, 32, seed=2, view=view), local)
    twice = MergedPhotos([Photos("s3://bucket/same", indexed, 32, seed=2, view=VIEW)] * 2)
    expect_same(twice, MergedPhotos([Photos(root, pairs, 32, seed=2, view=VIEW)] * 2))


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_read_what_this_process_reads(s3: str, root: Path, start: str) -> None:
    address = f"s3://bucket/workers-{start}"
    packed(root, address)
    samples = Photos(address, IndexedPairs(f"{address}/train.pairs"), 16, seed=0, view=VIEW)
    expected = collate(samples.__getitems__([0, 1, 2, 3, 4]))  # connected before the workers start
    os.environ["LCOINS_CACHE"] += "-of-workers"  # so that they have to connect, too
    loader: DataLoader[Any] = DataLoader(
        Photos(Path(address), samples.pairs, 16, seed=0, view=VIEW),  # type: ignore[arg-type]
        batch_size=5 if start == "spawn" else 1,
        num_workers=1 if start == "spawn" else 2,
        multiprocessing_context=start,
        collate_fn=collate,
        timeout=300,
    )
    batches = list(loader)
    assert torch.equal(torch.cat([batch.rgb for batch in batches]), expected.rgb)
    assert [caption for batch in batches for caption in batch.captions] == expected.captions


def test_broken_off_anywhere_no_pack_is_left_that_reads_as_whole(
    s3: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are pack.json, pixels and rows of three shards, the list, the index, and pack.json again."""
    send, sent, most = RemoteFolder.send, list[str](), [1, 2, 5, 6, 8, 10]

    def break_off(self: RemoteFolder, name: str) -> None:
        if len(sent) == most[0]:
            raise KeyboardInterrupt
        sent.append(name)
        send(self, name)

    packed(root, tmp_path / "pack")
    with monkeypatch.context() as patch:
        patch.setattr(RemoteFolder, "send", break_off)
        while most:  # each goes on where the one before has stopped
            with pytest.raises(KeyboardInterrupt):
                packed(root, "s3://bucket/broken")
            with pytest.raises(ValueError, match="holds an unfinished pack; run lcoins data pack again, it goes on"):
                open_photos("s3://bucket/broken")
            most.pop(0)
    packed(root, "s3://bucket/broken")
    assert objects("bucket/broken") == content(tmp_path / "pack")


def test_lists_are_read_from_addresses(s3: str, tmp_path: Path) -> None:
    text = json.dumps({"images": [{"filename": "a.png", "sentences": [{"raw": "a red car"}], "split": "val"}]})
    files = fsspec.filesystem("s3", skip_instance_cache=True)
    for version in ("red", "green"):
        files.pipe_file("bucket/lists/dataset.json", text.replace("red", version).encode())
        pairs, problems = read_pairs(Path("s3://bucket/lists/dataset.json@val"))
        assert (pairs, problems) == ([Pair("a.png", f"a {version} car", 1)], [])
        assert pairs[0].where == "s3://bucket/lists/dataset.json line 1"
    with pytest.raises(FileNotFoundError, match=r"s3://bucket/lists/none\.json: no such file; check the address"):
        read_pairs("s3://bucket/lists/none.json")
    with pytest.raises(ValueError, match=r"s3://bucket/lists/photos\.zip: a caption list ends in"):
        read_pairs("s3://bucket/lists/photos.zip")


def one_line(root: Path, folder: str) -> tuple[str, str]:
    """What the user reads when a pack is opened, and when it is written."""
    texts = []
    for action in (lambda: Pack(folder), lambda: packed(root, folder)):
        with pytest.raises((OSError, ValueError)) as caught:
            action()
        texts.append(explain(caught.value) or "")
    assert all("\n" not in text and folder in text for text in texts), texts
    return texts[0], texts[1]


def test_no_bucket_no_credentials_no_permission_no_network(
    s3: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reconnect(name: str, value: str | None) -> None:
        monkeypatch.setattr(storage, "_connections", {})
        monkeypatch.setenv(name, value) if value is not None else monkeypatch.delenv(name)

    for text in one_line(root, "s3://nowhere/pack"):
        assert "the bucket does not exist" in text
    with answering(RangeServer(tmp_path)) as closed:
        closed.spoil = lambda path, answer: (403, b"<Error><Code>AccessDenied</Code><Message>No</Message></Error>")
        reconnect("AWS_ENDPOINT_URL", closed.address)
        for text in one_line(root, "s3://bucket/pack"):
            assert "no permission (" in text
        with pytest.raises(OSError, match=r"/pack/pack\.json: no permission \("):
            Pack(f"{closed.address}/pack")
    reconnect("AWS_ENDPOINT_URL", closed.address)  # where no server is any more
    for text in one_line(root, "s3://bucket/pack"):
        assert "cannot be reached (" in text
    with pytest.raises(OSError, match=r"/pack/pack\.json cannot be reached \("):
        Pack(f"{closed.address}/pack")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    reconnect("AWS_ACCESS_KEY_ID", None)
    for text in one_line(root, "s3://bucket/pack"):
        assert "no credentials are known (" in text


def test_a_server_that_fails_in_the_middle_is_told_in_one_line(server: RangeServer) -> None:
    pairs = [Pair(name, "a red car", 1) for name in NAMES]
    samples = Photos(server.address, pairs, 16, seed=0, view=VIEW)
    server.spoil = lambda path, answer: (500, b"") if path.endswith(".rgb") else answer
    with pytest.raises(OSError) as caught:
        list(DataLoader(samples, batch_size=2, num_workers=1, collate_fn=collate))
    text = explain(caught.value) or ""
    assert re.fullmatch(r"http://127.+rgb: 500, message='Internal Server Error'.+; try again later, or check .+", text)


def test_a_server_that_asks_to_be_spared_is_asked_four_times(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By this package alone: tries of the libraries below it would multiply."""
    monkeypatch.setattr(storage, "_connections", {})
    with answering(RangeServer(tmp_path)) as busy:
        busy.spoil = lambda path, answer: (503, b"<Error><Code>SlowDown</Code><Message>Less</Message></Error>")
        monkeypatch.setenv("AWS_ENDPOINT_URL", busy.address)
        with pytest.raises(OSError, match=r"s3://bucket/pack/pack\.json: .*Less; try again later"):
            Pack("s3://bucket/pack")
        assert len(busy.requests) == len(storage.WAITS) + 1


def test_a_missing_library_is_named_with_its_extra(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_connections", {})
    for protocol, library in (("s3", "s3fs"), ("gs", "gcsfs")):
        monkeypatch.delitem(sys.modules, f"{library}.core", raising=False)
        monkeypatch.setitem(sys.modules, library, None)
        with pytest.raises(ModuleNotFoundError) as caught:
            Pack(f"{protocol}://bucket/pack")
        assert "run: pip install 'lcoins[remote]'" in str(explain(caught.value))
    with pytest.raises(ValueError, match=r"https://host/pack cannot be written to; give an address s3://"):
        packed(root, "https://host/pack")


def test_ranges_of_a_web_server_are_asked_for_again_after_errors_and_wrong_bytes(server: RangeServer) -> None:
    troubles = iter([(503, b""), (206, b"\0" * 40 * 64 * 3), (206, b"short")])

    def spoil(path: str, answer: tuple[int, bytes]) -> tuple[int, bytes]:
        return next(troubles, answer) if path.endswith(".rgb") else answer

    server.spoil = spoil
    pack = Pack(server.address)
    for name in NAMES:
        with Image.open(pack.source / name) as photo:
            np.testing.assert_array_equal(pack.load(name), np.asarray(photo))
    server.spoil = lambda path, answer: (206, b"\0" * len(answer[1]))
    with pytest.raises(OSError, match=r"00000\.rgb: other bytes came than are at \d+ of 00000\.rgb"):
        pack._remote.folder.ranges([("00000.rgb", 0, 9)], lambda number, data: False)  # type: ignore[union-attr]


def test_a_server_without_ranges_or_with_another_index_is_refused(server: RangeServer, tmp_path: Path) -> None:
    pack = Pack(server.address)
    server.has_ranges = False
    with pytest.raises(OSError, match="the server sends whole files only; copy the pack"):
        pack.load(NAMES[1])
    server.has_ranges = True
    path = tmp_path / "pack" / "photos.index"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    (tmp_path / "cache").rename(tmp_path / "another cache")
    with pytest.raises(OSError, match=r"photos\.index has another SHA-256 than pack\.json says"):
        Pack(server.address)


def test_no_more_is_taken_than_was_asked_for(server: RangeServer) -> None:
    folder = RemoteFolder(server.address)
    server.spoil = lambda path, answer: (answer[0], answer[1] + b"x" * 2**20)
    assert folder.ranges([("00000.rgb", 5, 10)]) == [(server.folder / "00000.rgb").read_bytes()[5:15]]
    server.spoil = lambda path, answer: (200, b"[" * 2**21)
    with pytest.raises(ValueError, match=r"more than 1,048,576 bytes"):
        Pack(server.address)


def test_what_was_received_is_not_asked_for_again_until_the_pack_changes(
    server: RangeServer, root: Path, tmp_path: Path
) -> None:
    first = {name: Pack(server.address).load(name) for name in NAMES}
    server.requests.clear()
    for name in NAMES:
        np.testing.assert_array_equal(Pack(server.address).load(name), first[name])
    assert set(server.requests) == {"/pack.json"}
    ranges = sorted((tmp_path / "cache").rglob("*.range"))
    assert len(ranges) == len(NAMES)
    for path in ranges:  # spoiled on this machine: received again
        path.write_bytes(b"\0" * path.stat().st_size)
    np.testing.assert_array_equal(Pack(server.address).load("a.png"), first["a.png"])
    Image.new("RGB", (64, 40), "red").save(root / "a.png")
    packed(root, tmp_path / "pack")
    assert Pack(server.address).load("a.png")[0, 0].tolist() == [255, 0, 0]


def test_the_cache_never_exceeds_its_limit(
    server: RangeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit, length = 100_000, 40 * 64 * 3
    monkeypatch.setenv("LCOINS_CACHE_GIB", str(limit / 2**30))
    for _ in range(3):
        pack = Pack(server.address)
        for name in NAMES:
            pack.load(name)
    cache = Cache(tmp_path / "cache", limit)
    for number in range(60):
        cache.put(str(number), bytes(length))
        held = [path.stat().st_size for path in cache.folder.glob("*/*") if path.suffix in (".range", ".index")]
        assert sum(held) <= limit
    assert [number for number in range(60) if cache.get(str(number), length)] == list(
        range(60 - sum(held) // length, 60)
    )
    cache.put("large", bytes(limit))
    assert cache.get("large", limit) is None
    with pytest.raises(ValueError, match=r"200,000 bytes do not fit into the cache of 100,000; give a larger LCOINS"):
        cache.file("too large", 200_000, ".index", lambda path: None)
    assert cache.share(10 * limit) == pytest.approx(0.081)
    monkeypatch.setenv("LCOINS_CACHE_GIB", "much")
    with pytest.raises(ValueError, match="LCOINS_CACHE_GIB: expected the size of the cache in GiB, such as 32, got 'm"):
        Cache.from_environment()


def test_what_a_killed_process_has_left_in_the_cache_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(tmp_path / "cache", 10_000)

    def die(one: Path, other: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("lcoins.data.storage_cache.os.replace", die)
        patch.setattr("lcoins.data.storage_cache.os.getpid", lambda: 2**31 - 1)  # no process has such a number
        cache.put("key", b"x")
    (left,) = cache.folder.rglob("*.part")
    os.utime(left, (0, 0))
    remove_abandoned_files.cache_clear()  # as in another process
    cache.put("key", b"x")
    assert not left.exists()
    assert cache.get("key", 1) == b"x"


def test_photos_that_do_not_fit_into_the_cache_are_read_all_the_same(
    server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Pack(server.folder).load("b.png")
    monkeypatch.setenv("LCOINS_CACHE_GIB", "0.00001")
    pack = Pack(server.address)
    for _ in range(2):
        server.requests.clear()
        np.testing.assert_array_equal(pack.load("b.png"), expected)
        assert server.requests == ["/00000.rgb"]


def test_what_a_remote_pack_lacks_is_told_without_a_request_for_pixels(server: RangeServer, tmp_path: Path) -> None:
    pack = open_photos(server.address)
    pack.check("a.png")
    with pytest.raises(FileNotFoundError, match=r"none\.png is not in this pack; run lcoins data pack again"):
        pack.check("none.png")
    assert not [path for path in server.requests if path.endswith(".rgb")]
    head = json.loads((tmp_path / "pack" / "pack.json").read_text())
    (tmp_path / "pack" / "pack.json").write_text(json.dumps(head | {"version": 1}))
    with pytest.raises(ValueError, match=r"is a pack of version 1, which has no index; run lcoins data pack again"):
        Pack(server.address)


def test_a_damaged_local_pack_is_no_matter_of_storage(root: Path, tmp_path: Path) -> None:
    packed(root, tmp_path / "pack")
    pack = Pack(tmp_path / "pack")
    (tmp_path / "pack" / "00000.rgb").unlink()
    with pytest.raises(PhotoError, match="missing or cut off"):
        pack.load("a.png")
