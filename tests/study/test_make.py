"""A study from folders and packages: pictures of one size without a trace of their system, and balanced trials."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from drawn_photos import FakeColorizer
from drawn_study import draw_pictures, draw_study
from PIL import Image
from shrunk import MODEL, checkpoint
from typer.testing import CliRunner

from lcoins.cli.main import app
from lcoins.colorize import photo
from lcoins.colorize.export import export_package, load_photo_colorizer
from lcoins.files import sha256_of
from lcoins.study import pictures
from lcoins.study.make import StudyOptions, make_study
from lcoins.study.protocol import CONSENT, TRUTH, expect_pictures, read_protocol
from lcoins.study.trials import GOLD_CAPTION


def test_pictures_do_not_betray_their_system(tmp_path: Path) -> None:
    protocol = draw_study(tmp_path)
    for picture in protocol.pictures:
        path = tmp_path / "study" / "pictures" / picture.file
        with Image.open(path) as image:
            assert image.size == (40, 30)[:2] or not picture.entry  # no system's picture is enlarged
            assert image.format == "JPEG" and not image.getexif() and "icc_profile" not in image.info
        assert picture.file == f"{sha256_of(path)[:24]}.jpg" and picture.sha256 == sha256_of(path)
    assert {entry.name for entry in protocol.entries} == {"one", "two", "three", TRUTH}


def test_the_protocol_comes_back_as_written(tmp_path: Path) -> None:
    protocol = draw_study(tmp_path, mode="2afc")
    assert read_protocol(tmp_path / "study") == protocol
    expect_pictures(protocol, tmp_path / "study")


def test_the_same_seed_gives_the_same_trials(tmp_path: Path) -> None:
    one, same, other = (draw_study(tmp_path / str(n), seed=seed) for n, seed in enumerate((3, 3, 4)))
    assert one.slots == same.slots != other.slots


@pytest.mark.parametrize(("mode", "shown", "gold"), [("all-at-once", 4, 4), ("2afc", 2, 8)])
def test_a_session_has_votes_gold_and_repeats(tmp_path: Path, mode: Any, shown: int, gold: int) -> None:
    protocol = draw_study(tmp_path, mode=mode, repeat_share=0.25)
    for slot in protocol.slots:
        assert Counter(trial.kind for trial in slot) == {"vote": 8, "gold": gold, "repeat": 2}
        assert slot[0].kind == "vote"
        for index, trial in enumerate(slot):
            assert len(trial.order) == shown and len(set(trial.order)) == shown
            if trial.kind == "repeat":
                assert trial.repeat_of is not None and trial.repeat_of < index
                first = slot[trial.repeat_of]
                assert first.kind == "vote" and first.stimulus == trial.stimulus and first.order != trial.order
    places = Counter(trial.order.index(0) for slot in protocol.slots for trial in slot if trial.kind == "gold")
    assert max(places.values()) - min(places.values(), default=0) <= len(protocol.slots)


def test_two_pictures_at_once_are_judged_as_two_at_a_time(tmp_path: Path) -> None:
    """With limits for four, nearly everybody who looks would give one of two positions more than its share."""
    systems, captions, photos = draw_pictures(tmp_path)
    del systems["three"]
    chosen = {mode: StudyOptions("correspondence", mode, images=8, people=2) for mode in ("all-at-once", "2afc")}
    studies = [make_study(tmp_path / m, systems, captions, photos, options)[0] for m, options in chosen.items()]
    assert studies[0].rules == studies[1].rules and studies[0].rules.one_position == 0.8
    assert studies[0].consent == studies[1].consent
    assert {Counter(t.kind for t in slot)["gold"] for study in studies for slot in study.slots} == {8}


def test_a_gold_trial_about_reality_has_one_real_photo(tmp_path: Path) -> None:
    protocol = draw_study(tmp_path)
    chroma = {}
    for stimulus in protocol.stimuli:
        if stimulus.right is not None:
            assert stimulus.right == 0 and set(stimulus.entries) == {""}
            images = [Image.open(tmp_path / "study" / "pictures" / file) for file in stimulus.pictures]
            chroma = [pictures.mean_chroma(image.convert("RGB")) for image in images]
            assert chroma[2] < 3 and min(chroma[:2]) > 3  # the photo, color-swapped, gray
    assert chroma


def test_a_gold_trial_about_words_has_one_gray_picture(tmp_path: Path) -> None:
    protocol = draw_study(tmp_path, question="correspondence", mode="2afc")
    gold = [stimulus for stimulus in protocol.stimuli if stimulus.right is not None]
    assert gold and {stimulus.caption for stimulus in gold} == {GOLD_CAPTION}
    assert TRUTH not in {entry.name for entry in protocol.entries}


def gray_copies(folder: Path, into: Path) -> Path:
    into.mkdir()
    for path in folder.iterdir():
        Image.open(path).convert("L").convert("RGB").save(into / path.name)
    return into


def test_gold_trials_about_words_take_pictures_in_color(tmp_path: Path) -> None:
    """Of a system that leaves photos gray nobody can tell which is gray, and honest people would be excluded."""
    systems, captions, _ = draw_pictures(tmp_path)
    gray = {"gray": str(gray_copies(tmp_path / "one", tmp_path / "gray"))}
    options = StudyOptions("correspondence", "2afc", images=6, people=2)
    protocol, _ = make_study(tmp_path / "study", {**gray, "two": systems["two"]}, captions, None, options)
    for stimulus in protocol.stimuli:
        if stimulus.right is not None:
            shown = [Image.open(tmp_path / "study" / "pictures" / file).convert("RGB") for file in stimulus.pictures]
            assert pictures.mean_chroma(shown[0]) < 3 < 8 <= pictures.mean_chroma(shown[1])
    both = {**gray, "same": gray["gray"]}
    with pytest.raises(ValueError, match="gold trials need pictures in color, but those of gray are gray"):
        make_study(tmp_path / "other", both, captions, None, options)


def test_what_cannot_be_is_said_before_a_photo_is_colored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    systems, captions, photos = draw_pictures(tmp_path)
    monkeypatch.setattr(pictures.FolderSource, "picture", lambda *_: pytest.fail("a picture was made"))
    for wrong, options, text in [
        ({TRUTH: systems["one"]}, StudyOptions(images=6, people=2), "give that system another name"),
        ({}, StudyOptions(images=6, people=2, consent=tmp_path / "none.txt"), "no such text of consent"),
        ({}, StudyOptions(images=6, people=2, per_person=7), "expected"),
    ]:
        with pytest.raises((ValueError, FileNotFoundError), match=text):
            make_study(tmp_path / "study", systems | wrong, captions, photos, options)


def test_a_package_colors_by_words_that_were_exchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, captions, photos = draw_pictures(tmp_path)
    package = tmp_path / "package"
    package.mkdir()
    (package / "package.json").write_text("{}")
    fakes = {}

    def load(path: Path, _: str) -> tuple[FakeColorizer, dict]:
        fakes[str(path)] = FakeColorizer()
        return fakes[str(path)], {}

    monkeypatch.setattr(photo, "load_trained", load)
    monkeypatch.setattr(pictures, "weights_digest", lambda path: "0" * 64)
    options = StudyOptions(question="correspondence", images=6, people=2, replace_colors=True)
    systems = {"a": str(package), "b": "builtin"}
    protocol, _ = make_study(tmp_path / "study", systems, captions, photos, options)
    assert len(fakes) == 2
    for stimulus in protocol.stimuli:
        assert stimulus.right is not None or " red " not in stimulus.caption
    assert {entry.kind for entry in protocol.entries} == {"package"}
    asked = {caption for _, caption in fakes[str(package)].asked}
    assert {s.caption for s in protocol.stimuli if s.right is None} <= asked


def test_a_package_colors_as_lcoins_colorize_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, captions, photos = draw_pictures(tmp_path)
    package = tmp_path / "package"
    package.mkdir()
    (package / "package.json").write_text("{}")
    monkeypatch.setattr(photo, "load_trained", lambda path, device: (FakeColorizer(noise=0.5), {}))
    monkeypatch.setattr(pictures, "weights_digest", lambda path: "0" * 64)
    options = StudyOptions(question="correspondence", images=6, people=2)
    protocol, _ = make_study(tmp_path / "study", {"a": str(package), "b": str(package)}, captions, photos, options)
    colorizer = load_photo_colorizer(package)
    for stimulus in protocol.stimuli:
        if stimulus.right is None:
            colorizer(photos / stimulus.image, stimulus.caption).save(tmp_path / "one.jpg", quality=95, subsampling=0)
            assert {sha256_of(tmp_path / "one.jpg")[:24] + ".jpg"} == set(stimulus.pictures)


def test_a_run_its_checkpoint_and_its_package_color_alike(tmp_path: Path) -> None:
    _, captions, photos = draw_pictures(tmp_path, 3)
    trained = checkpoint(tmp_path / "run" / "checkpoints", MODEL)
    export_package(trained, tmp_path / "package")
    systems = {"run": str(tmp_path / "run"), "checkpoint": str(trained), "package": str(tmp_path / "package")}
    options = StudyOptions(images=3, people=1, gold_share=0)
    protocol, _ = make_study(tmp_path / "study", systems, captions, photos, options)
    kinds = {entry.name: entry.kind for entry in protocol.entries}
    assert kinds == {**{name: name for name in systems}, TRUTH: "photos"}
    weights = {entry.name: entry.weights for entry in protocol.entries}
    assert weights["run"] == weights["checkpoint"] == sha256_of(trained)
    for stimulus in protocol.stimuli:
        assert len(set(stimulus.pictures[:3])) == 1 and stimulus.pictures[3] != stimulus.pictures[0]


@pytest.mark.parametrize("source", ["run", "runs", "run/checkpoints"])
def test_what_is_no_finished_run_is_named(tmp_path: Path, source: str) -> None:
    """It may hold contact sheets, which are no pictures of photos."""
    for folder in ("run", "runs/seed=0"):
        last = tmp_path / folder / "checkpoints" / "last.ckpt"
        last.parent.mkdir(parents=True)
        last.touch()
        Image.new("RGB", (4, 3)).save(tmp_path / folder / "sheet.png")
    with pytest.raises(ValueError, match=r"is no finished run, but holds \S+last\.ckpt; name that file"):
        pictures.open_source("one", str(tmp_path / source), None)


@pytest.mark.parametrize("name", ["b.png", "b_colorized.jpg", "b.bmp.png", "b.bmp_colorized.png"])
def test_pictures_are_found_as_lcoins_colorize_names_them(tmp_path: Path, name: str) -> None:
    (tmp_path / "a").mkdir()
    Image.new("RGB", (4, 3)).save(tmp_path / "a" / name)
    source = pictures.open_source("one", str(tmp_path), None)
    assert source.has("a/b.bmp") and not source.has("b.bmp") and not source.has("a/c.bmp")
    assert source.picture("a/b.bmp", "a red thing")[1] == str(tmp_path / "a" / name)


@pytest.mark.parametrize(
    ("change", "options", "text"),
    [
        ({"photos": None}, {}, "need the real photos"),
        ({}, {"replace_colors": True, "question": "correspondence"}, "finished pictures"),
        ({}, {"images": 50}, "expected 50 photos"),
        ({"systems": {"x": "nowhere"}}, {}, "no such folder or file"),
        ({"systems": {"x": "."}}, {}, "holds no picture"),
    ],
)
def test_what_does_not_fit_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], options: dict[str, Any], text: str
) -> None:
    systems, captions, photos = draw_pictures(tmp_path)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    parts = {"systems": systems, "captions": captions, "photos": photos} | change
    with pytest.raises((ValueError, FileNotFoundError), match=text):
        make_study(tmp_path / "study", options=StudyOptions(**({"images": 8, "people": 2} | options)), **parts)
    assert not (tmp_path / "study" / "protocol.json").exists()


def test_another_shape_would_betray_a_system(tmp_path: Path) -> None:
    systems, captions, photos = draw_pictures(tmp_path)
    for path in (tmp_path / "three").glob("*.png"):
        Image.new("RGB", (64, 64)).save(path)
    with pytest.raises(ValueError, match="its shape betrays it"):
        make_study(tmp_path / "study", systems, captions, photos, StudyOptions(images=8, people=2))


def test_the_very_same_picture_of_two_systems_is_told(tmp_path: Path) -> None:
    systems, captions, photos = draw_pictures(tmp_path)
    options = StudyOptions(images=8, people=2)
    assert make_study(tmp_path / "all differ", systems, captions, photos, options)[1] == []
    _, remarks = make_study(tmp_path / "same", {**systems, "four": systems["three"]}, captions, photos, options)
    assert len(remarks) == 1 and "two systems for 8 of 8 images, such as " in remarks[0]


def test_a_study_is_never_overwritten_nor_served_with_other_pictures(tmp_path: Path) -> None:
    protocol = draw_study(tmp_path)
    with pytest.raises(ValueError, match="people may have voted"):
        draw_study(tmp_path)
    (tmp_path / "study" / "pictures" / protocol.pictures[0].file).write_bytes(b"other")
    with pytest.raises(ValueError, match="differs from"):
        expect_pictures(protocol, tmp_path / "study")


def test_what_people_agree_to_has_a_sentence_in_each_line() -> None:
    """The page breaks lines where the text does."""
    assert all(line.endswith(".") for line in CONSENT.splitlines()) and "out of focus" in CONSENT


@pytest.mark.parametrize("content", ["{", "[]", '{"format": "lcoins-study", "version": 99}'])
def test_a_file_of_another_kind_is_no_protocol(tmp_path: Path, content: str) -> None:
    (tmp_path / "protocol.json").write_text(content)
    with pytest.raises(ValueError, match="protocol"):
        read_protocol(tmp_path)


def test_the_command_prints_the_power(tmp_path: Path) -> None:
    systems, captions, photos = draw_pictures(tmp_path)
    named = [argument for name, source in systems.items() for argument in ("--system", f"{name}={source}")]
    (tmp_path / "consent.txt").write_text("You will see {trials} pictures.")
    arguments = ["study", "make", str(tmp_path / "s"), *named, "--captions", str(captions), "--photos", str(photos)]
    arguments += ["--images", "8", "--people", "5", "--mode", "2afc", "--consent", str(tmp_path / "consent.txt")]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    assert "participants: 5, 16 trials each (8 votes, 8 with a known answer, 0 shown again)" in done.output
    assert "783" in done.output and "194" in done.output and "85" in done.output
    consent = json.loads((tmp_path / "s" / "protocol.json").read_text())["consent"]
    assert consent["text"] == "You will see 16 pictures." and len(consent["version"]) == 12
