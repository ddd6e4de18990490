"""A thousand wrong calls and mutated files: every one is refused or done in words, and no original is touched."""

import json
import random
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from faulty import Counts, Done, digests, draw_captioned, run, run_many
from finished_run import write_run
from hostile_files import hostile
from shrunk import MODEL, checkpoint

from lcoins.colorize.export import export_package

pytestmark = pytest.mark.faults

PHOTOS, PACKAGES, LISTS, CALLS = 300, 80, 120, 500
ODD = [
    *("", " ", "-", "--", "-1", "0", "1e999", "nan", "null", "[", "[]", "{a: 1}", "${x}", "${oc.env:HOME}", "~", "~~"),
    *("..", "/", "/etc/passwd", "/dev/null", "a=b=c", "=", "été", "🟥", "caf\udce9", "x" * 300, "a\nb", "'", '"', "%s"),
    *(
        "*",
        "none.png",
        "photos",
        "list.csv",
        "system",
        "runs",
        "nowhere/at/all",
        "a red wall",
        "true",
        "2.5",
        "99999999999",
    ),
]
# Calls that are right, or nearly, and soon done; each is made wrong in one or two places.
RIGHT: list[list[str]] = [
    ["colorize", "photos/f0.png", "a red wall", "--checkpoint", "system", "-o", "out.png", "--force"],
    ["colorize", "photos", "a red wall", "a blue wall", "--checkpoint", "system", "-o", "out", "--strength", "0.5"],
    ["colorize", "photos/list.csv", "--checkpoint", "system", "-o", "out", "--restore-tone"],
    ["frames", "photos", "a red wall", "--checkpoint", "system", "-o", "frames", "--smoothing", "0.5"],
    ["export", "system", "-o", "exported", "--half"],
    ["data", "pack", "photos", "photos/list.csv", "-o", "packed", "--size", "32"],
    ["data", "check", "photos", "photos/list.csv"],
    ["data", "preview", "photos", "photos/list.csv", "-o", "sheet.png", "--force"],
    [
        "data",
        "build",
        "folder",
        "photos",
        "--captions",
        "photos/list.csv",
        "-o",
        "built",
        "--val",
        "0.3",
        "--test",
        "0.3",
    ],
    ["data", "build", "multi_instance", "photos/list.csv", "photos", "-o", "multi"],
    ["data", "describe", "photos", "list.json", "-o", "described.json"],
    ["report", "page", "runs", "-o", "page.html", "--baseline", "full", "--title", "Mine"],
    ["report", "table1", "runs", "-o", "table.md"],
    ["report", "figures", "runs", "-o", "figures", "--set", "clear", "--rows", "2"],
    ["report", "edges", "photos", "photos/list.csv", "--checkpoint", "system"],
    ["study", "make", "photos", "photos/list.csv", "-o", "study"],
    ["study", "report", "study"],
    ["demo", "--port", "0", "--checkpoint", "none.ckpt", "--max-megapixels", "5"],
    ["info", "system=lcoins_tiny", "ablation=full", "words=12", "--json"],
    ["prior", "system=ml2018_tiny", "data.train.length=4", "data.batch_size=4", "output=prior.npz"],
    ["bench", "infer", "--checkpoint", "system", "--megapixels", "0.01"],
    ["eval", "checkpoint=system", "data=obedience", "data.root=photos", "data.instances=list.json", "output=e"],
    [
        *("train", "system=lbie_tiny", "model.image_size=32", "recipe.epochs=1", "recipe.pictures=0", "tracker=off"),
        *("data.train.length=4", "data.val.length=4", "data.batch_size=4", "evaluation.lpips={}", "runs=trained"),
    ],
]


