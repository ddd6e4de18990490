"""Packs: the same pictures as the files, whole or not at all, resumed after a kill, and refused when damaged or old."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file
from torch.utils.data import DataLoader
from typer.testing import CliRunner, Result

from lcoins.cli.main import app
from lcoins.data import pack_writer
from lcoins.data.datamodule import KeyedSampler
from lcoins.data.pack import Pack, is_pack
from lcoins.data.pack_writer import PackProgress, pack_photos
from lcoins.data.pairs import Pair
from lcoins.data.photo_store import PhotoFolder, open_photos
from lcoins.data.photos import Photos, RandomView
from lcoins.data.types import collate
from lcoins.data.validate import check_photos
from lcoins.imaging.decode import PhotoError, load_photo
from lcoins.locks import FolderInUse

NAMES = ["a.jpg", "b.png", "sub/c.jpg", "d.png", "é.png"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i, name in enumerate(NAMES):
        pixels = rng.integers(0, 256, (40 + 7 * i, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


def packed(
    root: Path, folder: Path, size: int | None = None, names: list[str] = NAMES, **options: bool
) -> PackProgress:
    return list(pack_photos(root, names, folder, size, **options))[-1]  # type: ignore[arg-type]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_pack_holds_the_very_pixels_of_the_files(root: Path, tmp_path: Path) -> None:
    done = packed(root, tmp_path / "pack")
    assert (done.photos, done.shards_written, done.failed) == (5, 1, {})
    assert done.bytes == sum(3 * 64 * (40 + 7 * i) for i in range(5))
    pack = open_photos(tmp_path / "pack")
    assert isinstance(pack, Pack)
    for name in NAMES:
        expected = np.asarray(load_photo(root / name, profile=False))
        np.testing.assert_array_equal(pack.load(name), expected)
        pack.load(name)[0, 0, 0] = 0  # a crop may be worked on in place
        assert pack.is_exact(name)
        pack.check(name)


def test_the_documented_format_can_be_read_without_this_package(root: Path, tmp_path: Path) -> None:
    packed(root, tmp_path / "pack")
    head = json.loads((tmp_path / "pack" / "pack.json").read_text())
    whole = (tmp_path / "pack" / "photos.index").read_bytes()
    index = {"sha256": hashlib.sha256(whole).hexdigest(), "bytes": len(whole)}
    others = {"source": str(root.resolve()), "size": None, "shards": 1, "index": index}
    assert head == {"format": "lcoins-pack", "version": 2} | others
    pixels = (tmp_path / "pack" / "00000.rgb").read_bytes()
    rows = json.loads((tmp_path / "pack" / "00000.json").read_text(encoding="utf-8"))
    assert [row[0] for row in rows] == sorted(NAMES)
    for name, offset, width, height, crc, size, mtime, shrunk in rows:
        own = pixels[offset : offset + 3 * width * height]
        assert own == load_photo(root / name, profile=False).tobytes()
        assert crc == zlib.crc32(own)
        assert (size, mtime, shrunk) == ((root / name).stat().st_size, (root / name).stat().st_mtime_ns, False)
    columns = load_file(tmp_path / "pack" / "photos.index")
    names = np.split(columns["names"], columns["rows"][1:, 0])
    assert [bytes(name).decode() for name in names] == sorted(NAMES)
    assert columns["rows"][:, 2:].tolist() == [row[1:] for row in rows]


def test_a_pack_of_version_1_gives_the_same_and_becomes_version_2_when_packed_again(root: Path, tmp_path: Path) -> None:
    packed(root, tmp_path / "pack")
    new, before = Pack(tmp_path / "pack"), content(tmp_path / "pack")
    head = json.loads(before["pack.json"]) | {"version": 1}
    del head["index"]
    (tmp_path / "pack" / "pack.json").write_text(json.dumps(head))
    (tmp_path / "pack" / "photos.index").unlink()
    old = Pack(tmp_path / "pack")
    assert dict(old.photos) == dict(new.photos)
    for name in NAMES:
        np.testing.assert_array_equal(old.load(name), new.load(name))
        old.check(name)
    assert packed(root, tmp_path / "pack").shards_kept == 1
    assert content(tmp_path / "pack") == before


def test_training_and_evaluation_see_the_same_through_a_pack(root: Path, tmp_path: Path) -> None:
    packed(root, tmp_path / "pack")
    pairs = [Pair(name, "a red car on the left", 1) for name in NAMES]
    for view in (RandomView(hflip="swap_words"), None):
        sets = [Photos(source, pairs, 32, seed=2, view=view) for source in (root, tmp_path / "pack")]
        for index in range(len(NAMES)):
            one, other = (photos[index] for photos in sets)
            assert torch.equal(one.rgb, other.rgb)
            assert (one.caption, one.name) == (other.caption, other.name)


def test_large_photos_are_shrunk_by_their_short_side_and_small_ones_kept(root: Path, tmp_path: Path) -> None:
    packed(root, tmp_path / "pack", size=50)
    pack = Pack(tmp_path / "pack")
    assert [pack.load(name).shape[:2] for name in NAMES] == [(40, 64), (47, 64), (50, 59), (50, 52), (53, 50)]
    assert [pack.is_exact(name) for name in NAMES] == [True, True, False, False, False]


def test_evaluation_on_shrunk_photos_is_refused(root: Path, tmp_path: Path) -> None:
    packed(root, tmp_path / "pack", size=50)
    pairs = [Pair(name, "x", 1) for name in NAMES]
    with pytest.raises(ValueError, match=r"3 of 5 photos were shrunk to 50 px .* evaluate on the folder of photos"):
        Photos(tmp_path / "pack", pairs, 32, seed=0)
    assert len(Photos(tmp_path / "pack", pairs, 32, seed=0, view=RandomView())) == 5
    assert len(Photos(tmp_path / "pack", pairs[:2], 32, seed=0)) == 2


def test_shards_are_kept_and_only_what_changed_is_packed_again(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_writer, "PHOTOS_PER_SHARD", 2)
    folder = tmp_path / "pack"
    assert packed(root, folder).shards_written == 3
    before = content(folder)
    again = packed(root, folder)
    assert (again.shards_written, again.shards_kept) == (0, 3)
    assert content(folder) == before
    Image.new("RGB", (64, 40), "red").save(root / "a.jpg")
    changed = packed(root, folder)
    assert (changed.shards_written, changed.shards_kept) == (1, 2)
    assert Pack(folder).load("a.jpg")[0, 0, 0] > 200
    (folder / "captions.json").write_text("{}")  # somebody's own
    fewer = packed(root, folder, names=["a.jpg", "b.png"])
    assert fewer.shards_kept == 1
    assert sorted(content(folder)) == ["00000.json", "00000.rgb", "captions.json", "pack.json", "photos.index"]


@pytest.mark.parametrize("harm", ["pixel", "cut", "index", "cut index", "lost"])
def test_a_damaged_shard_is_found_and_mended_by_packing_again(root: Path, tmp_path: Path, harm: str) -> None:
    folder = tmp_path / "pack"
    packed(root, folder)
    before = content(folder)
    path = folder / ("photos.index" if "index" in harm else "00000.rgb")
    spoiled = bytearray(path.read_bytes())
    spoiled[100 if harm == "pixel" else 3] ^= 1
    if harm == "lost":
        path.unlink()
    else:
        path.write_bytes(spoiled[:-10] if "cut" in harm else spoiled)
    with pytest.raises((PhotoError, ValueError, FileNotFoundError), match=r"run lcoins data pack again"):
        for name in NAMES:
            Pack(folder).check(name)
    assert packed(root, folder).shards_written == (0 if "index" in harm else 1)
    assert content(folder) == before


@pytest.mark.parametrize("harm", ["cut", "lost"])
def test_a_pack_without_all_its_pixels_is_refused_when_it_is_opened(root: Path, tmp_path: Path, harm: str) -> None:
    """Before training: with an indexed list no photo is looked at until it is drawn."""
    packed(root, tmp_path / "pack")
    shard = tmp_path / "pack" / "00000.rgb"
    if harm == "lost":
        shard.unlink()
    else:
        shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(
        ValueError, match=r"(00000\.rgb is missing|damaged: its shards have).*run lcoins data pack again"
    ):
        Pack(tmp_path / "pack")


def test_an_outdated_pack_is_named_before_training(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pack"
    packed(root, folder)
    pairs = [Pair(name, "x", i + 1, "list.json") for i, name in enumerate(NAMES)]
    assert check_photos(folder, pairs) == (pairs, [])
    os.utime(root / "b.png", ns=(1, 1))
    usable, (problem,) = check_photos(folder, pairs)
    assert re.match(r"list\.json line 2: b\.png: outdated pack .*changed since", str(problem))
    assert usable == [pair for pair in pairs if pair.photo != "b.png"]
    _, (problem,) = check_photos(folder, [*pairs[:1], Pair("new.png", "x", 9)])
    assert "line 9: new.png: missing photo; it is not in the pack" in str(problem)
    (root / "b.png").rename(root / "gone.png")
    root.rename(tmp_path / "elsewhere")  # a pack also serves where its photos are not
    assert check_photos(folder, pairs) == (pairs, [])


def test_photos_that_cannot_be_read_are_named_and_stop_the_pack_unless_left_out(root: Path, tmp_path: Path) -> None:
    (root / "d.png").write_bytes((root / "d.png").read_bytes()[:200])
    folder = tmp_path / "pack"
    done = packed(root, folder, names=[*NAMES, "none.jpg"])
    assert sorted(done.failed) == ["d.png", "none.jpg"]
    assert "truncated photo" in str(done.failed["d.png"])
    with pytest.raises(ValueError, match="unfinished pack; run lcoins data pack again, it goes on where it stopped"):
        open_photos(folder)
    packed(root, folder, names=[*NAMES, "none.jpg"], leave_out=True)
    assert "d.png" not in Pack(folder)
    assert "a.jpg" in Pack(folder)


def test_nothing_else_is_overwritten(root: Path, tmp_path: Path) -> None:
    packed(root, tmp_path / "pack", size=48)
    with pytest.raises(ValueError, match="holds a pack with size 48, not 32; choose another folder"):
        packed(root, tmp_path / "pack", size=32)
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(ValueError, match=r"holds a pack with source .*photos, not .*other; choose another"):
        packed(other, tmp_path / "pack", size=48)
    with pytest.raises(ValueError, match=r"photos is no pack and not empty; choose a new folder"):
        packed(root, root)
    with pytest.raises(FileNotFoundError, match=r"nowhere: no such photo folder"):
        packed(tmp_path / "nowhere", tmp_path / "new")
    with pytest.raises(ValueError, match=r"at least 16, not 3"):
        packed(root, tmp_path / "new", size=3)
    assert not (tmp_path / "new").exists()


NEWER = '{"format": "lcoins-pack", "version": 9, "source": "", "size": 1, "shards": 1}'


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "zip"}', NEWER])
def test_a_strange_index_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "pack.json").write_text(text)
    assert is_pack(tmp_path)
    with pytest.raises(ValueError, match=r"pack\.json is (damaged|not of format)"):
        Pack(tmp_path)


def test_a_folder_is_no_pack(root: Path) -> None:
    assert isinstance(open_photos(root), PhotoFolder)
    with pytest.raises(FileNotFoundError, match=r"is no pack: pack\.json is missing"):
        Pack(root)


SLOW = """
import sys, time
from lcoins.data import pack_writer
pack_writer.PHOTOS_PER_SHARD = 2
for done in pack_writer.pack_photos(sys.argv[1], sys.argv[3:], sys.argv[2], None):
    print(done.photos, flush=True)
    time.sleep(0.5 if done.photos >= 4 else 0)
