"""Image encoders and the caption encoder: shapes, order of patches, word pieces, masks and freezing."""

from typing import Any

import pytest
import torch
from torch import nn

from lcoins.models.image_encoders import GridEncoder, PatchEncoder
from lcoins.models.text_encoders import CaptionEncoder, PhraseEncoder, Words

TINY_BERT = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 80,
}
CLS, SEP, PAD, UNK = 101, 102, 0, 100


def captions_to_words(**changes: Any) -> CaptionEncoder:
    settings: dict[str, Any] = {
        "source": "minilm",
        "width": 8,
        "max_length": 80,
        "special_tokens": False,
        "pad_mask": True,
        "freeze": False,
        "init": "none",
        "config": TINY_BERT,
    }
    return CaptionEncoder(**settings | changes)


def grid_encoder(freeze: bool) -> GridEncoder:
    return GridEncoder("test_efficientnet", 64, (2, 3), width=8, freeze=freeze, init="none")


def test_words_followed_by_longer_and_shorter() -> None:
    short = Words(torch.tensor([[5, 6]]), torch.tensor([[True, True]]))
    long = Words(torch.tensor([[7, 8, 9]]), torch.tensor([[True, True, True]]))
    for first, second in ((short, long), (long, short)):
        both = first.followed_by(second)
        assert both.ids.shape == both.mask.shape == (2, 3)
        for row, words in enumerate((first, second)):
            assert both.ids[row][both.mask[row]].tolist() == words.ids[0].tolist()
    assert short.followed_by(long).ids.tolist() == [[5, 6, PAD], [7, 8, 9]]


def test_words_move_together() -> None:
    words = Words(torch.tensor([[5]]), torch.tensor([[True]])).to("meta")
    assert words.ids.is_meta
    assert words.mask.is_meta


def test_patches_come_row_by_row() -> None:
    """Without blocks a patch token depends on its own pixels alone."""
    encoder = PatchEncoder(
        image_size=32, patch_size=8, dim=16, depth=0, heads=2, width=8, drop_path=0.0, init="none"
    ).eval()
    lightness = torch.rand(1, 1, 32, 32)
    changed = lightness.clone()
    changed[:, :, 8:16, 16:24] += 0.5  # row 1, column 2 of four by four
    before, after = encoder(lightness), encoder(changed)
    assert before.shape == (1, 16, 8)
    assert encoder.grid == 4
    assert (before != after).any(dim=-1)[0].nonzero().flatten().tolist() == [1 * 4 + 2]
    assert encoder.projection.bias is None


def test_patch_encoder_keeps_its_final_norm() -> None:
    encoder = PatchEncoder(32, 8, 16, 1, 2, 8, 0.0, "none")
    assert isinstance(encoder.vit.norm, nn.LayerNorm)
    assert not list(encoder.vit.fc_norm.parameters())
    assert encoder.vit.cls_token is None


def test_grid_encoder_gives_the_finest_grid_with_places() -> None:
    encoder = grid_encoder(freeze=False).eval()
    tokens = encoder(torch.rand(2, 1, 64, 64))
    finest = 64 // min(encoder.backbone.feature_info.reduction())
    assert encoder.grid == finest
    assert tokens.shape == (2, finest**2, 8)
    assert len(encoder.position[0].unique(dim=0)) == finest**2


def test_frozen_backbone_keeps_its_statistics_and_gets_no_gradient() -> None:
    encoder = grid_encoder(freeze=True)
    assert encoder.training
    assert not any(module.training for module in encoder.backbone.modules())  # so it stays in training
    assert not any(module.training for module in encoder.train().backbone.modules())
    before = {name: value.clone() for name, value in encoder.backbone.state_dict().items()}
    encoder(torch.rand(2, 1, 64, 64)).sum().backward()
    assert all(torch.equal(value, before[name]) for name, value in encoder.backbone.state_dict().items())
    assert all(p.grad is None and not p.requires_grad for p in encoder.backbone.parameters())
    assert encoder.projection.weight.grad is not None


