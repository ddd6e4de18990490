"""L-CoDer: decoupled attention against its definition, the paths it leaves out, its tokens and its size."""

from collections.abc import Sequence

import pytest
import torch
from shrunk import batch_of, model_config
from torch import Tensor, nn

from lcoins.models.build import build_colorizer
from lcoins.models.compared.lcoder import DecoupledAttention, DecoupledTransformer, LCoDer
from lcoins.models.image_encoders import PatchEncoder
from lcoins.models.text_encoders import PhraseEncoder
from lcoins.models.upsampler import Upsampler
from lcoins.training.compared_losses import CorrespondenceObjective

WIDTH, HEADS = 16, 4
SIZES = (9, 5, 5)
IMAGE, OBJECTS, COLORS = slice(0, 9), slice(9, 14), slice(14, 19)
ALL = torch.ones(2, 5, dtype=torch.bool)
PADDED = torch.tensor([[True] * 5, [True, True, False, False, False]])
SHORT, LONG = "a red car", "a man in a blue coat beside a woman in a red coat"


def random_attention() -> DecoupledAttention:
    """Attention with biases that are not zero, as after training."""
    attention = DecoupledAttention(WIDTH, HEADS)
    for parameter in attention.parameters():
        nn.init.normal_(parameter, std=0.5)
    return attention


def written_out(attention: DecoupledAttention, tokens: Tensor, mask: Tensor) -> Tensor:
    """The release's "whole": all scores at once, S_pc <- S_po, minus 100 where no path is, softmax, all values."""
    weight_q, weight_k, weight_v = attention.qkv.weight.chunk(3)
    depth = WIDTH // HEADS
    heads = []
    for head in range(HEADS):
        rows = slice(head * depth, (head + 1) * depth)
        q = tokens @ weight_q[rows].T + attention.q_bias[rows]
        k = tokens @ weight_k[rows].T
        v = tokens @ weight_v[rows].T + attention.v_bias[rows]
        scores = q @ k.transpose(1, 2) / depth**0.5
        scores[:, IMAGE, COLORS] = scores[:, IMAGE, OBJECTS]
        for queries, keys in ((IMAGE, OBJECTS), (OBJECTS, COLORS), (COLORS, OBJECTS)):
            scores[:, queries, keys] -= 100
        padding = torch.cat([mask.new_zeros(len(mask), 9), ~mask, ~mask], dim=1)
        heads.append(scores.masked_fill(padding[:, None], -torch.inf).softmax(dim=-1) @ v)
    return torch.cat(heads, dim=-1) @ attention.projection.weight.T + attention.projection.bias


@pytest.mark.parametrize("mask", [ALL, PADDED], ids=["full", "padded"])
def test_decoupled_attention_is_the_definition(mask: Tensor) -> None:
    attention, tokens = random_attention(), torch.randn(2, sum(SIZES), WIDTH)
    found = attention(tokens, SIZES, mask)
    assert found.shape == tokens.shape
    torch.testing.assert_close(found, written_out(attention, tokens, mask), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("changed", "reached"), [(IMAGE, "all"), (OBJECTS, "image objects"), (COLORS, "image colors")])
def test_objects_and_colors_do_not_hear_each_other(changed: slice, reached: str) -> None:
    attention, tokens = random_attention(), torch.randn(2, sum(SIZES), WIDTH)
    other = tokens.clone()
    other[:, changed] += 1.0
    before, after = attention(tokens, SIZES, ALL), attention(other, SIZES, ALL)
    for name, part in (("image", IMAGE), ("objects", OBJECTS), ("colors", COLORS)):
        assert torch.equal(before[:, part], after[:, part]) != (name in reached or reached == "all"), name


def test_masked_words_change_nothing_but_themselves() -> None:
    attention, tokens = random_attention(), torch.randn(2, sum(SIZES), WIDTH)
    other, keep = tokens.clone(), torch.ones(2, sum(SIZES), dtype=torch.bool)
    for part in (OBJECTS, COLORS):
        other[1, part][2:] = 100.0
        keep[1, part][2:] = False
    before, after = attention(tokens, SIZES, PADDED), attention(other, SIZES, PADDED)
    assert torch.equal(before[keep], after[keep])
    assert not torch.equal(before[~keep], after[~keep])


def test_a_patch_takes_the_color_of_the_object_that_it_is_like() -> None:
    """By hand: one head, tokens for queries, keys and values; the patch likes object 1, so it becomes color 1."""
    attention = DecoupledAttention(4, 1)
    with torch.no_grad():
        attention.qkv.weight.copy_(torch.eye(4).repeat(3, 1))
        nn.init.eye_(attention.projection.weight)
        nn.init.zeros_(attention.projection.bias)
    patch, objects = [8.0, 0.0, 0.0, 0.0], [[0.0, 9.0, 0.0, 0.0], [20.0, 0.0, 0.0, 0.0]]
    colors = [[50.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 5.0]]  # it is more like color 0, which does not count
    tokens = torch.tensor([[patch, *objects, *colors]])
    found = attention(tokens, (1, 2, 2), torch.ones(1, 2, dtype=torch.bool))
    torch.testing.assert_close(found[0, 0], torch.tensor(colors[1]))


