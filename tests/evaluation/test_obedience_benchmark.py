"""The benchmark of obedience over drawn photos: its three files and its table, of a system that tints everything."""

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from drawn_things import TWO_PHOTOS, outline, write_things
from PIL import Image
from rich.console import Console
from torch import Tensor

from lcoins.color.lab import to_network_ab
from lcoins.color.words import COLOR_LAB, find_colors
from lcoins.data.augment import RandomLighting
from lcoins.data.photos_with_things import PhotosWithThings
from lcoins.evaluation.asked_colors import Question
from lcoins.evaluation.obedience_benchmark import FIGURES, SYSTEMS, QuestionSheet, judge_photos, print_obedience
from lcoins.evaluation.photo_obedience import PhotoThings, sentence_colors
from lcoins.models.colorizer import Colorization

SIZE = 40
FILES = ["obedience.json", "obedience_sheet.png", "obedience_things.csv"]


@dataclass
class Tinter:
    """Gives the whole picture the last color of each sentence."""

    image_size: int = 8
    value: float = 1.0

    def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
        colors = [COLOR_LAB[find_colors(caption)[-1].color][1:] for caption in captions]
        ab = self.value * torch.tensor(colors)[:, :, None, None]
        return Colorization(ab=to_network_ab(ab.expand(-1, -1, self.image_size, self.image_size)))


def read(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "obedience.json").read_text(encoding="utf-8"))
    return content


@pytest.fixture
def photos(tmp_path: Path) -> PhotosWithThings:
    files = write_things(tmp_path / "drawn", *TWO_PHOTOS)
    return PhotosWithThings(files.root, files.instances, files.captions, image_size=SIZE, seed=1)


