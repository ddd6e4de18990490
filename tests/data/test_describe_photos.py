"""Described data sets: readers take them, no interruption or process changes a byte, and no photo stops the run."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from described_photos import SCENES, Described, write_photos
from PIL import Image

from lcoins.color.object_pairs import read_object_colors
from lcoins.color.words import split_words
from lcoins.data.caption_lists import read_pairs
from lcoins.data.captioned_instances import Polygons
from lcoins.data.coco_instances import CocoInstances
from lcoins.data.describe_photos import describe_photos
from lcoins.data.described_files import DescribedFiles, DescribeProgress
from lcoins.data.pack_writer import pack_photos
from lcoins.data.pairs import captions_by_photo
from lcoins.locks import FolderInUse


def describe(files: Described, output: Path, captions: int = 2, processes: int = 1) -> DescribeProgress | None:
    """Describes all photos, and returns what is done in the end."""
    steps = list(describe_photos(files.root, files.instances, output, captions=captions, processes=processes))
    return steps[-1] if steps else None


def contents(output: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(output.parent.glob(f"{output.stem}*"))}


@pytest.mark.parametrize("run_lengths", [False, True])
def test_what_is_written_is_read_by_those_who_use_it(tmp_path: Path, run_lengths: bool) -> None:
    output = tmp_path / "out" / "list.json"
    done = describe(write_photos(tmp_path, SCENES, run_lengths=run_lengths), output, captions=3)
    pairs, problems = read_pairs(output)
    captions = captions_by_photo(pairs)
    assert not problems and list(captions) == ["0.png", "1.png", "2.png"]
    assert done is not None and (done.described, done.captions, done.total) == (3, len(pairs), 3)
    colors, dropped = read_object_colors(DescribedFiles(output).object_colors, captions)
    assert dropped == 0 and colors.keys() == captions.keys()
    polygons = Polygons(DescribedFiles(output).instances)
    for photo, own in captions.items():
        for caption, objects in zip(own, colors[photo], strict=True):
            words = split_words(caption)
            meant = polygons.instances(photo, caption, 40)
            assert meant is not None, caption
            assert sorted(meant.colors) == sorted(words[color] for _, color in objects), caption
            assert polygons.instances(photo, f"{caption} too", 40) is None  # no meaning is guessed


def test_the_instances_meant_are_the_ones_that_the_sentence_tells(tmp_path: Path) -> None:
    """Also where two of a kind are told apart, of which no rule by names could know which is meant."""
    output = tmp_path / "list.json"
    describe(write_photos(tmp_path, SCENES[1:2]), output, captions=8)
    polygons = Polygons(DescribedFiles(output).instances)
    both = 0
    for pair in read_pairs(output)[0]:
        meant = polygons.instances(pair.photo, pair.caption, 40)
        assert meant is not None
        left = {color: bool(mask[:, :20].any()) for mask, color in zip(meant.masks, meant.colors, strict=True)}
        assert left.get("black", True) and not left.get("white", False), pair.caption
        both += len(left) == 2
    assert both


def test_instances_keep_their_shapes_and_only_those_meant_are_kept(tmp_path: Path) -> None:
    files, output = write_photos(tmp_path), tmp_path / "list.json"
    describe(files, output)
    kept = CocoInstances(DescribedFiles(output).instances)
    before, after = CocoInstances(files.instances).crop("0.png", 64), kept.crop("0.png", 64)
    for name, mask in zip(after.names, after.masks, strict=True):
        assert (before.masks[before.names.index(name)] == mask).all()
    assert set(kept.crop("1.png", 8).names) == {"dog"}


def test_a_pack_and_several_processes_give_the_same(tmp_path: Path) -> None:
    files = write_photos(tmp_path, SCENES * 7)  # more than a task has
    describe(files, tmp_path / "a" / "list.json")
    describe(files, tmp_path / "b" / "list.json", processes=2)
    assert contents(tmp_path / "a" / "list.json") == contents(tmp_path / "b" / "list.json")
    names = [path.name for path in files.root.iterdir()]
    *_, _ = pack_photos(files.root, names, tmp_path / "pack", None)
    describe(Described(tmp_path / "pack", files.instances), tmp_path / "c" / "list.json")
    assert (tmp_path / "c" / "list.json").read_text() == (tmp_path / "a" / "list.json").read_text()


class Killed(Exception):
    """Stands for a signal that ends the process."""


@pytest.mark.parametrize("cut", [0, 1, 40])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_an_interrupted_run_ends_with_the_same_bytes(tmp_path: Path, after: int, cut: int) -> None:
    files, output = write_photos(tmp_path, SCENES * 12), tmp_path / "b" / "list.json"
    describe(files, tmp_path / "a" / "list.json")
    run = describe_photos(files.root, files.instances, output, captions=2, processes=1)
    for _ in range(after + 1):
        next(run)
    with pytest.raises(Killed):
        run.throw(Killed())
    assert not output.exists()
    rows = DescribedFiles(output).rows
    if after:
        rows.write_bytes(rows.read_bytes()[: -cut or None])  # the last row was not written whole
    done = describe(files, output)
    assert done is not None and done.photos == 36
    assert contents(output) == contents(tmp_path / "a" / "list.json")


@pytest.mark.parametrize("name", ["object_colors", "instances", "left_out", "manifest", "captions"])
def test_a_run_killed_while_the_files_are_made_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    files, output = write_photos(tmp_path), tmp_path / "b" / "list.json"
    describe(files, tmp_path / "a" / "list.json")
    fatal, replace = getattr(DescribedFiles(output), name), "lcoins.files.os.replace"

    def replaced(partial: Path, path: Path) -> None:
        if path == fatal:
            raise Killed
        partial.rename(path)

    with monkeypatch.context() as patched:
        patched.setattr(replace, replaced)
        with pytest.raises(Killed):
            describe(files, output)
    assert not output.exists()
    describe(files, output)
    assert contents(output) == contents(tmp_path / "a" / "list.json")


def test_a_finished_list_is_left_as_it_is(tmp_path: Path) -> None:
    files, output = write_photos(tmp_path), tmp_path / "list.json"
    describe(files, output)
    before = contents(output)
    assert describe(files, output) is None
    with pytest.raises(FileExistsError, match="made otherwise"):
        describe(files, output, captions=1)
    assert contents(output) == before
    own = tmp_path / "mine.json"
    own.write_text("{}")
    with pytest.raises(FileExistsError, match="made otherwise"):
        describe(files, own)
    assert own.read_text() == "{}"


def test_files_of_others_beside_the_list_are_not_replaced(tmp_path: Path) -> None:
    files = write_photos(tmp_path)
    beside = tmp_path / "mine_object_colors.json"
    beside.write_text("{}")
    with pytest.raises(FileExistsError, match=r"mine_object_colors\.json exists and would be replaced"):
        describe(files, tmp_path / "mine.json")
    assert beside.read_text() == "{}" and not list(tmp_path.glob("mine_unfinished*"))
    source = files.instances.rename(tmp_path / "other_instances.json")
    describe(replace(files, instances=source), tmp_path / "list.json")
    (tmp_path / "list_manifest.json").rename(tmp_path / "other_manifest.json")  # as of an earlier run
    with pytest.raises(FileExistsError, match=r"other_instances\.json exists and would be replaced"):
        describe(replace(files, instances=source), tmp_path / "other.json")


def test_a_second_run_on_the_same_list_is_refused(tmp_path: Path) -> None:
    files = write_photos(tmp_path)
    first = describe_photos(files.root, files.instances, tmp_path / "out" / "list.json", processes=1)
    next(first)
    with pytest.raises(FolderInUse):
        describe(files, tmp_path / "out" / "list.json")
    assert list(first)[-1].photos == len(SCENES)


def test_an_unfinished_run_is_not_gone_on_with_by_other_options(tmp_path: Path) -> None:
    files, output = write_photos(tmp_path), tmp_path / "list.json"
    next(describe_photos(files.root, files.instances, output, captions=2))
    with pytest.raises(ValueError, match="unfinished run with captions 2, not 1"):
        describe(files, output, captions=1)
    DescribedFiles(output).rows.write_bytes(b"\x00\xff\n")
    with pytest.raises(ValueError, match="give the same options, choose another list, or remove that file"):
        describe(files, output)


def test_photos_that_cannot_be_used_are_left_out_and_named(tmp_path: Path) -> None:
    files, output = write_photos(tmp_path, SCENES * 2), tmp_path / "list.json"
    (files.root / "0.png").unlink()
    (files.root / "1.png").write_bytes(b"no photo")
    Image.fromarray(np.full((80, 120, 3), 128, np.uint8)).save(files.root / "2.png")
    done = describe(files, output)
    assert done is not None and done.described == 3 and done.left_out.total() == 3
    problems = DescribedFiles(output).problems(9)
    assert [problem.photo for problem in problems] == ["0.png", "1.png", "2.png"]
    assert [problem.photo for problem in DescribedFiles(output).problems(1)] == ["0.png"]
    assert problems[0].what == "missing photo" and problems[2].what == "near-gray photo"
    assert list(captions_by_photo(read_pairs(output)[0])) == ["3.png", "4.png", "5.png"]
    manifest = json.loads(DescribedFiles(output).manifest.read_text())
    assert manifest["photos"] == 3 and sum(manifest["left_out"].values()) == 3


def test_what_cannot_work_is_refused(tmp_path: Path) -> None:
    files = write_photos(tmp_path)
    with pytest.raises(ValueError, match=r"a list \*.json"):
        describe(files, tmp_path / "list.csv")
    with pytest.raises(ValueError, match="at least 1 caption"):
        describe(files, tmp_path / "list.json", captions=0)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="none of the 3 photos"):
        describe(Described(tmp_path / "empty", files.instances), tmp_path / "list.json")
    silent = write_photos(tmp_path / "silent", [[("person", "red", (10, 10, 60, 60))]])
    with pytest.raises(ValueError, match="nothing sure can be said of any of the 1 photos"):
        describe(silent, tmp_path / "list.json")
    assert not (tmp_path / "list.json").exists()
