"""The sheet to look at before training: what it shows, what it counts, and that it overwrites nothing."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from lcoins.cli.main import app
from lcoins.color.words import COLOR_LAB
from lcoins.evaluation.contact_sheet import word_rgb
from lcoins.reports.preview import COLUMNS, PANEL, PreviewPhoto, color_counts, preview_sheet

RED = np.full((60, 90, 3), (250, 10, 20), dtype=np.uint8)


def made(path: Path, photos: list[PreviewPhoto], captions: list[str]) -> np.ndarray:
    preview_sheet("a title", photos, captions, path)
    return np.asarray(Image.open(path))


def test_photos_stand_in_columns_and_long_names_and_captions_fit(tmp_path: Path) -> None:
    photos = [PreviewPhoto("n" * 90 + ".jpg", RED, ["a red thing " * 12, "b", "c", "d"])] * (COLUMNS + 1)
    sheet = made(tmp_path / "sheet.png", photos, ["a red car"])
    assert sheet.shape[1] == 8 + COLUMNS * (PANEL + 8)
    red = (sheet == (250, 10, 20)).all(axis=-1)
    assert red.sum() == (COLUMNS + 1) * PANEL * round(PANEL * 60 / 90)
    assert (sheet[:, -8:] == 255).all()  # nothing reaches beyond the margin


def test_the_bars_have_the_colors_and_shares_of_the_words(tmp_path: Path) -> None:
    captions = ["a blue car"] * 6 + ["a green car and a blue bus"] * 2 + ["a car"] * 2
    assert color_counts(captions) == Counter(blue=8, green=2)
    sheet = made(tmp_path / "sheet.png", [PreviewPhoto("a.jpg", RED, ["a car"])], captions)
    areas = [int((sheet == word_rgb(COLOR_LAB[color])).all(axis=-1).sum()) for color in ("blue", "green")]
    assert areas[0] == pytest.approx(4 * areas[1], rel=0.1)


def test_a_caption_counts_once_for_a_color() -> None:
    assert color_counts(["a red car, a Red bus and a crimson hat"]) == Counter(red=1)


@pytest.mark.parametrize(("photos", "captions"), [([], ["a"]), ([PreviewPhoto("a", RED, [])], [])])
def test_nothing_to_show_is_said(tmp_path: Path, photos: list[PreviewPhoto], captions: list[str]) -> None:
    with pytest.raises(ValueError, match="nothing to show"):
        made(tmp_path / "sheet.png", photos, captions)


def test_the_command_draws_what_can_be_read_and_names_what_cannot(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.fromarray(RED).save(tmp_path / name)
    (tmp_path / "c.png").write_text("no picture")
    captions = tmp_path / "list.json"
    captions.write_text(json.dumps({name: ["a red card"] for name in ("a.png", "b.png", "c.png")}))
    arguments = ["data", "preview", str(tmp_path), str(captions), "-o", str(tmp_path / "out" / "sheet.png")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "c.png: unreadable photo" in result.output
    sheet = np.asarray(Image.open(tmp_path / "out" / "sheet.png"))
    assert (sheet == (250, 10, 20)).all(axis=-1).sum() == 2 * PANEL * round(PANEL * 60 / 90)
    again = CliRunner().invoke(app, arguments)
    assert isinstance(again.exception, FileExistsError)
    assert "--force" in str(again.exception)
    assert CliRunner().invoke(app, [*arguments, "--force"]).exit_code == 0
    (tmp_path / "a.png").unlink()
    (tmp_path / "b.png").unlink()
    none = CliRunner().invoke(app, [*arguments, "--force"])
    assert "none of the 3 photos drawn can be read" in str(none.exception)