def inputs(folder: Path) -> None:
    captions = [f"a red café {number}" for number in range(4)]
    draw_captioned(folder / "photos", folder / "photos" / "list.csv", (40, 30), captions)
    export_package(checkpoint(folder / "trained_system", MODEL), folder / "system")
    write_run(folder / "runs" / "full" / "seed=0", [20.0, 21.0], [1, 1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inputs(tmp_path / "work")
    return tmp_path / "work"


def crashes(done: Sequence[tuple[Sequence[str], Done]]) -> list[str]:
    """What the user would see of each crash: the call, and the end of what it said."""
    return [f"{list(call)}: {one.said.strip()[-700:]}" for call, one in done if one.crashed]


def wrong(call: Sequence[str], random_: random.Random) -> list[str]:
    """A call with one or two arguments replaced, left out, doubled or added."""
    made = list(call)
    for _ in range(random_.choice([1, 1, 2])):
        place = random_.randrange(1, len(made)) if len(made) > 1 else 0
        odd = random_.choice(ODD)
        match random_.randrange(5):
            case 0 | 1 if "=" in made[place]:
                made[place] = f"{made[place].partition('=')[0]}={odd}"
            case 0 | 1:
                made[place] = odd
            case 2:
                del made[place]
            case 3:
                made.insert(place, made[place])
            case _:
                made.insert(place, random_.choice([odd, f"--{odd}", "--force", f"{odd}=1", f"+{odd}=1"]))
    return [argument for argument in made if "\0" not in argument]


def test_wrong_calls(folder: Path, counts: Counts) -> None:
    random_, done = random.Random(0), []
    originals = digests(folder / "photos")
    done_right = run_many(folder, [["data", "check", "photos", "photos/list.csv"], *RIGHT[:4]])
    assert [one.status for _, one in done_right] == [0] * 5  # or all that follows would prove little
    calls = [wrong(RIGHT[number % len(RIGHT)], random_) for number in range(CALLS)]
    for start in range(0, len(calls), 50):
        done += run_many(folder, calls[start : start + 50])
        assert digests(folder / "photos") == originals, calls[start : start + 50]
    crashed = crashes(done)
    statuses = Counter(one.status for _, one in done)
    counts.add("wrong calls", calls=len(done), refused=len(done) - statuses[0], tracebacks=len(crashed))
    assert not crashed, "\n\n".join(crashed)


def test_mutated_photos(folder: Path, counts: Counts) -> None:
    for start in range(0, PHOTOS, 60):
        hostile_photos = folder / f"hostile{start}"
        hostile_photos.mkdir()
        for seed in range(start, start + 60):
            name, data = hostile(seed + 10_000)
            (hostile_photos / name).write_bytes(data)
        before = digests(hostile_photos)
        done = run(folder, "colorize", hostile_photos.name, "a red wall", "--checkpoint", "system", "-o", f"out{start}")
        counts.add("mutated photos", photos=60, tracebacks=int(done.crashed))
        assert not done.crashed, done.said
        assert digests(hostile_photos) == before
        shutil.rmtree(hostile_photos)


def mutated(data: bytes, random_: random.Random) -> bytes:
    """Bytes that are cut, exchanged, doubled or given another kind of value where the text has a number or a name."""
    match random_.randrange(5):
        case 0:
            return data[: random_.randrange(len(data))]
        case 1:
            changed = bytearray(data)
            for _ in range(random_.randint(1, 20)):
                changed[random_.randrange(len(changed))] = random_.randrange(256)
            return bytes(changed)
        case 2:
            place = random_.randrange(len(data))
            return data[:place] + data[random_.randrange(len(data)) :] + data[place:]
        case 3:
            parts = data.split(random_.choice([b'"', b",", b":"]))
            parts[random_.randrange(len(parts))] = random_.choice(ODD).encode("utf-8", "surrogateescape")
            return b'"'.join(parts)
        case _:
            values = [b"null", b"-1", b"1e400", b"[]", b"{}", b"true", b'"\\ud800"', b"9" * 400, b"[" * 2000]
            digits = [place for place, letter in enumerate(data) if 48 <= letter < 58]
            place = random_.choice(digits) if digits else 0
            return data[:place] + random_.choice(values) + data[place + 1 :]


def test_mutated_packages(folder: Path, counts: Counts) -> None:
    random_, calls = random.Random(1), []
    for number in range(PACKAGES):
        package = folder / f"package{number}"
        shutil.copytree(folder / "system", package)
        changed = package / ("model.safetensors" if number % 4 == 0 else "package.json")
        changed.write_bytes(mutated(changed.read_bytes(), random_))
        calls.append(["colorize", "photos/f0.png", "a red wall", "--checkpoint", package.name, "-o", f"o{number}.png"])
    crashed = crashes(run_many(folder, calls))
    counts.add("mutated packages", packages=PACKAGES, tracebacks=len(crashed))
    assert not crashed, "\n\n".join(crashed)


def lists() -> dict[str, str]:
    """A caption list in each of the shapes that are read."""
    pairs = [(f"f{number}.png", f"a red café {number}") for number in range(4)]
    coco = {
        "images": [{"id": number, "file_name": photo} for number, (photo, _) in enumerate(pairs)],
        "annotations": [{"id": n, "image_id": n, "caption": caption} for n, (_, caption) in enumerate(pairs)],
    }
    karpathy = {"images": [{"filename": p, "split": "train", "sentences": [{"raw": c}]} for p, c in pairs]}
    return {
        "a.csv": "photo,caption\n" + "".join(f"{photo},{caption}\n" for photo, caption in pairs),
        "a.json": json.dumps([{"photo": photo, "caption": caption} for photo, caption in pairs]),
        "coco.json": json.dumps(coco),
        "karpathy.json": json.dumps({"dataset": "mine", **karpathy}),
        "captions.txt": "image,caption\n" + "".join(f"{photo},{caption}\n" for photo, caption in pairs),
        "token.txt": "".join(f"{photo}#0\t{caption}\n" for photo, caption in pairs),
    }


def test_mutated_lists(folder: Path, counts: Counts) -> None:
    random_, calls = random.Random(2), []
    originals, shapes = digests(folder / "photos"), list(lists().items())
    for number in range(LISTS):
        name, text = shapes[number % len(shapes)]
        path = folder / "photos" / f"list{number}{Path(name).suffix}"
        path.write_bytes(mutated(text.encode(), random_))
        verbs = (
            ["data", "check", "photos", str(path)],
            ["colorize", str(path), "--checkpoint", "system", "-o", f"out{number}"],
            ["data", "build", "folder", "photos", "--captions", str(path), "-o", f"built{number}"],
            ["data", "pack", "photos", str(path), "-o", f"packed{number}", "--size", "32"],
        )
        calls.append(verbs[number % len(verbs)])
    crashed = crashes(run_many(folder, calls))
    counts.add("mutated lists", lists=LISTS, tracebacks=len(crashed))
    assert originals.items() <= digests(folder / "photos").items()
    assert not crashed, "\n\n".join(crashed)