def small(text_width: int = 2 * WIDTH, details: Sequence[int] = ()) -> LCoDer:
    """32 px, 4 x 4 patches, two blocks."""
    image = PatchEncoder(32, 8, WIDTH, 1, 2, WIDTH, 0.0, "none")
    text = PhraseEncoder("minilm", text_width, max_length=20, pad_mask=True, dim=16)
    transformer = DecoupledTransformer(WIDTH, depth=2, heads=2, drop_path=0.0)
    return LCoDer(32, image, text, transformer, Upsampler(WIDTH, (16, 8), 32, details)).eval()


def lightness(count: int = 1) -> Tensor:
    return torch.rand(count, 1, 32, 32) * 2 - 1


@pytest.mark.parametrize("width", [WIDTH, 3 * WIDTH])
def test_text_that_is_not_twice_as_wide_is_refused(width: int) -> None:
    with pytest.raises(ValueError, match=r"model\.text_encoder\.width must be 32, twice the token width"):
        small(text_width=width)


def test_colors_of_image_size_in_range() -> None:
    output = small().colorize(lightness(2), [SHORT, LONG])
    assert output.ab.shape == (2, 2, 32, 32)
    assert output.ab.abs().max() <= 1.0
    assert output.assignment is None
    assert output.correspondence.shape == (2, 13, 13)


def test_padding_changes_no_color() -> None:
    model, gray = small(), lightness(2)
    beside = model.colorize(gray, [SHORT, LONG])
    for row, caption in enumerate((SHORT, LONG)):
        alone = model.colorize(gray[row : row + 1], [caption])
        torch.testing.assert_close(beside.ab[row : row + 1], alone.ab, rtol=0, atol=1e-6)
        length = alone.correspondence.shape[1]
        torch.testing.assert_close(beside.correspondence[row, :length, :length], alone.correspondence[0])


def test_caption_changes_the_colors() -> None:
    model = small()
    nn.init.normal_(model.text_encoder.projection.weight)
    first, second = model.colorize(lightness().expand(2, -1, -1, -1), [SHORT, "a blue boat"]).ab
    assert (first - second).abs().max() > 1e-4


def test_the_scores_take_object_tokens_for_rows_and_color_tokens_for_columns() -> None:
    """Of the last block, and not the first rows of the sequence, which are the image's."""
    model, seen = small(), {}
    model.transformer.blocks[-1].register_forward_hook(lambda _, __, tokens: seen.update(tokens=tokens))
    model.correspondence.register_forward_hook(lambda _, given, scores: seen.update(given=given, scores=scores))
    nn.init.normal_(model.correspondence.weight)
    output = model(lightness(), model.tokenize([SHORT]))
    objects, colors = seen["tokens"][:, 16:].chunk(2, dim=1)
    assert objects.shape == (1, 3, WIDTH)
    assert torch.equal(seen["given"][0], objects)
    assert torch.equal(seen["given"][1], colors)
    assert output.correspondence is seen["scores"]


def test_each_kind_of_token_has_a_type_and_each_word_two_tokens() -> None:
    """The first block is given the image, then one half of the text as objects and the other as colors."""
    model, seen = small(), {}
    model.transformer.blocks[0].register_forward_pre_hook(lambda _, given: seen.update(tokens=given[0], sizes=given[1]))
    gray, words = lightness(), model.tokenize([SHORT])
    model(gray, words)
    image, text, kinds = model.image_encoder(gray), model.text_encoder(words), model.transformer.type_embedding
    assert seen["sizes"] == (16, 3, 3)
    assert kinds.shape == (3, WIDTH)
    expected = [image + kinds[0], text[..., :WIDTH] + kinds[1], text[..., WIDTH:] + kinds[2]]
    torch.testing.assert_close(seen["tokens"], torch.cat(expected, dim=1))


def test_the_pairs_train_the_blocks_and_the_words() -> None:
    """Unlike L-CoDe's: nothing is detached, once the scores are no longer 0."""
    model = small()
    nn.init.normal_(model.correspondence.weight)
    output = model(lightness(), model.tokenize([SHORT]))
    batch = batch_of(output.ab.detach())
    batch.pairs = [((2, 1),)]
    losses = CorrespondenceObjective(0.1, 100.0)(output, batch)
    assert losses.terms["chromatic"].item() == 0.0
    losses.total.backward()
    for part in (model.transformer.blocks[0].attention.qkv, model.text_encoder.projection, model.correspondence):
        assert part.weight.grad is not None
        assert part.weight.grad.any()


def test_parts_name_the_type_embeddings() -> None:
    model = small()
    parts = model.parts()
    assert parts["type embeddings"] == [model.transformer.type_embedding]
    assert "word embeddings" in parts


def test_size_of_the_release() -> None:
    """The published 353.94 M count BERT's pooler, which nothing uses, and the keys' biases, which change nothing."""
    with torch.device("meta"):
        model = build_colorizer(model_config("system=lcoder"), weights=False)
    count = sum(p.numel() for p in model.parameters())
    assert count == 353_332_962
    pooler, key_biases = 768 * 768 + 768, 12 * 1024
    assert count + pooler + key_biases == 353_935_842
    assert model.correspondence.weight.shape == (1024, 1025)
    assert model.text_encoder.tokenize.max_length == 20
    assert sum(p.numel() for p in model.transformer.blocks.parameters()) == 12 * (12 * 1024**2 + 12 * 1024)


def test_finer_maps_are_refused() -> None:
    with pytest.raises(ValueError, match="sees the image tokens alone"):
        small(details=[24])
