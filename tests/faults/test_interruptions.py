"""Kills, full disks, poor encodings and two processes at once: nothing is lost or cut, and then the same bytes."""

import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from faulty import Counts, Done, Started, digests, draw_captioned, run, small_disk
from shrunk import MODEL, NARROW, SHORT, checkpoint

pytestmark = pytest.mark.faults

OUT = "disk/out"
SMALL = ("--checkpoint", "system/best.ckpt")
TRAIN = [
    "train",
    *SHORT,
    "system=lbie_tiny",
    "model.image_size=32",
    *NARROW["lbie"],
    "data.train.length=32",
    "recipe.pictures=0",
    "evaluation.lpips={}",
    "tracker=off",
    f"runs={OUT}",
]


@dataclass(frozen=True)
class Task:
    """A command that writes to the folder OUT below the world, how it is started again, and how often it is killed."""

    arguments: list[str]
    again: tuple[str, ...] = ()
    kills: int = 20
    growing: tuple[str, ...] = ()  # what is written again and again, whole each time, until the end

    def call(self, again: bool = False) -> list[str]:
        return [*self.arguments, *(self.again if again else ())]


TASKS = {
    "colorize": Task(["colorize", "photos", "a red wall 🟥 → a blue sky", "-o", OUT, *SMALL], ("--force",)),
    "frames": Task(["frames", "photos", "a red wall 🟥", "-o", OUT, *SMALL], kills=15, growing=("lcoins_frames.json",)),
    "pack": Task(["data", "pack", "photos", "list.csv", "-o", OUT, "--size", "64"], growing=("pack.json",)),
    "build": Task(["data", "build", "folder", "photos", "--captions", "list.csv", "-o", OUT]),
    "export": Task(["export", "system/best.ckpt", "-o", OUT], kills=0),
    "train": Task(TRAIN, growing=(".ckpt",)),
    "sweep": Task(["train", "-m", *TRAIN[1:], "seed=0,1"], kills=5, growing=(".ckpt",)),
}


@dataclass
class Reference:
    """What a task writes without any fault, in how many seconds."""

    files: dict[str, str]
    seconds: float


def inputs(folder: Path) -> None:
    """Photos, a list of captions in many letters, and a system."""
    captions = [f"a red café {number} 🟥" for number in range(12)]
    draw_captioned(folder / "photos", folder / "list.csv", (160, 120), captions)
    checkpoint(folder / "system", MODEL)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all, since runs and packs hold paths and times of what they were made from."""
    folder = tmp_path_factory.mktemp("world")
    inputs(folder)
    return folder


@pytest.fixture
def folder(world: Path) -> Iterator[Path]:
    """The world with an empty place for what is written."""
    (world / "disk").mkdir()
    yield world
    shutil.rmtree(world / "disk")


@pytest.fixture(scope="module")
def references(world: Path) -> dict[str, Reference]:
    """What each task writes, made when it is first asked for."""
    run(world, "--help")  # the first start imports everything, which is no part of a task's seconds

    class Made(dict[str, Reference]):
        def __missing__(self, name: str) -> Reference:
            out = world / "disk" / "out"
            done = run(world, *TASKS[name].call())
            assert done.status == 0 and not done.crashed, done.said
            self[name] = Reference(digests(out), done.seconds)
            assert self[name].files
            shutil.rmtree(out)
            return self[name]

    return Made()


def half_done(out: Path, reference: Reference, name: str) -> list[str]:
    """The files under their final names that are not as they are at the end, but for those that grow."""
    growing = TASKS[name].growing
    files = {file: digest for file, digest in digests(out).items() if not file.endswith(growing)}
    return [file for file, digest in files.items() if reference.files.get(file) != digest]


def differing(out: Path, reference: Reference) -> list[str]:
    """The files that are missing, too many or of other bytes."""
    return sorted({name for name, _ in digests(out).items() ^ reference.files.items()})


def quiet(done: Done) -> bool:
    return not done.crashed


@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if task.kills])
def test_kills(name: str, folder: Path, references: dict[str, Reference], counts: Counts) -> None:
    task, reference, random_ = TASKS[name], references[name], random.Random(name)
    originals, out, kills = digests(folder / "photos"), folder / OUT, 0
    for _ in range(10 * task.kills):
        started = Started(folder, task.call(again=out.exists()))
        time.sleep(random_.uniform(0.05, 1.0) * reference.seconds)
        started.kill()
        done = started.wait()
        assert done.status in (-9, 0), done.said
        kills += done.status == -9
        assert digests(folder / "photos") == originals and not half_done(out, reference, name)
        if done.status == 0:
            assert quiet(done) and not differing(out, reference)
            shutil.rmtree(out)
        if kills == task.kills:
            break
    done = run(folder, *task.call(again=out.exists()))
    assert done.status == 0 and quiet(done), done.said
    assert not differing(out, reference)
    assert not [path for path in out.rglob(".*.part") if time.time() - path.stat().st_mtime > 70]
    counts.add("kills", kills=kills, **{f"of_{name}": kills})


@pytest.mark.parametrize("size", ["4k", "32k", "96k"])
@pytest.mark.parametrize("name", TASKS)
def test_full_disks(name: str, size: str, folder: Path, references: dict[str, Reference], counts: Counts) -> None:
    task, reference = TASKS[name], references[name]
    originals, out = digests(folder / "photos"), folder / OUT
    with small_disk(folder / "disk", size) as resize:
        done = run(folder, *task.call())
        assert quiet(done), done.said
        assert not half_done(out, reference, name), done.said
        if done.status == 0:
            assert not differing(out, reference)
        else:
            assert "space" in done.said or "full" in done.said, done.said
        resize("200m")
        again = run(folder, *task.call(again=True))
        assert again.status == 0 and quiet(again), again.said
        assert not differing(out, reference)
    assert digests(folder / "photos") == originals
    counts.add("disks", full=int(done.status != 0), large_enough=int(done.status == 0))


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
@pytest.mark.parametrize("name", TASKS)
def test_encodings(name: str, encoding: str, folder: Path, references: dict[str, Reference], counts: Counts) -> None:
    reference = references[name]
    done = run(folder, *TASKS[name].call(), encoding=encoding)
    assert done.status == 0 and quiet(done), done.said
    assert not differing(folder / OUT, reference)
    counts.add("encodings", commands=1)


@pytest.mark.parametrize("name", TASKS)
def test_two_at_once(name: str, folder: Path, references: dict[str, Reference], counts: Counts) -> None:
    task, reference, random_ = TASKS[name], references[name], random.Random(name)
    for _ in range(2):
        both = [Started(folder, task.call())]
        time.sleep(random_.uniform(0, 0.3) * reference.seconds)
        both.append(Started(folder, task.call()))
        done = [one.wait() for one in both]
        assert all(map(quiet, done)), [one.said for one in done]
        statuses = [one.status for one in done]
        if name == "sweep" and 0 not in statuses:  # each was refused the run that the other one was in
            statuses = [run(folder, *task.call()).status]
        assert 0 in statuses, [one.said for one in done]
        assert not differing(folder / OUT, reference)
        shutil.rmtree(folder / OUT)
        refused = sum(one.status != 0 for one in done)
        counts.add("two at once", pairs=1, of_which_one_was_refused=refused)