def test_trained_backbone_gets_gradients() -> None:
    """With its last stage among those taken; timm keeps the stages behind the last one taken."""
    encoder = GridEncoder("test_efficientnet", 64, (2, 4), width=8, freeze=False, init="none")
    assert all(module.training for module in encoder.backbone.modules())
    encoder(torch.rand(2, 1, 64, 64)).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in encoder.backbone.parameters())


def test_a_pretrained_backbone_that_is_trained_along_keeps_its_statistics() -> None:
    encoder = GridEncoder("tf_efficientnet_lite0", 64, (2, 4), width=8, freeze=False, init="package").train()
    before = {name: value.clone() for name, value in encoder.backbone.named_buffers()}
    encoder(torch.rand(2, 1, 64, 64)).square().sum().backward()
    assert all(torch.equal(value, before[name]) for name, value in encoder.backbone.named_buffers())
    assert all(p.grad is not None for p in encoder.backbone.parameters())


def test_details_come_from_coarse_to_fine_and_leave_the_tokens_as_they_are() -> None:
    plain = GridEncoder("tf_efficientnet_lite0", 64, (3, 4), width=8, freeze=True, init="package").eval()
    detailed = GridEncoder("tf_efficientnet_lite0", 64, (3, 4), 8, freeze=True, init="package", details=[2, 1]).eval()
    detailed.load_state_dict(plain.state_dict())
    gray = torch.rand(2, 1, 64, 64)
    tokens, details = detailed.with_details(gray)
    assert torch.equal(tokens, plain(gray))
    assert [tuple(detail.shape) for detail in details] == [(2, 40, 8, 8), (2, 24, 16, 16)]
    assert detailed.detail_channels == (40, 24)


@pytest.mark.parametrize("details", [[1], [1, 2], [2, 2], [3, 2], [2, 1, 0, -1]])
def test_details_that_skip_a_stage_are_refused(details: list[int]) -> None:
    with pytest.raises(ValueError, match=r"image_encoder.details: expected"):
        GridEncoder("tf_efficientnet_lite0", 64, (3, 4), width=8, freeze=True, init="none", details=details)


def test_frozen_bert_has_no_dropout_and_gets_no_gradient() -> None:
    encoder = captions_to_words(freeze=True)
    assert encoder.training
    assert not any(module.training for module in encoder.bert.modules())  # so it stays in training
    assert not any(module.training for module in encoder.train().bert.modules())
    words = encoder.tokenize(["a red car"])
    first = encoder(words)
    assert torch.equal(first, encoder(words))
    first.sum().backward()
    assert all(p.grad is None and not p.requires_grad for p in encoder.bert.parameters())
    assert encoder.projection.weight.grad is not None


def test_trained_bert_has_dropout() -> None:
    encoder = captions_to_words(activation="none").train()
    words = encoder.tokenize(["a red car"])
    assert not torch.equal(encoder(words), encoder(words))


def test_word_pieces_are_lower_case_and_padded_to_the_longest() -> None:
    encoder = captions_to_words()
    words = encoder.tokenize(["A Red CAR", "a man in a blue coat"])
    assert words.ids.shape == (2, 6)
    assert words.mask.sum(dim=1).tolist() == [3, 6]
    assert words.ids[0].tolist() == [*encoder.tokenize(["a red car"]).ids[0].tolist(), PAD, PAD, PAD]
    assert not {CLS, SEP} & set(words.ids.flatten().tolist())


def test_special_tokens_on_request() -> None:
    ids = captions_to_words(special_tokens=True).tokenize(["a red car"]).ids[0].tolist()
    assert len(ids) == 5
    assert (ids[0], ids[-1]) == (CLS, SEP)


@pytest.mark.parametrize("silent", ["", "   ", "\u200b", "\x00"], ids=["empty", "spaces", "zero width", "control"])
def test_caption_without_words_is_one_unknown(silent: str) -> None:
    encoder = captions_to_words().eval()
    beside = encoder.tokenize([silent, "a red car"])
    assert beside.mask.tolist() == [[True, False, False], [True, True, True]]
    assert beside.ids[0, 0] == UNK
    alone = encoder.tokenize([silent, silent])
    assert alone.ids.tolist() == [[UNK], [UNK]]
    assert alone.mask.all()
    assert encoder(beside).isfinite().all()


