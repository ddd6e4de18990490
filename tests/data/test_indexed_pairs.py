"""Lists and indices that are mapped: the samples of ordinary lists, damage refused, memory that does not grow."""

import json
import pickle
from pathlib import Path

import large_pack
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from lcoins.cli.main import app
from lcoins.data.caption_lists import read_pairs
from lcoins.data.columns import Columns, ColumnsWriter
from lcoins.data.datamodule import INDICES_AT_ONCE, KeyedSampler
from lcoins.data.from_lists import PhotoSource, read_usable_pairs
from lcoins.data.indexed_pairs import IndexedPairs, grouped, write_indexed_pairs
from lcoins.data.pack import Pack
from lcoins.data.pack_index import PackedPhoto, PackIndex, PackIndexWriter
from lcoins.data.pack_writer import pack_photos
from lcoins.data.pairs import ListedPairs, Pair
from lcoins.data.photos import Photos, RandomView
from lcoins.data.types import key
from lcoins.data.validate import ProblemsFound

# A photo's captions need not follow one another in a list.
PAIRS = [
    Pair("b.png", "a red car on the left", 1, "train.json"),
    Pair("a.png", "ein grüner Vogel", 2, "train.json"),
    Pair("b.png", "a car", 3, "train.json"),
    Pair("é.png", "a blue bird", 5, "train.json"),
    Pair("a.png", "a green bird", 8, "train.json"),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, photo in enumerate(("a.png", "b.png", "é.png")):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / photo)
    return folder


@pytest.fixture
def pack(root: Path, tmp_path: Path) -> Path:
    list(pack_photos(root, [pair.photo for pair in PAIRS], tmp_path / "pack", None, lists={"train": PAIRS}))
    return tmp_path / "pack"


def test_an_indexed_list_has_the_pairs_in_their_order(pack: Path) -> None:
    indexed, listed = IndexedPairs(pack / "train.pairs"), ListedPairs(PAIRS)
    assert (list(indexed), indexed.source) == (PAIRS, "train.json")
    assert read_pairs(pack / "train.pairs") == (PAIRS, [])
    for known in (indexed, pickle.loads(pickle.dumps(indexed))):
        assert (len(known), known.photos, list(known.texts)) == (5, 3, list(listed.texts))
        assert [known.item(index) for index in range(5)] == [listed.item(index) for index in range(5)]
        assert [known.name(photo) for photo in range(3)] == ["b.png", "a.png", "é.png"]
        assert [known.captions(photo) for photo in range(3)] == [listed.captions(photo) for photo in range(3)]


@pytest.mark.parametrize("view", [RandomView(hflip="swap_words"), None])
def test_an_indexed_list_gives_the_samples_of_the_list(root: Path, pack: Path, view: RandomView | None) -> None:
    one = Photos(root, PAIRS, 32, seed=3, view=view)
    other = Photos(pack, IndexedPairs(pack / "train.pairs"), 32, seed=3, view=view)
    assert (len(one), list(one.texts)) == (len(other), list(other.texts))
    for epoch in range(2):
        one.set_epoch(epoch)
        other.set_epoch(epoch)
        for mine, its in zip((one[i] for i in range(len(one))), (other[i] for i in range(len(other))), strict=True):
            assert torch.equal(mine.rgb, its.rgb)
            assert (mine.caption, mine.recolored, mine.name, mine.index, mine.pairs) == (
                its.caption,
                its.recolored,
                its.name,
                its.index,
                its.pairs,
            )


def test_a_list_is_only_opened_beside_its_own_pack_and_checked_beside_any_other_folder(
    root: Path, pack: Path, tmp_path: Path
) -> None:
    def usable(folder: Path) -> object:
        source = PhotoSource(str(folder), str(pack / "train.pairs"))
        return read_usable_pairs({"train": source}, "stop", None)["train"]

    assert isinstance(usable(pack), IndexedPairs)
    assert usable(root) == PAIRS
    list(pack_photos(root, ["a.png", "b.png"], tmp_path / "fewer", None))
    with pytest.raises(ProblemsFound, match=r"train\.json line 5: é\.png: missing photo; it is not in the pack"):
        usable(tmp_path / "fewer")


def test_packing_again_with_other_lists_removes_the_old_and_left_out_photos_are_in_none(
    root: Path, pack: Path, tmp_path: Path
) -> None:
    (root / "é.png").write_bytes(b"no photo")
    path = tmp_path / "captions" / "train.json"
    path.parent.mkdir()
    path.write_text(json.dumps({pair.photo: ["x"] for pair in PAIRS}))
    (tmp_path / "train.json").write_text(json.dumps({"a.png": ["y"]}))
    command = ["data", "pack", str(root), str(path), str(tmp_path / "train.json"), "--size", "0", "--leave-out"]
    done = CliRunner().invoke(app, [*command, "-o", str(pack)])
    assert done.exit_code == 0, done.output
    assert {file.name for file in pack.glob("*.pairs")} == {"train.pairs", "train_2.pairs"}
    assert [pair.photo for pair in IndexedPairs(pack / "train.pairs")] == ["b.png", "a.png"]
    measured = CliRunner().invoke(
        app, ["data", "speed", str(pack), str(pack / "train_2.pairs"), "--image-size", "16", "--seconds", "0.01"]
    )
    assert "samples/s" in measured.output
    list(pack_photos(root, ["a.png"], pack, None))
    assert not list(pack.glob("*.pairs"))


