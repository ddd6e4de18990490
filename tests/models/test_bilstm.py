"""Whole words and the BiLSTM: ids, places, padding, torch's own bidirectional LSTM as judge, and word vectors."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lcoins.color.words import split_words
from lcoins.models.backbones.pretrained import MissingWeightsError
from lcoins.models.compared.bilstm import BiLSTMEncoder, WordIds, vocabulary_of
from lcoins.models.text_encoders import Words

VOCABULARY = ["a", "red", "car", "blue", "bus", "and"]
SHORT, LONG = "a red car", "a blue bus and a red bus and a car"
VECTORS = {"red": [0.5, -1.0, 2.0], "car": [1.5, 0.25, -3.0], "tree": [9.0, 9.0, 9.0]}
CAPTIONS = st.lists(st.sampled_from([*VOCABULARY, "Zebra", "t-shirt", "...", "RED"]), max_size=9).map(" ".join)


def encoder(**changes: Any) -> BiLSTMEncoder:
    settings: dict[str, Any] = {"vocabulary": VOCABULARY, "max_length": 20, "dim": 3, "hidden": 4, "dropout": 0.0}
    return BiLSTMEncoder(**settings | {"init": "none"} | changes)


def judged(own: BiLSTMEncoder, words: Words) -> tuple[Tensor, Tensor]:
    """Tokens and sentence by torch's bidirectional layer with the same weights, over packed captions."""
    judge = nn.LSTM(3, 4, batch_first=True, bidirectional=True)
    judge.load_state_dict(
        own.forwards.state_dict() | {f"{name}_reverse": value for name, value in own.backwards.state_dict().items()}
    )
    packed = pack_padded_sequence(
        own.embeddings(words.ids), words.mask.sum(dim=1), batch_first=True, enforce_sorted=False
    )
    output, (last, _) = judge(packed)
    tokens = pad_packed_sequence(output, batch_first=True, total_length=words.ids.shape[1])[0]
    return tokens, torch.cat([last[0], last[1]], dim=-1)


def test_vocabulary_goes_by_frequency_and_then_by_alphabet() -> None:
    assert vocabulary_of(["A red car", "a Red bus", "the bus: a t-shirt"]) == [
        "a",
        "bus",
        "red",
        "car",
        "shirt",
        "t",
        "the",
    ]


def test_words_are_numbered_from_one_in_lower_case() -> None:
    words = WordIds(VOCABULARY, max_length=20, fixed=False)(["A RED car, red", "zebra"])
    assert words.ids.tolist() == [[1, 2, 3, 2], [0, 0, 0, 0]]  # an unknown word and padding are both 0
    assert words.mask.tolist() == [[True] * 4, [True, False, False, False]]
    assert words.word_indices is not None
    assert words.word_indices.tolist() == [[0, 1, 2, 3], [0, -1, -1, -1]]


def test_long_caption_is_cut_and_short_one_padded_where_the_length_is_fixed() -> None:
    words = WordIds(VOCABULARY, max_length=4, fixed=True)([LONG, "a"])
    assert words.ids.tolist() == [[1, 4, 5, 6], [1, 0, 0, 0]]
    assert words.mask.tolist() == [[True] * 4, [True, False, False, False]]
    assert words.word_indices is not None
    assert words.word_indices.tolist() == [[0, 1, 2, 3], [0, -1, -1, -1]]
    assert WordIds(VOCABULARY, max_length=4, fixed=True)(["a"]).ids.shape == (1, 4)
    assert WordIds(VOCABULARY, max_length=4, fixed=False)(["a"]).ids.shape == (1, 1)


@pytest.mark.parametrize("silent", ["", "   ", "...", "\x00"], ids=["empty", "spaces", "dots", "control"])
def test_caption_without_words_is_one_unknown(silent: str) -> None:
    own = encoder()
    beside, alone = own.tokenize([silent, SHORT]), own.tokenize([silent])
    assert beside.ids[0].tolist() == [0, 0, 0]
    assert beside.mask[0].tolist() == [True, False, False]
    assert beside.word_indices is not None
    assert beside.word_indices[0].tolist() == [-1, -1, -1]  # no word of the caption
    assert alone.ids.tolist() == [[0]]
    assert alone.mask.tolist() == [[True]]
    torch.testing.assert_close(own(beside)[1][:1], own(alone)[1])