def test_long_caption_is_cut() -> None:
    encoder = captions_to_words().eval()
    words = encoder.tokenize(["a red car and " * 100, "a dog"])
    assert words.ids.shape == (2, 80)
    assert words.mask.sum(dim=1).tolist() == [80, 2]
    assert encoder(words).shape == (2, 80, 8)


def test_without_pad_mask_every_caption_has_the_full_length() -> None:
    """As in the authors' code: [PAD] is attended to like a word."""
    encoder = captions_to_words(pad_mask=False).eval()
    words = encoder.tokenize(["a red car", ""])
    assert words.ids.shape == (2, 80)
    assert words.mask.all()
    assert words.ids[0, 3:].eq(PAD).all()
    assert encoder(words).isfinite().all()


def test_padding_changes_no_word() -> None:
    encoder = captions_to_words().eval()
    alone = encoder(encoder.tokenize(["a red car"]))
    beside = encoder(encoder.tokenize(["a red car", "a man in a blue coat beside a woman in a red coat"]))
    torch.testing.assert_close(beside[:1, :3], alone, rtol=0, atol=1e-5)


def test_activation_of_the_projection() -> None:
    words = captions_to_words().tokenize(["a red car", "a dog on green grass"])
    assert captions_to_words().eval()(words).min() == 0.0
    assert captions_to_words(activation="none").eval()(words).min() < 0.0


def phrase_encoder() -> PhraseEncoder:
    torch.manual_seed(0)
    return PhraseEncoder(source="minilm", width=16, max_length=80, pad_mask=True, dim=16)


def test_a_word_hears_its_own_phrase_only() -> None:
    """A phrase ends before a comma or "and"; "sand" holds no "and"."""
    encoder = phrase_encoder()
    words = encoder.tokenize(["a red star on sand, a blue ring and a green moon"])
    changed = Words(words.ids.clone(), words.mask)
    changed.ids[0, 7] = UNK  # "blue"; the phrase is ", a blue ring"
    moved = (encoder(words) - encoder(changed)).abs().amax(dim=-1)[0] > 1e-6
    assert moved.nonzero().flatten().tolist() == [5, 6, 7, 8]


def test_phrase_tokens_before_training_are_the_word_and_its_phrase() -> None:
    encoder = phrase_encoder()
    words = encoder.tokenize(["a red star"])
    embedded = encoder.embeddings(words.ids)
    expected = torch.relu(encoder.projection(encoder.norm(embedded + embedded.sum(dim=1, keepdim=True))))
    torch.testing.assert_close(encoder(words), expected)


def test_a_closed_gate_silences_a_word_for_the_others() -> None:
    encoder = phrase_encoder()
    words = encoder.tokenize(["a red star"])
    with torch.no_grad():
        loud = encoder.embeddings.weight[words.ids[0, 1]]
        encoder.gate.weight.copy_(-100 * loud / loud.square().sum())
        before = encoder(words)
        encoder.embeddings.weight[words.ids[0, 1]] *= 2  # still silent, and twice as large for itself
        after = encoder(words)
    torch.testing.assert_close(after[0, [0, 2]], before[0, [0, 2]])
    assert not torch.allclose(after[0, 1], before[0, 1])


def test_phrases_keep_padding_out() -> None:
    encoder = phrase_encoder()
    alone, padded = encoder.tokenize(["a red car"]), encoder.tokenize(["a red car", "a blue car and a gray bus"])
    torch.testing.assert_close(encoder(padded)[0, :3], encoder(alone)[0])


def test_standardized_lightness_is_blind_to_brightness_and_contrast() -> None:
    torch.manual_seed(0)
    encoder = GridEncoder("test_efficientnet", 64, (2, 3), width=8, freeze=True, init="none", standardize=True)
    lightness = torch.rand(2, 1, 64, 64)
    torch.testing.assert_close(encoder(0.3 * lightness - 0.9), encoder(lightness), rtol=1e-3, atol=1e-4)
    assert encoder(torch.full((1, 1, 64, 64), -1.0)).isfinite().all()
    plain = grid_encoder(freeze=True)
    assert not torch.allclose(plain(0.3 * lightness - 0.9), plain(lightness), atol=1e-2)