"""


def test_killed_in_the_middle_it_goes_on_and_ends_with_the_same_bytes(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_writer, "PHOTOS_PER_SHARD", 2)
    folder = tmp_path / "pack"
    command = [sys.executable, "-c", SLOW, str(root), str(folder), *NAMES]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 4:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    with pytest.raises(ValueError, match="unfinished pack"):
        Pack(folder)
    (folder / "00002.rgb").write_bytes(b"half a shard")  # as a kill between pixels and rows leaves it
    (folder / ".00002.rgb.7.part").write_bytes(b"half a file")  # and one while they are written
    rest = packed(root, folder)
    assert (rest.shards_kept, rest.shards_written) == (2, 1)
    packed(root, tmp_path / "whole")
    assert content(folder) == content(tmp_path / "whole")


def test_killed_before_its_first_file_it_starts_again(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / ".pack.json.7.part").write_bytes(b"{")
    packed(root, folder)
    packed(root, tmp_path / "whole")
    assert content(folder) == content(tmp_path / "whole")


def test_workers_and_ranks_share_a_pack_without_gaps_or_repetitions(root: Path, tmp_path: Path) -> None:
    packed(root, tmp_path / "pack")
    pairs = [Pair(name, "a red car", 1) for name in NAMES]
    photos = Photos(tmp_path / "pack", pairs, 16, seed=0, view=RandomView())
    evaluated = Photos(tmp_path / "pack", pairs, 16, seed=0)
    for samples, shuffle, expected in (
        (photos, True, 4),
        (evaluated, False, 5),
    ):  # in training the ranks get equally many
        seen: list[str] = []
        for rank in range(2):
            sampler = KeyedSampler(samples, seed=1, shuffle=shuffle, rank=rank, ranks=2)
            loader = DataLoader(samples, batch_size=1, sampler=sampler, num_workers=2, collate_fn=collate)
            seen += [batch.names[0] for batch in loader]
        assert len(seen) == len(set(seen)) == expected


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["data", *map(str, arguments)])


def test_the_commands_pack_and_measure(root: Path, tmp_path: Path) -> None:
    captions = tmp_path / "list.json"
    captions.write_text(json.dumps({name: ["a red car"] for name in NAMES} | {"": ["no photo"]}))
    done = run("pack", root, captions, "-o", tmp_path / "pack", "--size", 0)
    assert done.exit_code == 0, done.output
    assert "5 photos, 0 MiB, 1 shard written, 0 kept, not readable: 0" in done.output
    assert "left out: 1 bad row; `lcoins data check` names them" in done.output
    measured = run("speed", tmp_path / "pack", captions, "--image-size", 16, "--seconds", 0.1, "--json")
    figures = json.loads(measured.output)
    assert figures["samples"] >= 1
    assert figures["samples_per_second"] == pytest.approx(figures["samples"] / figures["seconds"])
    assert figures["own_mib"] > 100
    assert figures["worker_mib"] == 0
    assert "samples/s" in run("speed", root, captions, "--image-size", 16, "--seconds", 0.1).output
    refused = run("check", tmp_path / "pack", captions)
    assert "is a pack; check the folder of photos" in str(refused.exception)


def test_a_bad_photo_stops_the_command_unless_left_out(root: Path, tmp_path: Path) -> None:
    (root / "d.png").write_bytes(b"no picture")
    captions = tmp_path / "list.json"
    captions.write_text(json.dumps({name: ["a red car"] for name in NAMES}))
    stopped = run("pack", root, captions, "-o", tmp_path / "pack")
    assert stopped.exit_code == 1
    assert "d.png: unreadable photo" in stopped.output
    assert "The pack is unfinished" in stopped.output
    left_out = run("pack", root, captions, "-o", tmp_path / "pack", "--leave-out")
    assert left_out.exit_code == 0
    assert "4 photos" in left_out.output
    assert len(Pack(tmp_path / "pack").photos) == 4


def test_a_second_packer_is_refused_and_names_the_first(root: Path, tmp_path: Path) -> None:
    first = pack_photos(root, NAMES, tmp_path / "pack", 256)
    next(first)
    done = CliRunner().invoke(app, ["data", "pack", str(root), str(_list_of(tmp_path)), "-o", str(tmp_path / "pack")])
    assert isinstance(done.exception, FolderInUse)
    assert f"in use by process {os.getpid()}" in str(done.exception)
    list(first)
    assert len(Pack(tmp_path / "pack").photos) == len(NAMES)


def _list_of(folder: Path) -> Path:
    path = folder / "list.json"
    path.write_text(json.dumps({name: ["a red bus"] for name in NAMES}), encoding="utf-8")
    return path
