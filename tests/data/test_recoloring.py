"""Color words exchanged in caption and photo alike: what changes, what stays, what is left alone."""

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lcoins.color.lab import fit_gamut, join_lab, split_lab
from lcoins.color.words import BASIC_COLORS, COLOR_LAB, find_colors, with_article
from lcoins.data.recoloring import WordRecoloring, exchange_color, soft_color_mask

CHROMATIC = [color for color in BASIC_COLORS if abs(complex(*COLOR_LAB[color][1:])) >= 20]


def rngs(count: int, seed: int = 0) -> list[random.Random]:
    return [random.Random(1000 * seed + i) for i in range(count)]


def patch_on_gray(color: str, side: int = 16) -> Tensor:
    """A square of a color's typical Lab, a quarter of a gray picture: (1, 3, side, side)."""
    lightness = torch.full((1, 1, side, side), COLOR_LAB[color][0])
    ab = torch.zeros(1, 2, side, side)
    ab[:, :, : side // 2, : side // 2] = torch.tensor(COLOR_LAB[color][1:])[None, :, None, None]
    return join_lab(lightness, fit_gamut(lightness, ab))


@pytest.mark.parametrize("color", CHROMATIC)
def test_the_named_thing_and_its_word_change_together(color: str) -> None:
    rgb = patch_on_gray(color)
    changed, captions = WordRecoloring(1.0)(rgb, [with_article(f"{color} square").capitalize()], rngs(1))
    (word,) = find_colors(captions[0])
    assert word.color != color and captions[0] == with_article(f"{word.word} square").capitalize()
    lightness, ab = split_lab(changed)
    before, was = split_lab(rgb)
    torch.testing.assert_close(lightness, before, atol=0.6, rtol=0)
    torch.testing.assert_close(ab[:, :, 8:], was[:, :, 8:], atol=0.3, rtol=0)  # gray stays gray
    a, b = COLOR_LAB[word.color][1:]
    inside = ab[0, :, :8, :8].mean(dim=(1, 2))
    if abs(complex(a, b)) < 20:
        assert inside.norm() < 3
    else:
        assert torch.nn.functional.cosine_similarity(inside, torch.tensor([a, b]), dim=0) > 0.9


@given(st.integers(0, 2**31), st.floats(0, 1))
@settings(max_examples=15, deadline=None)
def test_only_captions_that_change_have_photos_that_change(seed: int, share: float) -> None:
    rng = random.Random(seed)
    colors = [rng.choice(BASIC_COLORS) for _ in range(4)]
    rgb = torch.cat([patch_on_gray(color) for color in colors])
    captions = [f"a {color} thing" for color in colors]
    kept = rgb.clone()
    changed, said = WordRecoloring(share)(rgb, captions, rngs(4, seed))
    torch.testing.assert_close(rgb, kept, atol=0, rtol=0)  # the arguments stay
    for old, new, before, after in zip(rgb, changed, captions, said, strict=True):
        assert (before == after) == torch.equal(old, new)
        assert len(find_colors(after)) == 1


@pytest.mark.parametrize("caption", ["a square", "a white square", "a gray square and a black one"])
def test_captions_without_a_chromatic_word_stay(caption: str) -> None:
    rgb = patch_on_gray("red")
    changed, captions = WordRecoloring(1.0)(rgb, [caption], rngs(1))
    assert captions == [caption] and torch.equal(changed, rgb)


@pytest.mark.parametrize("picture", ["red everywhere", "red nowhere"])
def test_a_word_that_names_all_or_nothing_stays(picture: str) -> None:
    rgb = patch_on_gray("red")
    rgb = rgb[:, :, :8, :8] if picture == "red everywhere" else rgb[:, :, 8:, 8:]
    changed, captions = WordRecoloring(1.0)(rgb, ["a red square"], rngs(1))
    assert captions == ["a red square"] and torch.equal(changed, rgb)


def test_without_a_share_nothing_changes() -> None:
    rgb = patch_on_gray("blue")
    assert WordRecoloring(0.0)(rgb, ["a blue square"], rngs(1))[1] == ["a blue square"]


def test_the_same_draw_gives_the_same_photos() -> None:
    rgb = torch.cat([patch_on_gray(color) for color in CHROMATIC])
    captions = [f"a {color} thing" for color in CHROMATIC]
    first, second = (WordRecoloring(0.5)(rgb, captions, rngs(len(captions), 3)) for _ in range(2))
    assert first[1] == second[1] != captions and torch.equal(first[0], second[0])


def test_every_photo_of_a_batch_gets_its_own_new_color() -> None:
    rgb = torch.cat([patch_on_gray(color) for color in CHROMATIC])
    changed, said = WordRecoloring(1.0)(rgb, [f"a {color} thing" for color in CHROMATIC], rngs(len(CHROMATIC), 1))
    for ab, caption in zip(split_lab(changed)[1], said, strict=True):
        wanted = torch.tensor(COLOR_LAB[find_colors(caption)[0].color][1:])
        inside = ab[:, :8, :8].mean(dim=(1, 2))
        if wanted.norm() < 20:
            assert inside.norm() < 3
        else:
            assert torch.nn.functional.cosine_similarity(inside, wanted, dim=0) > 0.9


def test_faces_are_not_red() -> None:
    skin = torch.tensor([15.0, 18.0]).view(1, 2, 1, 1)
    assert soft_color_mask(skin, ["red"]) < 0.05 and soft_color_mask(skin, ["brown"]) > 0.5


@pytest.mark.parametrize("old", CHROMATIC)
@pytest.mark.parametrize("new", CHROMATIC)
def test_turning_there_takes_the_typical_color_there(old: str, new: str) -> None:
    ab = torch.tensor(COLOR_LAB[old][1:]).view(1, 2, 1, 1)
    result, wanted = exchange_color(ab, [old], [new]).flatten(), torch.tensor(COLOR_LAB[new][1:])
    assert torch.nn.functional.cosine_similarity(result, wanted, dim=0) > 0.999
    assert result.norm() == pytest.approx(min(float(wanted.norm()), 1.5 * float(ab.norm())), rel=1e-4)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_is_a_share(share: float) -> None:
    with pytest.raises(ValueError, match=r"share must lie in 0\.\.1"):
        WordRecoloring(share)
