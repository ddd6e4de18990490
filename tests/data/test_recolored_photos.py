"""Samples from photos with instances: what views share, what repeats, what is never painted; folders and packs."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hues import hue_distance
from outlined_photos import ONE, box, source
from PIL import Image
from torch.nn.functional import max_pool2d

from lcoins.color.lab import split_lab
from lcoins.color.names import BASIC_LAB
from lcoins.color.words import find_colors, split_words
from lcoins.data.pack_writer import pack_photos
from lcoins.data.recolored_photos import RecoloredPhotos, RepaintingOptions, Source
from lcoins.data.types import Sample, collate

CHROMATIC = BASIC_LAB.keys() - {"black", "white", "gray"}
ALL_PAINTED: dict[str, Any] = {"share": 1.0, "views": 3, "word_recoloring": 0.0, "crop_scale": [0.6, 1.0]}


def photos(*sources: Source, samples: int = 12, **options: Any) -> RecoloredPhotos:
    return RecoloredPhotos(sources, 32, samples, RepaintingOptions(**(ALL_PAINTED | options)), seed=1)


def all_views(samples: RecoloredPhotos) -> list[Sample]:
    return [view for index in range(len(samples)) for view in samples[index].views]


def test_views_of_a_crop_share_all_but_paint_and_words(tmp_path: Path) -> None:
    samples = photos(source(tmp_path / "p"))
    for index in range(len(samples)):
        first, *others = samples[index].views
        assert len(others) == 2 and first.emphasis is not None
        for other in others:
            assert other.emphasis is not None and other.photo == first.photo
            inside = (first.emphasis > 0) | (other.emphasis > 0)
            border = max_pool2d(inside[None].float(), 3, 1, 1)[0] > 0  # paint has soft edges
            assert torch.equal(first.rgb[:, ~border], other.rgb[:, ~border])
            lightness = [split_lab(view.rgb[None].float() / 255)[0] for view in (first, other)]
            assert (lightness[0] - lightness[1]).abs().max() < 3  # of both, rounded to 8 bits


def test_a_painted_thing_has_another_color_in_every_view(tmp_path: Path) -> None:
    samples = photos(source(tmp_path / "p"), samples=30)
    for index in range(len(samples)):
        sentences = [view.caption for view in samples[index].views]
        assert len(set(sentences)) == len(sentences) or "gray" in " ".join(sentences).replace("grey", "gray")
    words = {word.color for view in all_views(samples) for word in find_colors(view.caption)}
    assert {"red", "green", "blue", "purple"} <= words


def test_crops_are_never_enlarged(tmp_path: Path) -> None:
    """A JPEG can be read at a half of its size; a crop of a quarter of its area then has too few pixels."""
    (tmp_path / "p").mkdir()
    Image.effect_noise((256, 256), 90).convert("RGB").save(tmp_path / "p" / "a.jpg", quality=95)
    samples = photos(Source(tmp_path / "p", ("a.jpg",), {}, None, 0, 1), share=0.0, crop_scale=[0.04, 1.0])
    assert samples._load(0, "a.jpg").shape[0] >= 32 / 0.04**0.5
    whole = photos(Source(tmp_path / "p", ("a.jpg",), {}, None, 0, 1), share=0.0, crop_scale=[1.0, 1.0])
    assert whole._load(0, "a.jpg").shape[0] < 256  # and no more is read than that takes


def test_draws_depend_on_seed_epoch_and_index_alone(tmp_path: Path) -> None:
    one, other = photos(source(tmp_path / "p")), photos(source(tmp_path / "p"))
    assert [other[index].caption for index in (3, 1)] == [one[index].caption for index in (3, 1)]
    assert torch.equal(one[5].rgb, other[5].rgb)
    other.set_epoch(1)
    assert [view.caption for view in all_views(one)] != [view.caption for view in all_views(other)]


@pytest.mark.parametrize("kind", ["person", "hair", "skin"])
def test_a_persons_own_is_never_painted(tmp_path: Path, kind: str) -> None:
    things = {kind: box(4, 4, 30, 44), "bus": box(40, 10, 60, 40)}
    for view in all_views(photos(source(tmp_path / "p", things), crop_scale=[1.0, 1.0])):
        assert view.emphasis is not None
        assert 0.15 < float((view.emphasis > 0).float().mean()) < 0.25  # of the bus alone
    alone = source(tmp_path / "q", {kind: box(4, 4, 30, 44)})
    with pytest.raises(ValueError, match="no photo can be repainted"):
        photos(alone)


def test_two_of_a_kind_have_the_colors_that_the_sentence_gives_to_their_places(tmp_path: Path) -> None:
    two = {"bus 1": box(2, 8, 28, 40), "bus 2": box(36, 8, 62, 40)}
    checked = set()
    for view in all_views(photos(source(tmp_path / "p", two), samples=40, crop_scale=[1.0, 1.0])):
        said = view.caption.lower()
        colors = [word.color for word in find_colors(said) if word.color in CHROMATIC]
        if said.count("left") != 1 or said.count("right") != 1 or len(colors) != 2:
            continue
        ab = split_lab(view.rgb[None].float() / 255)[1][0]
        first, second = (4, 20) if said.index("left") < said.index("right") else (20, 4)
        for start, color in ((first, colors[0]), (second, colors[1])):
            a, b = ab[:, 8:24, start : start + 8].mean(dim=(1, 2)).tolist()
            assert hue_distance((a, b), BASIC_LAB[color][1:]) < 60, said  # a shade has another hue, but no other word's
            checked.add((start, color))
    assert len(checked) >= 8


def test_photos_as_they_are_keep_their_captions(tmp_path: Path) -> None:
    samples = photos(source(tmp_path / "p", captions=["a street with a car"]), share=0.0)
    batch = collate([samples[index] for index in range(4)])
    assert set(batch.captions) == {"a street with a car"}
    assert batch.emphasis is None and batch.crop is None
    assert float(batch.rgb.float().std(dim=1).max()) < 2  # gray


def test_left_and_right_follow_the_flip(tmp_path: Path) -> None:
    samples = photos(source(tmp_path / "p", captions=["a bus on the left"]), share=0.0, samples=30)
    assert {samples[index].caption for index in range(30)} == {"a bus on the left", "a bus on the right"}


def test_without_captions_the_things_are_described(tmp_path: Path) -> None:
    samples = photos(source(tmp_path / "p"), share=0.0)
    assert all("bus" in samples[index].caption.lower() for index in range(6))


def test_sources_are_drawn_by_their_frequencies(tmp_path: Path) -> None:
    often, never = source(tmp_path / "p"), source(tmp_path / "q", {"dog": ONE["bus"]})
    never = Source(never.root, never.photos, never.captions, never.instances, 0, 0)
    for samples in (photos(often, never), photos(never, often)):
        assert all("dog" not in view.caption for view in all_views(samples))


def test_a_pack_gives_what_its_folder_gives(tmp_path: Path) -> None:
    """Also where its photos are stored at another size than the outlines are made for."""
    folder = source(tmp_path / "p")
    for name, size in (("whole", None), ("shrunk", 40)):
        list(pack_photos(tmp_path / "p", folder.photos, tmp_path / name, size))
        packed = Source(tmp_path / name, folder.photos, {}, folder.instances, 1, 1)
        for index in range(6):
            one, other = photos(folder)[index], photos(packed)[index]
            assert one.emphasis is not None and other.emphasis is not None
            if size is None:
                assert torch.equal(one.rgb, other.rgb) and one.caption == other.caption
            assert ((one.emphasis > 0) ^ (other.emphasis > 0)).float().mean() < 0.08


def test_every_word_of_a_caption_is_among_the_texts(tmp_path: Path) -> None:
    samples = photos(source(tmp_path / "p", captions=["a street"]))
    texts = set(samples.texts)
    assert {"a street", "red", "crimson", "dark blue"} <= texts


def test_without_captions_every_word_of_a_sentence_is_among_the_texts(tmp_path: Path) -> None:
    """A vocabulary of them would else have the colors alone, and every noun and place would be unknown."""
    things = {
        "bus": box(4, 4, 30, 24),
        "bus 2": box(34, 4, 60, 24),
        "dog": box(4, 26, 30, 44),
        "coat": box(34, 26, 60, 46),
    }
    silent = source(tmp_path / "p", things)
    drawn = [photos(silent, samples=150), photos(silent, samples=50, share=0.0)]
    said = [view for samples in drawn for view in all_views(samples)]
    words = {word for view in said for text in (view.caption, view.recolored) for word in split_words(text)}
    assert len(words) > 60 and {"left", "someone", "bus", "puppy", "while", "coloured"} <= words
    assert words <= {word for text in drawn[0].texts for word in split_words(text)}


def test_the_recolored_caption_has_other_colors(tmp_path: Path) -> None:
    for view in all_views(photos(source(tmp_path / "p"))):
        assert (view.recolored == view.caption) == (not find_colors(view.caption))


def test_a_photo_that_vanishes_is_named(tmp_path: Path) -> None:
    samples = photos(source(tmp_path / "p", count=1))
    (tmp_path / "p" / "0.png").unlink()
    with pytest.raises(ValueError, match=r"photo '0\.png' of .* cannot be read"):
        samples[0]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"share": 1.5}, r"repainting\.share: expected 0\.\.1, got 1\.5"),
        ({"word_recoloring": -1}, r"repainting\.word_recoloring: expected 0\.\.1"),
        ({"views": 0}, r"repainting\.views: expected at least 1, got 0"),
        ({"crop_scale": [0.5, 0.2]}, r"repainting\.crop_scale: expected two areas"),
    ],
)
def test_impossible_options_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RepaintingOptions(**(ALL_PAINTED | wrong))
