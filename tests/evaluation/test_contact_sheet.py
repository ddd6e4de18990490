"""Contact sheets and group overlays, read back as pictures."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lcoins.evaluation.contact_sheet import SheetRow, contact_sheet, group_overlay


def flat_picture(red: int, green: int, blue: int, size: tuple[int, int] = (32, 32)) -> np.ndarray:
    return np.full((*size, 3), (red, green, blue), dtype=np.uint8)


def read(path: Path) -> np.ndarray:
    with Image.open(path) as sheet:
        assert sheet.format == "PNG"
        return np.asarray(sheet)


def test_panels_stand_under_their_titles(tmp_path):
    rows = [
        SheetRow("a bus", {"gray": flat_picture(90, 90, 90), "truth": flat_picture(0, 200, 0)}),
        SheetRow("a cat", {"gray": flat_picture(90, 90, 90), "truth": flat_picture(0, 0, 200)}),
    ]
    contact_sheet(rows, tmp_path / "deep" / "sheet.png", panel_size=64)
    sheet = read(tmp_path / "deep" / "sheet.png")
    assert sheet.shape[1] == 8 + 2 * (64 + 8)
    columns = [sheet[:, 8 + 32], sheet[:, 8 + 72 + 32]]
    assert (columns[0] == (90, 90, 90)).all(axis=1).sum() == 128
    assert (columns[1] == (0, 200, 0)).all(axis=1).sum() == 64
    assert (columns[1] == (0, 0, 200)).all(axis=1).sum() == 64
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["sheet.png"]


def test_a_missing_panel_leaves_its_place_empty(tmp_path):
    rows = [
        SheetRow("a bus", {"gray": flat_picture(90, 90, 90), "groups": flat_picture(0, 200, 0)}),
        SheetRow("a cat", {"gray": flat_picture(90, 90, 90)}),
    ]
    contact_sheet(rows, tmp_path / "sheet.png", panel_size=64)
    sheet = read(tmp_path / "sheet.png")
    assert (sheet[:, 8 + 72 + 32] == (0, 200, 0)).all(axis=1).sum() == 64


def test_pictures_keep_their_shape(tmp_path):
    contact_sheet([SheetRow("", {"p": flat_picture(200, 0, 0, (20, 40))})], tmp_path / "sheet.png", panel_size=64)
    sheet = read(tmp_path / "sheet.png")
    red = (sheet == (200, 0, 0)).all(axis=2)
    assert (red.any(axis=1).sum(), red.any(axis=0).sum()) == (32, 64)


def test_long_captions_wrap_and_color_words_are_underlined(tmp_path):
    panels = {"gray": flat_picture(90, 90, 90)}
    contact_sheet([SheetRow("a bus", panels)], tmp_path / "short.png", panel_size=64)
    contact_sheet([SheetRow("a blue bus " * 6, panels, recolored="a red bus")], tmp_path / "long.png", panel_size=64)
    short, long = (read(tmp_path / f"{name}.png").astype(int) for name in ("short", "long"))
    assert long.shape[0] > short.shape[0] + 60

    def blue(sheet):
        return ((sheet[..., 2] - sheet[..., 0] > 60) & (sheet[..., 2] > 100)).sum()

    assert blue(short) == 0
    assert blue(long) > 50


@pytest.mark.parametrize("caption", ["", "word" * 60, "ein Auto, größer als я und 車"])
def test_any_caption_is_drawn(tmp_path, caption):
    contact_sheet([SheetRow(caption, {"gray": flat_picture(9, 9, 9)})], tmp_path / "sheet.png", panel_size=48)
    assert read(tmp_path / "sheet.png").shape[1] == 48 + 2 * 8


def test_a_sheet_without_rows_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no rows"):
        contact_sheet([], tmp_path / "sheet.png")


def test_a_failed_sheet_leaves_nothing(tmp_path, monkeypatch):
    def full_disk(source, target):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(OSError, match="no space left"):
        contact_sheet([SheetRow("a", {"gray": flat_picture(9, 9, 9)})], tmp_path / "sheet.png")
    assert list(tmp_path.iterdir()) == []


def test_group_overlay_shows_the_grid_in_reading_order():
    assignment = torch.zeros(3, 4)
    assignment[[0, 1, 2, 0], [0, 1, 2, 3]] = 1
    picture = group_overlay(assignment, flat_picture(100, 100, 100, (10, 8)))
    assert picture.shape == (10, 8, 3) and picture.dtype == np.uint8
    corners = [tuple(picture[y, x]) for y, x in ((0, 0), (0, 7), (9, 0), (9, 7))]
    assert corners[0] == corners[3]
    assert len(set(corners)) == 3
    assert (picture[:5, :4] == picture[0, 0]).all()


def test_fifteen_groups_have_distinguishable_colors():
    picture = group_overlay(torch.eye(16)[:15], flat_picture(120, 120, 120, (4, 4)))
    colors = picture.reshape(16, 3)[:15].astype(int)
    distances = np.linalg.norm(colors[:, None] - colors[None], axis=2) + 1000 * np.eye(15)
    assert distances.min() > 20


def test_tokens_that_form_no_square_are_refused():
    with pytest.raises(ValueError, match="square grid"):
        group_overlay(torch.zeros(3, 5), flat_picture(9, 9, 9))