@given(st.lists(CAPTIONS, min_size=1, max_size=4), st.booleans())
def test_equals_torchs_bidirectional_lstm(captions: list[str], fixed: bool) -> None:
    own = encoder(fixed_length=fixed)
    words = own.tokenize(captions)
    for found, expected in zip(own(words), judged(own, words), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@given(CAPTIONS, CAPTIONS)
def test_a_caption_beside_another_is_what_it_is_alone(first: str, second: str) -> None:
    own = encoder()
    tokens, sentences = own(own.tokenize([first, second]))
    for row, caption in enumerate((first, second)):
        words = own.tokenize([caption])
        length = words.ids.shape[1]
        alone, sentence = own(words)
        torch.testing.assert_close(tokens[row, :length], alone[0], rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(sentences[row], sentence[0], rtol=1e-5, atol=1e-6)
        assert not tokens[row, length:].any()


def test_a_sentence_hears_its_last_word_and_its_first() -> None:
    own = encoder()
    assert own.width == 8
    sentences = own(own.tokenize(["a red car", "a red bus", "blue red car"]))[1]
    assert sentences.shape == (3, 8)
    for half in (slice(0, 4), slice(4, 8)):  # forwards, backwards
        assert not torch.allclose(sentences[0, half], sentences[1, half], atol=1e-4)
        assert not torch.allclose(sentences[0, half], sentences[2, half], atol=1e-4)


def test_dropout_is_for_training() -> None:
    own = encoder(dropout=0.5)
    words = own.tokenize([LONG])
    assert not torch.equal(own(words)[1], own(words)[1])
    own.eval()
    assert torch.equal(own(words)[1], own(words)[1])


def test_without_a_vocabulary_every_word_is_unknown() -> None:
    own = encoder(vocabulary=None)
    assert own.embeddings.weight.shape == (1, 3)
    assert own.tokenize([SHORT]).ids.tolist() == [[0, 0, 0]]


def test_untrained_embeddings_are_small_and_trained_even_where_vectors_would_be_frozen() -> None:
    own = encoder(vocabulary=[f"w{number}" for number in range(500)], freeze=True)
    weights = own.embeddings.weight
    assert weights.requires_grad
    assert 0.099 < weights.abs().max() <= 0.1
    assert weights.std().item() == pytest.approx(0.2 / 12**0.5, rel=0.05)


def vector_file(folder: Path, header: bool = False, ending: str = "") -> Path:
    lines = [f"{word} {' '.join(map(str, numbers))}{ending}" for word, numbers in VECTORS.items()]
    path = folder / "vectors.txt"
    path.write_text("\n".join(["3 3"] * header + lines) + "\n", encoding="utf-8")
    return path


def assert_vectors(own: BiLSTMEncoder) -> None:
    """The words that the file has are as there; the others are as before, small and not 0."""
    rows = dict(zip(VOCABULARY, own.embeddings.weight[1:].tolist(), strict=True))
    for word, row in rows.items():
        if word in VECTORS:
            assert row == VECTORS[word]
        else:
            assert 0 < max(map(abs, row)) <= 0.1


@pytest.mark.parametrize("ending", ["", " "], ids=["plain", "blank at the end"])
@pytest.mark.parametrize("header", [False, True], ids=["GloVe", "word2vec"])
def test_word_vectors_from_a_text_file(tmp_path: Path, header: bool, ending: str) -> None:
    assert_vectors(encoder(init=str(vector_file(tmp_path, header, ending))))


def test_the_header_is_no_word(tmp_path: Path) -> None:
    own = encoder(vocabulary=["3", "red"], init=str(vector_file(tmp_path, header=True)))
    assert own.embeddings.weight[2].tolist() == VECTORS["red"]
    assert own.embeddings.weight[1].abs().max() <= 0.1


def test_a_name_with_a_blank_in_it_is_no_word(tmp_path: Path) -> None:
    """GloVe's largest file has such lines, as "at name@domain.com"."""
    path = vector_file(tmp_path)
    path.write_text("car name@domain.com 7.0 7.0 7.0\n" + path.read_text() + "a b c 7.0 7.0 7.0\n", encoding="utf-8")
    assert_vectors(encoder(init=str(path)))


@pytest.mark.parametrize("freeze", [False, True])
def test_loaded_vectors_are_frozen_on_request(tmp_path: Path, freeze: bool) -> None:
    own = encoder(init=str(vector_file(tmp_path)), freeze=freeze)
    own(own.tokenize([SHORT]))[1].sum().backward()
    gradient = own.embeddings.weight.grad
    assert (gradient is None) == freeze
    assert gradient is None or gradient[1:4].any()
    assert own.forwards.weight_ih_l0.grad is not None


def test_word2vec_without_a_file_says_what_to_do() -> None:
    with pytest.raises(MissingWeightsError, match=r"word vectors: .*model\.text_encoder\.init=FILE.* or none"):
        encoder(init="word2vec")


def test_missing_word_vectors_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingWeightsError, match=r"no word vectors at .*absent\.txt"):
        encoder(init=str(tmp_path / "absent.txt"))


def test_vectors_of_another_length_are_refused(tmp_path: Path) -> None:
    path = vector_file(tmp_path)
    with pytest.raises(
        ValueError, match=r"words with 4 numbers each, but has 3 numbers for 'red'; .*text_encoder\.dim"
    ):
        encoder(init=str(path), dim=4)
    with pytest.raises(ValueError, match=r"words with 2 numbers each, but has .*text_encoder\.dim"):
        encoder(init=str(path), dim=2)


def test_vectors_of_other_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="none of 2 words"):
        encoder(vocabulary=["zebra", "kite"], init=str(vector_file(tmp_path)))


@pytest.mark.parametrize("content", [b"3 3\nred \xff\xfe\x00\x80", b"red one two three\n"], ids=["binary", "words"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vectors.bin"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"vectors\.bin is no text file of word vectors .* must be converted"):
        encoder(init=str(path))


def test_words_are_those_of_split_words() -> None:
    caption = "A man's T-shirt; 2 red cars"
    assert WordIds(vocabulary_of([caption]), 20, fixed=False)([caption]).ids.shape[1] == len(split_words(caption)) == 8
