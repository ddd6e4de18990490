"""Color words on COCO's polygons: only what is beyond doubt, in the right pixels."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lcoins.color.words import BASIC_COLORS
from lcoins.data.captioned_instances import Nouns, Polygons, draw_polygons
from lcoins.data.pairs import Pair
from lcoins.data.photos import Annotations, Photos

CATEGORIES = ["person", "car", "bus", "sheep", "orange", "cup"]


def box(left: float, top: float, right: float, bottom: float) -> list[float]:
    return [left, top, right, top, right, bottom, left, bottom]


def annotation(category: str, *polygons: list[float], crowd: bool = False) -> dict[str, Any]:
    shape: Any = {"counts": [0], "size": [40, 80]} if crowd else list(polygons)
    return {"image_id": 7, "category_id": CATEGORIES.index(category), "iscrowd": int(crowd), "segmentation": shape}


def write(path: Path, *annotations: dict[str, Any]) -> Polygons:
    """One photo of 80 by 40 pixels, p.jpg."""
    content = {
        "images": [{"id": 7, "file_name": "p.jpg", "width": 80, "height": 40}],
        "categories": [{"id": number, "name": name} for number, name in enumerate(CATEGORIES)],
        "annotations": list(annotations),
    }
    path.write_text(json.dumps(content))
    return Polygons(path)


CAR, BUS = annotation("car", box(0, 0, 40, 40)), annotation("bus", box(60, 0, 80, 20))
SHEEP = [annotation("sheep", box(40, 20, 50, 40)), annotation("sheep", box(50, 20, 60, 40))]


def named(polygons: Polygons, caption: str) -> tuple[str, ...]:
    found = polygons.instances("p.jpg", caption, 40)
    return () if found is None else found.colors


def test_masks_lie_on_the_squashed_photo(tmp_path: Path) -> None:
    found = write(tmp_path / "i.json", CAR, BUS).instances("p.jpg", "a red car and a blue bus", 40)
    assert found is not None and found.colors == ("red", "blue")
    car, bus = found.masks.float()
    assert car[:, :20].mean() == 1 and car[:, 21:].sum() == 0
    assert bus[:20, 30:].mean() == 1 and bus[22:].sum() == 0 and bus[:, :29].sum() == 0


@pytest.mark.parametrize(
    ("caption", "colors"),
    [
        ("a red car", ("red",)),
        ("a shiny dark red old sports car", ("red",)),
        ("a Red CAR, parked", ("red",)),
        ("a navy car", ()),  # not one of the eleven
        ("a red car beside a blue car", ()),  # which is which?
        ("a red and white car", ()),  # two colors of one thing
        ("a black, white car", ()),
        ("a red shirt on a man near a car", ()),  # another thing's color
        ("red paint on the car", ()),
        ("a car in red", ()),
        ("two white sheep on grass", ("white",)),
        ("a white sheep", ("white",)),  # the same word in the plural
        ("a woman in a red coat", ()),
        ("an orange car", ("orange",)),
        ("an orange on a red car", ("red",)),
        ("two blue buses", ("blue",)),
        ("a green cup", ()),  # there is none in the photo
    ],
)
def test_what_counts(tmp_path: Path, caption: str, colors: tuple[str, ...]) -> None:
    sheep = annotation("sheep", box(40, 20, 60, 40))
    assert named(write(tmp_path / "i.json", CAR, BUS, sheep), caption) == colors


def test_one_of_several_is_not_chosen_but_all_of_them_are_one(tmp_path: Path) -> None:
    two = annotation("car", box(60, 0, 80, 40))
    polygons = write(tmp_path / "i.json", CAR, two)
    assert named(polygons, "a red car") == ()
    found = polygons.instances("p.jpg", "red cars", 40)
    assert found is not None and found.masks.shape == (1, 40, 40)
    assert float(found.masks.float().mean()) == pytest.approx(3 / 4, abs=0.03)
    crowd = annotation("car", crowd=True)
    assert named(write(tmp_path / "i.json", CAR, crowd), "a red car") == ()


def test_run_lengths_are_outlines_as_polygons_are(tmp_path: Path) -> None:
    left = annotation("car") | {"segmentation": {"counts": [0, 1600, 1600], "size": [40, 80]}}
    found = write(tmp_path / "i.json", left).instances("p.jpg", "a red car", 40)
    assert found is not None and found.masks[0, :, :20].all() and not found.masks[0, :, 20:].any()
    with pytest.raises(ValueError, match=r"i\.json is not of the form.* 80 x 40 pixels, got 3 pixels"):
        write(tmp_path / "i.json", left | {"segmentation": {"counts": [1, 2]}})


def test_without_a_category_that_has_a_color_nothing_is_found() -> None:
    assert list(Nouns(["person"]).find(["a", "red", "person"])) == []


def test_masks_are_disjoint_and_the_smaller_thing_is_in_front(tmp_path: Path) -> None:
    inside = annotation("bus", box(10, 10, 20, 20))
    found = write(tmp_path / "i.json", CAR, inside).instances("p.jpg", "a red car and a blue bus", 40)
    assert found is not None
    car, bus = found.masks
    assert not (car & bus).any() and int(bus.sum()) >= 50


def test_tiny_and_unknown_things_are_left_out(tmp_path: Path) -> None:
    polygons = write(tmp_path / "i.json", annotation("car", box(0, 0, 2, 2)))
    assert named(polygons, "a red car") == ()
    assert polygons.instances("q.jpg", "a red car", 40) is None


def test_holes_of_parts_and_broken_polygons() -> None:
    parts = draw_polygons([box(0, 0, 10, 40), box(70, 0, 80, 40), [1.0, 2.0]], (80, 40), 40)
    assert parts.dtype == np.bool_ and parts[:, :5].all() and parts[:, 36:].all() and not parts[:, 8:34].any()


@pytest.mark.parametrize("polygon", [[1.0, 2.0, 3.0], ["1", "2"], [None, 1], 5])
def test_a_polygon_that_has_no_points_is_refused(tmp_path: Path, polygon: Any) -> None:
    with pytest.raises(ValueError, match=r"i\.json is not of the form of COCO's instances"):
        write(tmp_path / "i.json", annotation("car", polygon))


@pytest.mark.parametrize("content", ["{", "[]", '{"images": [{"id": 1}], "categories": [], "annotations": []}'])
def test_another_file_is_refused_by_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "i.json").write_text(content)
    with pytest.raises(ValueError, match=r"i\.json is not of the form of COCO's instances"):
        Polygons(tmp_path / "i.json")
    with pytest.raises(FileNotFoundError, match=r"none\.json: no file of instances"):
        Polygons(tmp_path / "none.json")


def test_photos_carry_their_instances_and_the_eleven_words(tmp_path: Path) -> None:
    Image.new("RGB", (80, 40), "red").save(tmp_path / "p.jpg")
    pairs = [Pair("p.jpg", "a red car", 1), Pair("p.jpg", "a road", 2)]
    polygons = write(tmp_path / "i.json", CAR)
    photos = Photos(tmp_path, pairs, 32, seed=0, annotations=Annotations(polygons))
    assert tuple(photos.palette or ()) == BASIC_COLORS
    assert photos[0].instances is not None and photos[0].instances.masks.shape == (1, 32, 32)
    assert photos[1].instances is None
    assert Photos(tmp_path, pairs, 32, seed=0).palette is None
