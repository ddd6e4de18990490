"""Packs at gs://, against a server of Google's storage on this machine: written, read, by workers, and errors."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gcp_storage_emulator.server import create_server
from local_server import answering
from PIL import Image
from range_server import RangeServer
from torch.utils.data import DataLoader
from typer.testing import CliRunner

from lcoins.cli.errors import explain
from lcoins.cli.main import app
from lcoins.data import storage
from lcoins.data.indexed_pairs import IndexedPairs
from lcoins.data.pack import Pack
from lcoins.data.photos import Photos, RandomView
from lcoins.data.storage import RemoteFolder
from lcoins.data.types import collate

NAMES = ["a.png", "b.png", "sub/c.png", "d.png", "é.png"]
VIEW = RandomView(hflip="swap_words")
pytestmark = pytest.mark.usefixtures("quick_and_apart")


@pytest.fixture(scope="module")
def google() -> Iterator[str]:
    """A bucket on this machine."""
    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket="bucket")
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "_connections", {})
        patch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server._api._httpd.server_port}")
        patch.setenv("NO_GCE_CHECK", "true")  # for it would ask Google's network whether this machine is one of its own
        yield "gs://bucket"
    server.stop()


@pytest.fixture
def packed(google: str, tmp_path: Path, request: pytest.FixtureRequest) -> tuple[str, Path]:
    """The same pack at an address and on this machine, both written by the command."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in NAMES:
        Image.fromarray(rng.integers(0, 256, (40, 64, 3), dtype=np.uint8)).save(folder / name)
    (tmp_path / "train.json").write_text(json.dumps({name: [f"a red car, {name}"] for name in NAMES}))
    address = f"{google}/{request.node.name}"
    for place in (address, str(tmp_path / "pack")):
        pack(tmp_path, place)
    return address, tmp_path / "pack"


def pack(parent: Path, place: str) -> str:
    command = ["data", "pack", str(parent / "photos"), str(parent / "train.json"), "--size", "0", "-o", place]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    return done.output


def test_what_is_written_and_read_there_is_what_is_here(packed: tuple[str, Path], tmp_path: Path) -> None:
    address, here = packed
    there = RemoteFolder(address)
    assert there.sizes() == {path.name: path.stat().st_size for path in here.iterdir()}
    for name in there.sizes():
        assert there.copy(name).read_bytes() == (here / name).read_bytes()
    assert "0 shards written, 3 kept" in pack(tmp_path, address)
    samples, expected = (
        Photos(place, IndexedPairs(f"{place}/train.pairs"), 32, seed=2, view=VIEW) for place in (address, here)
    )
    for mine, its in zip(samples.__getitems__(list(range(5))), expected.__getitems__(list(range(5))), strict=True):
        assert torch.equal(mine.rgb, its.rgb)
        assert (mine.caption, mine.name) == (its.caption, its.name)


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_read_what_this_process_reads(packed: tuple[str, Path], start: str) -> None:
    address, _ = packed
    samples = Photos(address, IndexedPairs(f"{address}/train.pairs"), 16, seed=0, view=VIEW)
    expected = collate(samples.__getitems__([0, 1, 2, 3, 4]))  # connected before the workers start
    os.environ["LCOINS_CACHE"] += "-of-workers"  # so that they have to connect, too
    loader: DataLoader[Any] = DataLoader(
        samples, 5, num_workers=1, multiprocessing_context=start, collate_fn=collate, timeout=300
    )
    (batch,) = loader
    assert torch.equal(batch.rgb, expected.rgb)


def test_what_goes_wrong_is_told_in_one_line(
    packed: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, _ = packed

    def told(place: str) -> str:
        monkeypatch.setattr(storage, "_connections", {})
        with pytest.raises((OSError, ValueError)) as caught:
            Pack(place)
        text = explain(caught.value) or ""
        assert "\n" not in text and place in text
        return text

    assert "no such file or bucket; check the address" in told("gs://nowhere/pack")
    with answering(RangeServer(tmp_path)) as closed:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", closed.address)
        closed.spoil = lambda path, answer: (403, b'{"error": {"message": "you may not"}}')
        text = told(address)
        assert "no permission (Forbidden: " in text
        assert "GOOGLE_APPLICATION_CREDENTIALS" in text
        assert len(closed.requests) == 1
        closed.spoil = lambda path, answer: (503, b'{"error": {"message": "less"}}')
        assert "less, 503; try again later" in told(address)
        assert len(closed.requests) == 1 + len(storage.WAITS) + 1  # the tries of gcsfs would multiply with these
    assert "cannot be reached (" in told(address)  # where no server is any more
