"""Crops with sentences and the places of what their colors speak of."""

from pathlib import Path

import numpy as np
import pytest
import torch
from outlined_photos import box, source
from PIL import Image

from lcoins.color.reading import read_sentence
from lcoins.data.coco_instances import CocoInstances
from lcoins.data.grounded_photos import GroundedPhotos, guessed_places, joined
from lcoins.data.recolored_photos import Source
from lcoins.data.surroundings import NAMES
from lcoins.data.things import Thing
from lcoins.data.types import SaidPlace, Sample

TWO = {"bus": box(4, 4, 28, 44), "dog": box(36, 4, 60, 44)}


def grounded(*sources: Source, samples: int = 12, fixed: bool = False, by_captions: float = 0.0) -> GroundedPhotos:
    return GroundedPhotos(sources, 32, samples, 4, (0.9, 1.0), seed=1, by_captions=by_captions, fixed=fixed)


def word(sample: Sample, place: SaidPlace) -> str:
    return sample.caption[place.start : place.end]


def test_every_place_is_that_of_a_color_of_the_caption(tmp_path: Path) -> None:
    for sample in map(grounded(source(tmp_path, TWO)).__getitem__, range(12)):
        assert sample.places, sample.caption
        spans = [(phrase.start, phrase.end) for phrase in read_sentence(sample.caption).colors]
        for place in sample.places:
            assert place.mask.shape == sample.rgb.shape[1:]
            assert any(start < place.end and place.start < end for start, end in spans), word(sample, place)


def test_things_are_where_their_outlines_are(tmp_path: Path) -> None:
    """The bus fills the left half, or in a flipped crop the right one, and never both."""
    shares = []
    for sample in map(grounded(source(tmp_path, TWO)).__getitem__, range(12)):
        for place in sample.places:
            left, right = place.mask[:, :16].float().mean(), place.mask[:, 16:].float().mean()
            shares.append(sorted((float(left), float(right))))
    assert all(least < 0.2 and (most > 0.5 or most == 0) for least, most in shares)


def test_a_sentence_may_name_what_the_photo_does_not_show(tmp_path: Path) -> None:
    photos = source(tmp_path, TWO)
    assert photos.instances is not None
    shown = photos.instances.named_shares

    class Fewer(CocoInstances):
        def __init__(self) -> None:
            self.__dict__ |= photos.instances.__dict__

        def named_shares(self, photo: str) -> list[tuple[str, float]]:
            return shown(photo) if photo != "0.png" else [("zebra", 0.3)]

    others = Source(photos.root, photos.photos, {}, Fewer(), 1, 1)
    samples = [grounded(others, samples=60)[index] for index in range(60)]
    samples = [sample for sample in samples if sample.photo != "0.png"]
    absent = [sample for sample in samples for place in sample.places if not place.mask.any()]
    assert absent
    surroundings = {name for names in NAMES.values() for name in names}
    assert any("zebra" in sample.caption for sample in absent)
    assert all("zebra" in sample.caption or surroundings & {*sample.caption.split()} for sample in absent)


def test_draws_depend_on_the_epoch_unless_they_are_fixed(tmp_path: Path) -> None:
    one, still = grounded(source(tmp_path, TWO)), grounded(source(tmp_path, TWO), fixed=True)
    before = one[3].caption, still[3].caption
    for photos in (one, still):
        photos.set_epoch(1)
    assert one[3].caption != before[0]
    assert still[3].caption == before[1]


def test_where_a_photo_has_the_color_of_a_word_is_a_guess() -> None:
    rgb = torch.full((3, 16, 16), 128, dtype=torch.uint8)
    rgb[:, 4:12, 4:12] = torch.tensor([200, 30, 30], dtype=torch.uint8)[:, None, None]
    (place,) = guessed_places("a red box on a gray floor under a blue sky", rgb, [])
    assert not place.certain
    assert (place.start, place.end) == (2, 5)
    assert place.mask[4:12, 4:12].all()
    assert int(place.mask.sum()) == 64


def test_what_is_worn_is_guessed_on_persons_alone() -> None:
    rgb = torch.zeros(3, 16, 16, dtype=torch.uint8)
    rgb[:] = torch.tensor([200, 30, 30], dtype=torch.uint8)[:, None, None]
    rgb[:, :, 7:] = 128
    upper = np.zeros((16, 16), bool)
    upper[:8] = True
    for caption, pixels in (("a man in a red shirt", 56), ("a red wall", 112), ("a man in red", 56)):
        (place,) = guessed_places(caption, rgb, [Thing("person", upper)])
        assert int(place.mask.sum()) == pixels, caption
    (place,) = guessed_places("a man in a red shirt", rgb, [Thing("bus", upper)])
    assert int(place.mask.sum()) == 112


def test_photos_without_instances_are_drawn_for_the_colors_that_their_captions_say(tmp_path: Path) -> None:
    outlined = source(tmp_path, TWO)
    size = (64, 48)
    for name in ("told.png", "untold.png"):
        photo = Image.new("RGB", size, (128, 128, 128))
        photo.paste((200, 30, 30), (0, 0, 20, 48))
        photo.save(outlined.root / name)
    captions = {"told.png": ("a red wall",), "untold.png": ("a black wall",)}
    told = Source(outlined.root, (*captions,), captions, None, 1, 1)
    drawn = [grounded(outlined, told, by_captions=1.0)[index] for index in range(12)]
    assert {sample.photo for sample in drawn} == {"told.png"}
    for sample in drawn:
        assert [(word(sample, place), place.certain) for place in sample.places if not place.certain] == [
            ("red", False)
        ]
    assert all(sample.photo != "told.png" for sample in map(grounded(outlined, told).__getitem__, range(12)))


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_beyond_all_is_refused(tmp_path: Path, share: float) -> None:
    with pytest.raises(ValueError, match="by_captions: expected a share from 0 to 1"):
        grounded(source(tmp_path, TWO), by_captions=share)


def test_places_keep_their_words_when_sentences_are_joined() -> None:
    mask = torch.ones(2, 2, dtype=torch.bool)
    text, places = joined([("a red bus", (SaidPlace(2, 5, mask),)), ("blue", (SaidPlace(0, 4, mask),))])
    assert [text[place.start : place.end] for place in places] == ["red", "blue"]


def test_a_sample_beyond_the_epoch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexError, match="sample 12 of 12"):
        grounded(source(tmp_path, TWO))[12]
