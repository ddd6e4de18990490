"""Object-color correspondence: its scores, its target over words and word pieces, and the pairs that scenes know."""

import re
from functools import cache

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from lcoins.color.object_pairs import ObjectColors
from lcoins.color.words import WORD, split_words
from lcoins.data.scenes.dataset import SPLITS, Scenes
from lcoins.data.scenes.layout import KINDS, plan_scene
from lcoins.data.scenes.sentences import describe, exact_object_colors
from lcoins.data.types import keyed_random
from lcoins.models.compared.bilstm import WordIds, vocabulary_of
from lcoins.models.compared.correspondence import Biaffine, correspondence_target
from lcoins.models.text_encoders import WordPieces, Words
from lcoins.training.compared_losses import correspondence_loss

CAPTIONS = st.lists(
    st.sampled_from(["a", "red", "Zebra", "t-shirt", "unbelievably", "colorfulness", "(blue", "café,", "...", "x_y"]),
    max_size=12,
).map(" ".join)


@cache
def pieces(max_length: int = 80, special_tokens: bool = False) -> WordPieces:
    return WordPieces("minilm", max_length, special_tokens)


def whole_words(*captions: str, max_length: int = 20) -> Words:
    return WordIds(vocabulary_of(captions), max_length, fixed=False)(list(captions))


def ones(target: Tensor) -> list[list[int]]:
    return target.nonzero().tolist()


def test_scores_start_at_zero() -> None:
    scores = Biaffine(4)(torch.randn(2, 3, 4), torch.randn(2, 3, 4))
    assert torch.equal(scores, torch.zeros(2, 3, 3))


def test_scores_are_object_times_matrix_times_color_and_one() -> None:
    biaffine = Biaffine(4)
    torch.nn.init.normal_(biaffine.weight)
    objects, colors = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    by_hand = torch.einsum("bic,cd,bjd->bij", objects, biaffine.weight[:, :4], colors)
    by_hand += torch.einsum("bic,c->bi", objects, biaffine.weight[:, 4])[:, :, None]
    torch.testing.assert_close(biaffine(objects, colors), by_hand, rtol=1e-4, atol=1e-5)


def test_rows_of_the_scores_are_objects_and_columns_colors() -> None:
    biaffine = Biaffine(2)
    with torch.no_grad():
        biaffine.weight[0, 1] = 1.0  # what is 1 in an object times what is 2 in a color
    objects, colors = torch.zeros(1, 3, 2), torch.zeros(1, 3, 2)
    objects[0, 2, 0], colors[0, 1, 1] = 5.0, 7.0
    scores = biaffine(objects, colors)
    assert ones(scores[0]) == [[2, 1]]
    assert scores[0, 2, 1].item() == 35.0


def test_target_over_words() -> None:
    captions = ["a white dog on a red table", "a cat"]
    target, counts = correspondence_target([((2, 1), (6, 5)), ()], whole_words(*captions))
    assert ones(target[0]) == [[2, 1], [6, 5]]
    assert not target[1].any()
    assert counts[0].all()
    assert counts[1].nonzero().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]  # padding does not count


def test_target_over_word_pieces_begins_where_the_word_does() -> None:
    """ "unbelievably" has several pieces, which shift those after it; a pair names the first piece of a word."""
    caption = "an unbelievably red zebra beside a unicyclist in purple"
    words = pieces()([caption])
    shown = [pieces().tokenizer.id_to_token(int(id)) for id in words.ids[0]]
    assert len(shown) > len(split_words(caption))
    assert words.word_indices is not None
    target, counts = correspondence_target([((3, 2), (6, 8))], words)
    ((zebra, red), (rider, purple)) = ones(target[0])
    assert (shown[red], shown[zebra], shown[purple]) == ("red", "zebra", "purple")
    assert (zebra, rider) != (3, 6)
    assert shown[rider] == "un"
    assert words.word_indices[0, rider + 1] == -1  # "##ic"
    assert counts.all()


@given(CAPTIONS)
def test_every_word_begins_one_piece(caption: str) -> None:
    words = pieces()([caption])
    assert words.word_indices is not None
    shown = [pieces().tokenizer.id_to_token(int(id)) for id in words.ids[0]]
    begun = [(place, piece) for place, piece in zip(words.word_indices[0].tolist(), shown, strict=True) if place >= 0]
    assert [place for place, _ in begun] == list(range(len(split_words(caption))))
    for (_, piece), word in zip(begun, split_words(caption), strict=True):
        assert word.replace("é", "e").startswith(piece)


def test_special_tokens_are_no_words() -> None:
    words = pieces(special_tokens=True)(["a red car", ""])
    assert words.word_indices is not None
    assert words.word_indices.tolist() == [[-1, 0, 1, 2, -1], [-1] * 5]


