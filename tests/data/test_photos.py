"""The Photos data set: what training draws and what evaluation shows."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import DataLoader
from torchvision.transforms import RandomResizedCrop

from lcoins.color.words import find_colors, with_article
from lcoins.data.caption_lists import read_pairs
from lcoins.data.pairs import Pair
from lcoins.data.photos import Annotations, Photos, RandomView, draw_crop
from lcoins.data.types import Sample, collate, keyed_random
from lcoins.data.validate import check_photos

CAPTIONS = {"a.png": ["a red car on the left", "a car"], "b.png": ["a blue bird"], "sub/c.png": ["x", "y", "z"]}
PAIRS = [Pair(photo, caption, 7) for photo, captions in CAPTIONS.items() for caption in captions]


def place_picture(width: int = 96, height: int = 64) -> Image.Image:
    """A picture whose pixels say where they are: red grows from left to right, green from top to bottom."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.rint(np.stack([x, y, np.full_like(x, 60)], axis=-1)).astype(np.uint8))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for photo in CAPTIONS:
        place_picture().save(folder / photo)
    return folder


def photos(root: Path, training: bool = True, seed: int = 3, object_colors: Any = None, **view: Any) -> Photos:
    annotations = Annotations(object_colors=object_colors)
    return Photos(root, PAIRS, 16, seed=seed, view=RandomView(**view) if training else None, annotations=annotations)


def test_evaluation_gives_every_pair_in_order(root: Path) -> None:
    data = photos(root, training=False)
    samples = [data[index] for index in range(len(data))]
    assert [sample.caption for sample in samples] == [pair.caption for pair in PAIRS]
    assert [sample.index for sample in samples] == list(range(6))
    assert [sample.name for sample in samples] == [
        "a.png_0",
        "a.png_1",
        "b.png",
        "sub/c.png_0",
        "sub/c.png_1",
        "sub/c.png_2",
    ]