@pytest.mark.parametrize("count", [1, 1023, 1024, 1025, 3000])
def test_an_index_is_searched_between_landmarks(tmp_path: Path, count: int) -> None:
    names = [f"{number:05d}.jpg" for number in range(1, 2 * count, 2)]
    with PackIndexWriter(tmp_path / "photos.index") as writer:
        for number, name in enumerate(names):
            writer.add(PackedPhoto(name, 0, number, 1, 1, 0, 0, 0, False))
        writer.finish()
    index = PackIndex(tmp_path / "photos.index")
    assert [index[name].offset for name in names] == list(range(count))
    assert not [number for number in range(0, 2 * count + 1, 2) if f"{number:05d}.jpg" in index]


@given(names=st.sets(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=30), other=st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_an_index_finds_every_name_and_no_other(tmp_path: Path, names: set[str], other: str) -> None:
    photos = {name: PackedPhoto(name, n, 7 * n, 4, 3, n, n, n, bool(n % 2)) for n, name in enumerate(sorted(names))}
    with PackIndexWriter(tmp_path / "photos.index") as writer:
        for photo in photos.values():
            writer.add(photo)
        writer.finish()
    index = PackIndex(tmp_path / "photos.index")
    assert dict(index) == photos
    assert (other in index) == (other in names)
    assert (index.bytes, index.shrunk) == (36 * len(names), len(names) // 2)


def test_a_damaged_file_is_refused_and_none_makes_anything_run(pack: Path, tmp_path: Path) -> None:
    """Every byte of the header, and many behind it; what is read is right, or told to be damaged."""
    whole = (pack / "train.pairs").read_bytes()
    refused = 0
    for place in [*range(0, 500, 3), *range(500, len(whole), 11)]:
        for value in (0, 255, whole[place] ^ 1):
            path = tmp_path / "damaged.pairs"
            path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            try:
                pairs = IndexedPairs(path)
                for known in (list(pairs), [pairs.captions(photo) for photo in range(pairs.photos)]):
                    assert len(known) <= 5
            except (ValueError, IndexError):
                refused += 1
    assert refused > 100
    for length in (0, 7, 8, 9, 100, len(whole) - 1):
        (tmp_path / "cut.pairs").write_bytes(whole[:length])
        with pytest.raises(ValueError, match="damaged"):
            IndexedPairs(tmp_path / "cut.pairs")


def test_names_that_lead_outside_and_impossible_photos_are_refused(tmp_path: Path) -> None:
    write_indexed_pairs(tmp_path / "x.pairs", grouped([Pair("../secret.png", "x", 1)]), "")
    with pytest.raises(ValueError, match="names a photo outside the folder"):
        IndexedPairs(tmp_path / "x.pairs").name(0)
    with ColumnsWriter(tmp_path / "photos.index", {"rows": 9, "names": 0}) as columns:
        columns.add("rows", columns.add_text("names", "a"), 0, 0, 2**40, 2**20, 0, 0, 0, 0)
        columns.finish({"format": "lcoins-pack-index 2", "bytes": "1", "shrunk": "0"})
    with pytest.raises(ValueError, match=r"is damaged: no photo is like PackedPhoto\(name='a'"):
        PackIndex(tmp_path / "photos.index")["a"]
    with pytest.raises(ValueError, match=r"holds 'lcoins-pack-index 2'; expected 'lcoins-pairs 1'"):
        Columns(tmp_path / "photos.index", "lcoins-pairs 1")


class Many:
    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count


@pytest.mark.parametrize("count", [3, 2 * INDICES_AT_ONCE + 5])
def test_the_order_is_the_keyed_permutation_whatever_part_of_it_is_in_memory(count: int) -> None:
    generator = torch.Generator().manual_seed(key(4, "order", 0))
    expected = torch.randperm(count, generator=generator).tolist()
    assert list(KeyedSampler(Many(count), 4, shuffle=True)) == expected  # type: ignore[arg-type]
    part = KeyedSampler(Many(count), 4, shuffle=True, rank=1, ranks=2)  # type: ignore[arg-type]
    part.read = (0, 1)
    assert list(part) == expected[3 : count // 2 * 2 : 2] or count == 3


def test_memory_and_start_do_not_grow_with_the_set(tmp_path: Path) -> None:
    """200,000 rows with a caption each; `python tests/large_pack.py FOLDER 10000000` measures ten million."""
    large_pack.make(tmp_path / "large", 200_000)
    found = large_pack.measured("index", tmp_path / "large")
    assert found["open_s"] < 1
    assert found["opened"] - found["before"] < 4  # MiB
    assert found["peak"] < 200
    assert found["cpu_us_a_photo"] < 5000
    samples = Photos(
        Pack(tmp_path / "large").folder.path,  # type: ignore[union-attr]
        IndexedPairs(tmp_path / "large" / "train.pairs"),
        32,
        seed=0,
        view=RandomView(),
    )
    assert len(samples) == 200_000
    assert samples[123_456].caption.endswith(" number 123456")
