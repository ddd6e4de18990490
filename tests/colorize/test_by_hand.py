"""Hints of the command line: read, refused, placed, and seen in the picture."""

from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_photos import FakeColorizer, gray_ramp
from PIL import Image

from lcoins.colorize.batch import PhotoOptions, colorize_files
from lcoins.colorize.by_hand import StrokeHint, color_named, placed, read_hints
from lcoins.colorize.sentence_colors import sentence_colors, under_hints


@pytest.mark.parametrize(
    ("places", "masks", "says"),
    [
        (["red"], [], 'expected a hint such as "120,80=red"'),
        (["1,2"], [], 'expected a hint such as "120,80=red"'),
        (["1,-2=red"], [], 'expected a hint such as "120,80=red"'),
        (["1,2=yelow"], [], "'yelow' is not known as a color: did you mean yellow?"),
        (["1,2=car"], [], "'car' is not known as a color: take one such as red"),
        (["1,2=red and blue"], [], "is not known as a color"),
        ([], ["a.png"], 'expected a mask such as "car.png=blue"'),
        ([], ["=blue"], 'expected a mask such as "car.png=blue"'),
        (["1,2=red"] * 101, [], "expected at most 100 hints, got 101"),
    ],
)
def test_what_is_no_hint_is_refused(places: list[str], masks: list[str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_hints(places, masks)


@pytest.mark.parametrize("name", ["red", "light blue", "Olive", "reddish", "#12aB9f", "  dark   green "])
def test_colors_are_known_by_name_and_number(name: str) -> None:
    assert len(color_named(name)) == 3


def test_a_place_lies_where_it_was_said() -> None:
    for text in ("300,50=red", "75%,50%=red", "75%,50=red"):
        (hint,) = placed(read_hints([text], []), (400, 100), 64)
        rows, columns = hint.region.nonzero().float().mean(dim=0)
        assert (float(rows), float(columns)) == pytest.approx((31.5, 47.5), abs=0.6)


def test_a_place_is_never_lost_between_pixels() -> None:
    (hint,) = placed(read_hints(["4000,0=red"], []), (4000, 3000), 8)
    assert hint.region[0, 7] == 1


def test_a_place_outside_is_refused() -> None:
    with pytest.raises(ValueError, match="'41,2=red' lies outside the photo, which has 40 x 30 pixels"):
        placed(read_hints(["41,2=red"], []), (40, 30), 8)


def test_masks_are_refused_that_do_not_fit(tmp_path: Path) -> None:
    Image.new("L", (30, 40), 255).save(tmp_path / "tall.png")
    Image.new("L", (40, 30), 0).save(tmp_path / "black.png")
    with pytest.raises(ValueError, match="expected a mask of the photo's shape, 40 x 30 pixels, got 30 x 40"):
        placed(read_hints([], [f"{tmp_path / 'tall.png'}=red"]), (40, 30), 8)
    with pytest.raises(ValueError, match="nothing in the mask is white"):
        placed(read_hints([], [f"{tmp_path / 'black.png'}=red"]), (40, 30), 8)
    with pytest.raises(FileNotFoundError):
        placed(read_hints([], [f"{tmp_path / 'absent.png'}=red"]), (40, 30), 8)


def test_a_hint_overrides_the_sentence_where_it_acts(tmp_path: Path) -> None:
    Image.fromarray(np.full((60, 80), 128, np.uint8)).save(tmp_path / "a.png")
    mask = np.zeros((60, 80), np.uint8)
    mask[:, :40] = 255
    Image.fromarray(mask).save(tmp_path / "left=half.png")
    hints = read_hints([], [f"{tmp_path / 'left=half.png'}=blue"])
    options = PhotoOptions(tmp_path / "b.png", hints=hints)
    colorize_files(FakeColorizer(image_size=64), [tmp_path / "a.png"], ["a red car"], options)
    picture = torch.from_numpy(np.array(Image.open(tmp_path / "b.png"))).float()
    left, right = picture[:, :30].mean(dim=(0, 1)), picture[:, 50:].mean(dim=(0, 1))
    assert left[2] > left[0] + 40 and right[0] > right[2] + 40


def test_hints_are_for_one_photo(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        gray_ramp().save(tmp_path / name)
    with pytest.raises(ValueError, match="hints belong to one photo, but 2 are to be colored"):
        colorize_files(FakeColorizer(), [tmp_path], ["a red car"], PhotoOptions(hints=read_hints(["1,1=red"], [])))


def test_a_stroke_of_one_point_is_a_place_in_shares() -> None:
    (stroke,) = placed([StrokeHint(((0.75, 0.5),), "red", color_named("red"))], (400, 100), 64)
    (place,) = placed(read_hints(["75%,50%=red"], []), (400, 100), 64)
    assert torch.equal(stroke.region, place.region) and stroke.color == place.color and stroke.spreads


def test_other_hints_need_no_other_look_at_the_photo() -> None:
    colorizer = FakeColorizer(noise=0.1)
    lightness = torch.linspace(-0.5, 0.5, 64).view(1, 1, 8, 8)
    hints = placed(read_hints(["50%,50%=blue"], []), (40, 30), 8)
    plain, hinted = (sentence_colors(colorizer, lightness, "a red car", given) for given in ((), hints))
    asked = len(colorizer.asked)
    changed = under_hints(plain, lightness, hints)
    assert torch.equal(changed.offset, hinted.offset) and torch.equal(changed.slope, hinted.slope)
    assert not torch.equal(changed.offset, plain.offset)
    assert torch.equal(under_hints(changed, lightness, ()).offset, plain.offset)
    assert len(colorizer.asked) == asked
