"""Maps of a photo: regions of words by their effect, regions of groups and their names."""

from typing import Any

import numpy as np
import torch
from shrunk import MODEL, NO_COUNTER_COLOR, transformer

from lcoins.app.regions import NO_GROUPS, NO_WORDS, dominant_word, group_regions, numbered, word_regions
from lcoins.color.reading import read_sentence
from lcoins.colorize.word_effect import VISIBLE
from lcoins.models.attention_maps import BlockAttention
from lcoins.models.build import build_colorizer
from lcoins.models.colorizer import Colorization
from lcoins.models.focus import FocusedColorizer

SENTENCE = "a red star beside a blue moon"


def grouped(**changes: Any) -> Any:
    torch.manual_seed(3)
    return build_colorizer({**MODEL, **changes}).eval()


def test_where_a_word_moves_colors_less_its_region_is_fainter() -> None:
    moved = torch.tensor([[80.0, 40.0], [VISIBLE, VISIBLE - 1]])
    (region,) = word_regions([(read_sentence("a red star").colors[0], moved)], (2, 2))
    np.testing.assert_allclose(region.mask, [[1.0, 0.5], [VISIBLE / 80, 0.0]], rtol=1e-6)


def test_no_words_have_no_regions_and_equal_names_are_numbered() -> None:
    assert word_regions([], (4, 4)) == []
    assert numbered(["red", "red"]) == ["red 1", "red 2"]


def test_groups_cover_the_photo() -> None:
    model = grouped()
    seen = torch.rand(1, 1, 32, 32) * 2 - 1
    regions, _ = group_regions(model, seen, SENTENCE, (40, 60))
    assert regions and all(region.name.startswith("group ") for region in regions)
    covered = np.sum([region.mask for region in regions], axis=0)
    assert covered.shape == (40, 60) and covered.max() == 1 and covered.mean() > 0.95


def test_groups_of_the_system_on_the_page_attend_to_words() -> None:
    """The page focuses every system; its groups are those of the system inside."""
    model, seen = grouped(), torch.rand(1, 1, 32, 32) * 2 - 1
    alone, note = group_regions(model, seen, SENTENCE, (8, 8))
    focused, same = group_regions(FocusedColorizer(model), seen, SENTENCE, (8, 8))
    assert same == note != NO_WORDS and [one.name for one in focused] == [one.name for one in alone]


def test_groups_of_a_faded_photo_are_those_that_the_page_sees() -> None:
    model = FocusedColorizer(grouped())
    fresh = torch.linspace(-0.94, 0.9, 32 * 32).unflatten(0, (1, 1, 32, 32))
    for one, other in zip(
        *(group_regions(model, seen, SENTENCE, (8, 8))[0] for seen in (fresh, fresh / 3)), strict=True
    ):
        np.testing.assert_allclose(one.mask, other.mask, atol=0.05)


def test_groups_of_a_print_lie_on_its_picture() -> None:
    class Halves:
        """Two groups of 8 by 8 tokens: the upper half of what it sees, and the lower."""

        image_size = 64

        def colorize(self, lightness: torch.Tensor, captions: list[str]) -> Colorization:
            assert lightness.max() < 0.99
            groups = torch.zeros(1, 2, 8, 8)
            groups[:, 0, :4], groups[:, 1, 4:] = 1, 1
            return Colorization(torch.zeros(1, 2, 64, 64), groups.flatten(2))

    photo = torch.full((1, 1, 64, 64), 1.0)
    photo[..., 4:-20, 4:-4] = torch.linspace(-0.9, 0.7, 40)[:, None]
    (upper, lower), _ = group_regions(FocusedColorizer(Halves()), photo, SENTENCE, (64, 64))
    assert upper.mask[:24].all() and not upper.mask[24:].any()
    np.testing.assert_array_equal(lower.mask, 1 - upper.mask)


def test_systems_without_groups_or_with_joint_attention_say_so() -> None:
    seen = torch.rand(1, 1, 32, 32) * 2 - 1
    joint = grouped(**transformer(attention="joint"))
    regions, note = group_regions(joint, seen, SENTENCE, (8, 8))
    assert regions and note == NO_WORDS and not any(":" in region.name for region in regions)
    none = grouped(**transformer(attention="joint", n_groups=0), **NO_COUNTER_COLOR)
    assert group_regions(none, seen, SENTENCE, (8, 8)) == ([], NO_GROUPS)


def test_a_group_is_named_by_a_word_that_stands_out() -> None:
    words = grouped().tokenize([SENTENCE])
    shares = torch.full((2, words.ids.shape[1]), 1.0)
    shares[1, 1] = 9.0
    attention = BlockAttention(torch.zeros(16, 2), shares / shares.sum(dim=1, keepdim=True))
    assert dominant_word(attention, words, SENTENCE, 0) is None
    assert dominant_word(attention, words, SENTENCE, 1) == "red"