def test_a_pair_beyond_a_cut_caption_is_left_out() -> None:
    caption, own = "a white dog on a red table", ((2, 1), (6, 5), (6, 1))
    for words in (whole_words(caption, max_length=6), pieces(6)([caption])):
        assert words.ids.shape == (1, 6)
        assert ones(correspondence_target([own], words)[0][0]) == [[2, 1]]


def test_captions_whose_pairs_nobody_knows_do_not_count() -> None:
    pairs: list[ObjectColors | None] = [None, ()]
    target, counts = correspondence_target(pairs, whole_words("a red car", "a red car"))
    assert not counts[0].any()
    assert counts[1].all()
    assert not target.any()


def test_a_caption_without_words_has_no_pair() -> None:
    target, counts = correspondence_target([((2, 1),)], whole_words(""))
    assert not target.any()
    assert counts.tolist() == [[[True]]]


def test_words_without_places_are_refused() -> None:
    words = whole_words("a red car")
    with pytest.raises(ValueError, match=r"Words\.word_indices"):
        correspondence_target([()], words.followed_by(words))


def test_loss_weighs_pairs_and_leaves_out_what_does_not_count() -> None:
    """Scores of 0 cost log 2 each; the one pair of the four that count costs 1 + 5 times as much."""
    target, counts = torch.zeros(1, 3, 3), torch.zeros(1, 3, 3, dtype=torch.bool)
    counts[0, :2, :2], target[0, 1, 0] = True, 1.0
    scores = torch.zeros(1, 3, 3)
    scores[0, 2] = 50.0  # padding
    log2 = torch.tensor(2.0).log().item()
    assert correspondence_loss(scores, target, counts, 5.0).item() == pytest.approx((3 + 6) / 4 * log2)
    assert correspondence_loss(scores, target, counts & False, 5.0).item() == 0.0


def test_words_are_whole_and_in_lower_case() -> None:
    assert split_words("A man's T-shirt: 2 CAFÉS, x_y!") == ["a", "man", "s", "t", "shirt", "2", "cafés", "x_y"]


@pytest.mark.parametrize("caption", ["a red İzmir bus", "STRASSE und Straße", "ﬁne Ǆ ŉ"])
def test_lower_case_makes_no_further_words(caption: str) -> None:
    """The dot of a Turkish capital becomes a mark of its own, which is no letter; places of pieces count without it."""
    assert len(split_words(caption)) == len(WORD.findall(caption))


@pytest.mark.parametrize("split", SPLITS)
def test_pairs_of_a_sentence_agree_with_its_objects(split: str) -> None:
    for number in range(300 // len(SPLITS) + 1):
        rng = keyed_random(number, split, "pairs")
        objects, distinguished_by = plan_scene(split, rng)
        sentence = describe(objects, distinguished_by, rng).sentence
        words, pairs = split_words(sentence), exact_object_colors(sentence)
        kinds = {thing.color: thing.kind for thing in objects}
        assert sorted(words[color] for _, color in pairs) == sorted(kinds)
        for thing, color in pairs:
            kind = kinds[words[color]]
            assert words[thing] == kind or (words[thing] == "one" and set(kinds.values()) == {kind}), sentence


def test_pairs_of_every_form_of_sentence() -> None:
    for sentence, expected in {
        "a big red star and a blue ring": [("star", "red"), ("ring", "blue")],
        "a star that is red, a moon that is blue at the top": [("star", "red"), ("moon", "blue")],
        "the star on the left is red and the right one blue": [("star", "red"), ("one", "blue")],
        "on the left is a red star and on the right an orange one": [("star", "red"), ("one", "orange")],
        "you can see a gray cross to the left of a teal heart": [("cross", "gray"), ("heart", "teal")],
    }.items():
        words = split_words(sentence)
        assert [(words[thing], words[color]) for thing, color in exact_object_colors(sentence)] == expected


@pytest.mark.parametrize("split", ["train", "instances", "counter"])
def test_scenes_know_their_pairs_and_what_each_pixel_shows(split: str) -> None:
    """The sentence says of which kind each color's object is; its mask has that label, the background 0."""
    scenes = Scenes(split, 12, image_size=32)
    for sample in map(scenes.__getitem__, range(len(scenes))):
        words = split_words(sample.caption)
        assert sample.pairs == exact_object_colors(sample.caption)
        kind_of = {words[color]: words[thing] for thing, color in sample.pairs}
        first = next(kind for kind in re.findall(r"\w+", sample.caption) if kind in KINDS)
        labels, instances = sample.labels, sample.instances
        assert labels is not None
        assert instances is not None
        assert labels.dtype == torch.uint8
        assert labels.shape == (32, 32)
        for mask, color in zip(instances.masks, instances.colors, strict=True):
            kind = first if kind_of[color] == "one" else kind_of[color]
            assert labels[mask].unique().tolist() == [1 + KINDS.index(kind)]
        assert not labels[~instances.masks.any(dim=0)].any()