def test_evaluation_squashes_bilinearly_as_the_paper_does(root: Path) -> None:
    """Spec 10.2, step 1: PIL, bilinear, aspect ratio not kept, nothing else."""
    sample = photos(root, training=False)[0]
    judge = Image.open(root / "a.png").convert("RGB").resize((16, 16), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(sample.rgb.permute(1, 2, 0).numpy(), np.asarray(judge))
    assert (sample.rgb.dtype, sample.rgb.shape) == (torch.uint8, (3, 16, 16))


def test_evaluation_decodes_a_large_jpeg_in_full(root: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    Image.fromarray(noise).save(root / "n.jpg")
    sample = Photos(root, [Pair("n.jpg", "noise", 1)], 16, seed=0)[0]
    judge = Image.open(root / "n.jpg").resize((16, 16), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(sample.rgb.permute(1, 2, 0).numpy(), np.asarray(judge))


def test_evaluation_never_changes(root: Path) -> None:
    data = photos(root, training=False)
    first = [data[index] for index in range(6)]
    data.set_epoch(5)
    assert all(same(one, data[index]) for index, one in enumerate(first))


def test_evaluation_asks_the_same_whatever_the_seed(root: Path) -> None:
    """Figures over seeds would mix what models differ in with what they were asked for."""
    pairs = [Pair("a.png", f"a red car {number}", 7) for number in range(12)]
    asked = [[Photos(root, pairs, 16, seed=seed)[index].recolored for index in range(12)] for seed in (0, 1)]
    assert asked[0] == asked[1]
    assert len({caption.split()[1] for caption in asked[0]} - {"red"}) > 2


def same(one: Sample, other: Sample) -> bool:
    texts = [(s.caption, s.recolored, s.index, s.name) for s in (one, other)]
    return texts[0] == texts[1] and torch.equal(one.rgb, other.rgb)


def test_training_gives_every_photo_once_with_one_of_its_own_captions(root: Path) -> None:
    data = photos(root)
    assert len(data) == 3
    for epoch in range(5):
        data.set_epoch(epoch)
        for index, (photo, captions) in enumerate(CAPTIONS.items()):
            sample = data[index]
            assert sample.caption in captions
            expected = photo if len(captions) == 1 else f"{photo}_{captions.index(sample.caption)}"
            assert (sample.name, sample.index) == (expected, index)


def test_captions_are_drawn_uniformly(root: Path) -> None:
    data = photos(root)
    drawn = Counter[str]()
    for epoch in range(600):
        data.set_epoch(epoch)
        drawn[data[2].caption] += 1
    assert set(drawn) == {"x", "y", "z"}
    assert all(150 < count < 250 for count in drawn.values()), drawn  # 200 +- 4.3 standard deviations


def test_draws_depend_on_seed_epoch_and_index_alone(root: Path) -> None:
    one, other = photos(root, hflip="swap_words"), photos(root, hflip="swap_words")
    one.set_epoch(4)
    other.set_epoch(1)
    _ = [other[index] for index in (2, 0)]
    other.set_epoch(4)
    assert all(same(one[index], other[index]) for index in (2, 0, 1))
    pictures = [one[0].rgb, photos(root, hflip="swap_words", seed=9)[0].rgb]
    one.set_epoch(5)
    pictures += [one[0].rgb, one[1].rgb]
    assert all(not torch.equal(a, b) for i, a in enumerate(pictures) for b in pictures[:i])


def test_the_caption_is_recolored_and_only_where_it_names_a_color(root: Path) -> None:
    data = photos(root)
    recolored = set()
    for epoch in range(30):
        data.set_epoch(epoch)
        sample = data[1]
        colors = find_colors(sample.recolored)
        assert sample.caption == "a blue bird"
        assert sample.recolored == with_article(f"{colors[0].word} bird")
        assert colors[0].color != "blue"
        recolored.add(colors[0].color)
        assert data[2].recolored == data[2].caption
    assert len(recolored) > 4


def red_grows(sample: Sample) -> bool:
    return bool(sample.rgb[0, :, -1].sum() > sample.rgb[0, :, 0].sum())


def draws(data: Photos, epochs: int, index: int = 0) -> list[Sample]:
    samples = []
    for epoch in range(epochs):
        data.set_epoch(epoch)
        samples.append(data[index])
    return samples


def test_flips_swap_left_and_right_in_the_caption(root: Path) -> None:
    pairs = [Pair("a.png", "a red car on the Left", 1)]
    for hflip, flipped_caption in (("swap_words", "a red car on the Right"), ("plain", "a red car on the Left")):
        samples = draws(Photos(root, pairs, 16, seed=1, view=RandomView(hflip=hflip)), 60)  # type: ignore[arg-type]
        flipped = [sample for sample in samples if not red_grows(sample)]
        assert 15 < len(flipped) < 45
        assert {sample.caption for sample in flipped} == {flipped_caption}
        assert {sample.caption for sample in samples if red_grows(sample)} == {"a red car on the Left"}
        assert all(find_colors(sample.recolored)[0].color != "red" for sample in samples)
        assert all(sample.recolored.split()[-1] == sample.caption.split()[-1] for sample in samples)


def test_pairs_are_guessed_from_the_caption_or_come_from_a_file(root: Path) -> None:
    assert {sample.pairs for sample in draws(photos(root), 20)} == {((2, 1),), ()}  # a red car on the left; a car
    read = {"a.png": [((5, 1), (2, 1)), ((1, 0),)]}
    known = photos(root, object_colors=read, hflip="swap_words")
    for sample in draws(known, 40):
        assert sample.pairs == read["a.png"][int(sample.name[-1])]
        assert sample.caption.startswith("a red car on the") == (sample.name[-1] == "0")
    assert known[1].pairs is None  # b.png, of which the file says nothing
    evaluated = photos(root, object_colors=read, training=False)
    assert [evaluated[index].pairs for index in range(3)] == [*read["a.png"], None]


def test_without_flips_none_is_flipped(root: Path) -> None:
    assert all(red_grows(sample) for sample in draws(photos(root, hflip="none"), 30))


def test_a_crop_shows_a_straight_piece_of_the_photo(root: Path) -> None:
    """The place picture is linear, so the edges of a crop tell its box: 0.2 to 1 of the area, and varied."""
    areas = []
    for sample in draws(photos(root, crop_scale=(0.2, 1.0)), 80):
        red, green = sample.rgb[0].float().mean(dim=0) / 255, sample.rgb[1].float().mean(dim=1) / 255
        assert (red.diff() >= -0.02).all()  # bicubic rings a little at the photo's own edge
        assert (green.diff() >= -0.02).all()
        areas.append(float((red[-1] - red[0]) * (green[-1] - green[0])) * (16 / 15) ** 2)
    assert min(areas) < 0.4 < 0.7 < max(areas)
    assert min(areas) > 0.15


def test_no_crop_scale_squashes_the_whole_photo(root: Path) -> None:
    sample = photos(root, crop_scale=None)[0]
    judge = np.asarray(Image.open(root / "a.png").resize((16, 16), Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(sample.rgb.permute(1, 2, 0).numpy() - judge).max() <= 1


@given(
    st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)).map(lambda pair: (min(pair), max(pair))),
    st.integers(0, 99),
)
def test_a_crop_lies_inside_the_photo(size: tuple[int, int], scale: tuple[float, float], seed: int) -> None:
    left, upper, right, lower = draw_crop(size, scale, keyed_random(seed))
    assert 0 <= left < right <= size[0]
    assert 0 <= upper < lower <= size[1]
    assert draw_crop(size, scale, keyed_random(seed)) == (left, upper, right, lower)


@pytest.mark.parametrize("size", [(1000, 100), (100, 1000)])
def test_where_no_crop_fits_the_central_one_is_torchvisions(size: tuple[int, int]) -> None:
    judge = RandomResizedCrop.get_params(torch.zeros(3, size[1], size[0]), [1.0, 1.0], [3 / 4, 4 / 3])
    upper, left, height, width = judge
    assert draw_crop(size, (1.0, 1.0), keyed_random(0)) == (left, upper, left + width, upper + height)


def test_crops_are_distributed_like_torchvisions() -> None:
    """Means of width, height and left edge over 3000 draws, within four standard errors of each other."""
    rng = keyed_random(0)
    ours = np.array([draw_crop((640, 480), (0.2, 1.0), rng) for _ in range(3000)])
    ours = np.stack([ours[:, 2] - ours[:, 0], ours[:, 3] - ours[:, 1], ours[:, 0]], axis=1)
    picture = torch.zeros(1, 480, 640)
    theirs = np.array([RandomResizedCrop.get_params(picture, [0.2, 1.0], [3 / 4, 4 / 3]) for _ in range(3000)])
    theirs = theirs[:, [3, 2, 1]]
    error = np.sqrt((ours.var(axis=0) + theirs.var(axis=0)) / 3000)
    assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) < 4 * error).all()


def test_a_large_jpeg_is_decoded_smaller_for_training_and_looks_the_same(root: Path) -> None:
    place_picture(1600, 1200).save(root / "large.jpg", quality=95)
    place_picture(1600, 1200).save(root / "large.png")
    pictures = [
        Photos(root, [Pair(name, "x", 1)], 16, seed=0, view=RandomView(crop_scale=None))[0].rgb
        for name in ("large.jpg", "large.png")
    ]
    assert (pictures[0].int() - pictures[1].int()).abs().max() < 8


def test_workers_that_outlive_an_epoch_see_the_next(root: Path) -> None:
    data = photos(root)
    loader = DataLoader(data, batch_size=3, num_workers=1, persistent_workers=True, collate_fn=collate)
    for epoch in range(2):
        data.set_epoch(epoch)
        (batch,) = list(loader)
        assert torch.equal(batch.rgb[0], data[0].rgb)
        assert batch.names == [data[index].name for index in range(3)]


def test_a_photo_that_vanishes_is_named(root: Path) -> None:
    data = photos(root)
    (root / "b.png").unlink()
    with pytest.raises(ValueError, match=r"photo 'b\.png' was readable when training started and no longer is"):
        data[1]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"crop_scale": (0.0, 1.0)}, "crop_scale"),
        ({"crop_scale": (0.9, 0.2)}, "crop_scale"),
        ({"hflip": "sometimes"}, "hflip: expected none, plain or swap_words, got 'sometimes'"),
    ],
)
def test_wrong_options_are_refused(root: Path, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        photos(root, **options)
    with pytest.raises(ValueError, match="at least one photo"):
        Photos(root, [], 16, seed=0)


def test_from_a_list_to_a_batch(root: Path, tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text(json.dumps(CAPTIONS))
    usable, _ = check_photos(root, read_pairs(tmp_path / "list.json")[0])
    data = Photos(root, usable, 16, seed=0)
    batch = collate([data[index] for index in range(len(data))])
    assert batch.rgb.shape == (6, 3, 16, 16)
    assert batch.has_color.tolist() == [True, False, True, False, False, False]