def test_three_files_hold_figures_things_and_pictures(photos: PhotosWithThings, tmp_path: Path) -> None:
    report = judge_photos(Tinter(), photos, tmp_path / "eval", weights={"name": "w", "sha256": "0"})
    assert sorted(path.name for path in (tmp_path / "eval").iterdir()) == FILES
    content = read(tmp_path / "eval")
    asked = {"named": 3, "counter": 1, "recolor": 1, "instances": 1}
    assert content["settings"]["questions"] == asked
    assert content["settings"]["photos"]["read"] == 2 and content["settings"]["photos"]["missing"] == 0
    assert content["settings"]["files"]["instances"]["name"] == "instances.json"
    assert content["figures"]["system"]["named"]["spill"][0] > 0.9  # the dark bus holds less color than the bright rest
    assert content["figures"]["oracle"]["instances"]["both"] == [1, None, None]  # of two photos
    assert content["figures"]["gray"]["named"]["hit"][0] == 0
    assert sum(group["things"] for group in content["breakdown"]["color"].values()) == 3
    with (tmp_path / "eval" / "obedience_things.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(report.rows) == len(SYSTEMS) * (3 + 1 + 1 + 2)
    assert {row["system"] for row in rows} == SYSTEMS.keys()
    with Image.open(tmp_path / "eval" / "obedience_sheet.png") as sheet:
        assert sheet.width == 8 + 5 * (SIZE + 8) and sheet.height > 6 * SIZE


def test_the_same_seed_gives_the_same_files_and_another_asks_other_colors(
    photos: PhotosWithThings, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        judge_photos(Tinter(), photos, tmp_path / name)
    for file in FILES:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    photos.seed = 2
    judge_photos(Tinter(), photos, tmp_path / "other")
    first, other = (read(tmp_path / name)["settings"] for name in ("one", "other"))
    assert first["asked_sha256"] != other["asked_sha256"]
    assert first["photos"]["sha256"] == other["photos"]["sha256"]


def test_old_photos_are_asked_the_same_and_the_result_says_how_they_were_seen(
    photos: PhotosWithThings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = judge_photos(Tinter(), photos, tmp_path / "plain")
    photos.augmentation = RandomLighting(0.1, 10.0)
    old = judge_photos(Tinter(), photos, tmp_path / "old")
    assert old.settings["questions"] == plain.settings["questions"]
    assert [row["caption"] for row in old.rows] == [row["caption"] for row in plain.rows]
    assert [row["lightness"] for row in old.rows] != [row["lightness"] for row in plain.rows]
    assert old.settings["asked_sha256"] == plain.settings["asked_sha256"]
    assert plain.settings["augmentation"] is None
    assert old.settings["augmentation"] == "RandomLighting(contrast=0.1, brightness=10.0)"
    print_obedience(old, Console(width=80))
    assert "photos were seen after RandomLighting(contrast=0.1, brightness=10.0)" in capsys.readouterr().out


def test_the_table_has_a_block_for_each_task(
    photos: PhotosWithThings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = judge_photos(Tinter(), photos, tmp_path / "eval")
    report.settings["photos"]["missing"] = 7
    print_obedience(report, Console(width=80))
    lines = capsys.readouterr().out.splitlines()
    assert any(line.strip() == "instances, 2 things" for line in lines)
    assert sum(line.strip().startswith("photo itself") for line in lines) == 4
    assert any(line == "left out: 7 photos of the file of instances that the folder lacks" for line in lines)
    assert "…" not in "".join(lines)


def test_intervals_are_whole_in_eighty_columns(
    photos: PhotosWithThings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = judge_photos(Tinter(), photos, tmp_path / "eval")
    for task, own in report.figures["system"].items():
        report.figures["system"][task] = {"things": 99, "photos": own["photos"]} | dict.fromkeys(FIGURES, (0.9, 0.8, 1))
    print_obedience(report, Console(width=80))
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if "0.80" in line]
    assert lines == [["0.80-1.00"] * len(FIGURES)] * 4


def test_a_sentence_that_two_tasks_ask_is_shown_once() -> None:
    question = Question("named", "bus", "a red bus", "a gray bus", ((0, "red"),))
    mask = np.ones((1, SIZE, SIZE), bool)
    level, ab = torch.full((1, 1, SIZE, SIZE), 50.0), torch.zeros(1, 2, SIZE, SIZE)
    things = PhotoThings("a.jpg", level, ab, mask, [question, replace(question, task="counter")])
    sheet = QuestionSheet(0)
    sheet.consider(things, sentence_colors(Tinter(), things))
    assert [row.caption for row in sheet.rows()] == ["a red bus"]


@pytest.mark.parametrize("by", ["masks", "places"])
def test_colors_given_by_hand_are_where_they_belong(photos: PhotosWithThings, tmp_path: Path, by: str) -> None:
    """The drawn things are flat, so that a place stands for its thing, as its mask does."""
    report = judge_photos(Tinter(value=0.0), photos, tmp_path / "eval", hints=by)
    for task in ("named", "instances"):
        figures = report.figures["system"][task]
        assert figures["hit"][0] == 1 and figures["way"][0] > 0.6 and figures["spill"][0] < 0.2
    assert read(tmp_path / "eval")["settings"]["hints"] == by


def test_unknown_hints_are_refused(photos: PhotosWithThings, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected hints of none, masks, places, got 'dots'"):
        judge_photos(Tinter(), photos, tmp_path / "eval", hints="dots")


def test_photos_with_nothing_to_ask_for_are_refused_and_leave_no_file(tmp_path: Path) -> None:
    files = write_things(tmp_path / "drawn", outline(0, "person", (10, 10, 50, 35)))
    with pytest.raises(ValueError, match=r"nothing to ask for: of 2 photos .* 0 are missing"):
        judge_photos(Tinter(), PhotosWithThings(files.root, files.instances, image_size=SIZE), tmp_path / "eval")
    assert not (tmp_path / "eval").exists()


def test_a_broken_system_is_refused(photos: PhotosWithThings, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"non-finite ab for 0\.png"):
        judge_photos(Tinter(value=float("nan")), photos, tmp_path / "eval")
