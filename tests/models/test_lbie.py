"""LBIE: recurrent fusion by hand, when to stop, sizes, and a discriminator that hears the words and trains itself."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from shrunk import batch_of, composed, model_config
from torch import Tensor, nn

from lcoins.data.types import Batch
from lcoins.models.build import build_colorizer
from lcoins.models.colorizer import SteppedColorization
from lcoins.models.compared.bilstm import BiLSTMEncoder
from lcoins.models.compared.lbie import LBIE, AttentiveFusion, Discriminator, termination_shares
from lcoins.models.text_encoders import Words
from lcoins.training.build import build_objective
from lcoins.training.compared_losses import AdversarialObjective

VOCABULARY = ["a", "red", "blue", "car", "bus", "and"]
SHORT, LONG = "a red car", "a red car and a blue bus"
STOPS = st.lists(st.floats(0, 1), min_size=1, max_size=6)


def tiny(steps: int = 3, **changes: Any) -> LBIE:
    """16 px, 4 x 4 regions of 16 channels, with words that are loud."""
    settings: dict[str, Any] = {"image_size": 16, "width": 4, "attention": 8, "steps": steps}
    text = BiLSTMEncoder(VOCABULARY, 20, dim=8, hidden=changes.pop("hidden", 8), dropout=0.0, init="none")
    nn.init.normal_(text.embeddings.weight, std=3.0)
    return LBIE(text, **settings | changes)


def lightness(count: int = 1, size: int = 16) -> Tensor:
    return torch.rand(count, 1, size, size) * 2 - 1


@given(STOPS)
def test_shares_sum_to_one(stops: list[float]) -> None:
    shares = termination_shares(torch.tensor([stops], dtype=torch.float64))
    assert shares.shape == (1, len(stops))
    assert (shares >= 0).all()
    assert shares.sum().item() == pytest.approx(1.0)


def test_shares_by_hand() -> None:
    """p_k = tau_k prod (1 - tau_j), row by row; the last step takes what is left, whatever its gate says."""
    stops = torch.tensor([[0.2, 0.5, 0.25, 0.9], [1.0, 0.5, 0.5, 0.5], [0.0, 0.0, 0.0, 0.0]])
    expected = [[0.2, 0.8 * 0.5, 0.4 * 0.25, 0.4 * 0.75], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    torch.testing.assert_close(termination_shares(stops), torch.tensor(expected))


def fusion(recurrent: bool, gates: tuple[float, float] = (-100.0, -100.0)) -> AttentiveFusion:
    """Regions and words of two channels; both gates are set from outside, less the 1 that the cell adds."""
    result = AttentiveFusion(2, 1, recurrent)
    for layer in (result.region, result.word, result.score, result.gates, result.candidate):
        nn.init.zeros_(layer.weight)
    nn.init.zeros_(result.region.bias)
    nn.init.zeros_(result.candidate.bias)
    with torch.no_grad():
        result.gates.bias.copy_(torch.tensor([gates[0]] * 2 + [gates[1]] * 2) - 1)
    return result


def test_fusion_by_hand() -> None:
    """score_t = 2 tanh(v_1 + u_t1), u = their mix; reset 1/2 on u, keep 1/4, candidate relu(v_1 + u/2, -v_1)."""
    cell = fusion(recurrent=True, gates=(0.0, math.log(1 / 3)))
    with torch.no_grad():
        cell.region.weight[0, 0] = cell.word.weight[0, 0] = 1.0
        cell.score.weight[0, 0] = 2.0
        cell.candidate.weight.copy_(torch.tensor([[1.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 0.0]]))
    region, words = torch.tensor([0.3, -0.7]), torch.tensor([[[0.5, 1.0], [-0.2, 2.0]]])
    first, second = (math.exp(2 * math.tanh(0.3 + word)) for word in (0.5, -0.2))
    heard = (first * 0.5 - second * 0.2) / (first + second)
    expected = [0.25 * 0.3 + 0.75 * (0.3 + heard / 2), 0.25 * -0.7 + 0.75 * 0.0]
    found = cell(region.view(1, 2, 1, 1), words, torch.ones(1, 2, dtype=torch.bool))
    assert found.flatten().tolist() == pytest.approx(expected)


@pytest.mark.parametrize(("recurrent", "expected"), [(True, 3.0), (False, 5.0)])
def test_reset_closes_the_words_or_the_region(recurrent: bool, expected: float) -> None:
    """With the reset gate shut the candidate is the region's own (3), or the one word's (5)."""
    cell = fusion(recurrent)
    with torch.no_grad():
        cell.candidate.weight[0] = torch.tensor([1.0, 0.0, 1.0, 0.0])
    region, words = torch.tensor([3.0, 0.0]).view(1, 2, 1, 1), torch.tensor([[[5.0, 0.0]]])
    assert cell(region, words, torch.ones(1, 1, dtype=torch.bool)).flatten().tolist() == pytest.approx([expected, 0.0])


def test_an_open_keep_gate_keeps_the_region() -> None:
    cell, regions = fusion(recurrent=True, gates=(0.0, 100.0)), torch.randn(2, 2, 3, 4)
    nn.init.normal_(cell.candidate.weight)
    kept = cell(regions, torch.randn(2, 5, 2), torch.ones(2, 5, dtype=torch.bool))
    torch.testing.assert_close(kept, regions)


def test_fusion_ignores_padding_and_keeps_regions_apart() -> None:
    cell = AttentiveFusion(6, 4, recurrent=True)
    regions, words = torch.randn(2, 6, 3, 4), torch.randn(2, 5, 6)
    mask = torch.tensor([[True] * 5, [True, True, False, False, False]])
    other, moved = words.clone(), regions.clone()
    other[1, 2:] = 100.0
    moved[:, :, 1, 2] += 1.0
    before = cell(regions, words, mask)
    assert before.shape == regions.shape
    assert torch.equal(cell(regions, other, mask), before)
    torch.testing.assert_close(cell(regions[1:], words[1:, :2], mask[1:, :2]), before[1:])
    changed = (cell(moved, words, mask) - before).abs().amax(dim=(0, 1)) > 1e-6
    assert changed.nonzero().tolist() == [[1, 2]]


def test_all_steps_come_out_and_the_picture_is_one_of_them() -> None:
    model = tiny(steps=3)
    output = model(lightness(2), model.tokenize([SHORT, LONG]))
    assert output.steps.shape == (2, 3, 2, 16, 16)
    assert output.shares.shape == (2, 3)
    torch.testing.assert_close(output.shares.sum(dim=1), torch.ones(2))
    assert output.ab.abs().max() <= 1.0
    assert output.tokens.shape == (2, 7, 16)
    assert output.mask.sum(dim=1).tolist() == [3, 7]
    for row, step in enumerate(output.shares.argmax(dim=1)):
        assert torch.equal(output.ab[row], output.steps[row, step])
    assert not torch.allclose(output.steps[:, 0], output.steps[:, 1], atol=1e-5)


@pytest.mark.parametrize(("gate", "step"), [(50.0, 0), (-50.0, 2)])
def test_inference_takes_the_step_that_counts_most(gate: float, step: int) -> None:
    """A gate that always stops leaves the first step, one that never does the last."""
    model = tiny(steps=3)
    with torch.no_grad():
        model.decoder[-1].bias[2] = gate
    model.train()(lightness(4), model.tokenize([SHORT] * 4))  # running statistics, or every step is gray
    output = model.colorize(lightness(2), [SHORT, LONG])
    assert output.shares.argmax(dim=1).tolist() == [step, step]
    assert torch.equal(output.ab, output.steps[:, step])
    assert not torch.equal(output.ab, output.steps[:, 1])


def test_one_step_has_no_gate() -> None:
    model = tiny(steps=1)
    assert model.decoder[-1].out_channels == 2
    assert not model.fusion.recurrent
    output = model(lightness(2), model.tokenize([SHORT, LONG]))
    assert output.shares.tolist() == [[1.0], [1.0]]
    assert torch.equal(output.ab, output.steps[:, 0])
    several = tiny(steps=2)
    assert several.decoder[-1].out_channels == 3
    assert several.fusion.recurrent


def test_padding_changes_no_color() -> None:
    model, gray = tiny(), lightness(2)
    model.train()(gray, model.tokenize([SHORT, LONG]))
    beside = model.colorize(gray, [SHORT, LONG])
    for row, caption in enumerate((SHORT, LONG)):
        alone = model.colorize(gray[row : row + 1], [caption])
        torch.testing.assert_close(beside.ab[row : row + 1], alone.ab, rtol=0, atol=1e-5)


def test_caption_changes_the_colors() -> None:
    model, gray = tiny(), lightness().expand(2, -1, -1, -1)
    nn.init.normal_(model.fusion.candidate.weight)
    first, second = model(gray, model.tokenize([SHORT, "a blue bus"])).ab
    assert (first - second).abs().max() > 1e-2


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"model\.text_encoder\.hidden must be 8, twice model\.width, not 6"):
        tiny(hidden=6)
    with pytest.raises(ValueError, match=r"model\.steps .* at least 1, not 0"):
        tiny(steps=0)


@pytest.mark.parametrize(("steps", "count"), [(4, 2_339_939), (1, 2_339_939 - (9 * 32 + 1))])
def test_size_of_the_release(steps: int, count: int) -> None:
    """2.34 M without the words; one step has no channel for its gate, and more steps share their weights."""
    with torch.device("meta"):
        model = build_colorizer(model_config("system=lbie", f"model.steps={steps}"), weights=False)
    embeddings = model.text_encoder.embeddings.weight.numel()
    assert sum(p.numel() for p in model.parameters()) - embeddings == count


def test_size_of_the_discriminator() -> None:
    """4 x 4 kernels without biases, 3 -> 64 -> 128 -> 256 -> 512 -> 128 -> 1, three norms and one fusion."""
    objective = OmegaConf.to_container(composed("train", "system=lbie").objective, resolve=True)
    with torch.device("meta"):
        judge = build_objective(objective).discriminator
    kernels = 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512 * 128 + 128)
    cell = (128 * 128 + 128) + 128 * 128 + 128 + (256 * 256 + 256) + (256 * 128 + 128)
    assert sum(p.numel() for p in judge.parameters()) == kernels + 2 * (128 + 256 + 512) + cell == 3_939_712
    assert judge(
        *(torch.empty(1, *shape, device="meta") for shape in ((1, 224, 224), (2, 224, 224), (5, 128))),
        torch.ones(1, 5, dtype=torch.bool, device="meta"),
    ).shape == (1, 1, 25, 25)


def test_the_discriminator_hears_the_words_but_no_padding() -> None:
    judge = Discriminator(generator_width=2, attention=4).eval()
    tokens, mask = torch.randn(1, 3, 8), torch.tensor([[True, True, False]])
    gray, ab = lightness(size=64), torch.randn(1, 2, 64, 64)
    before = judge(gray, ab, tokens, mask)
    heard, padding = tokens.clone(), tokens.clone()
    heard[0, 1], padding[0, 2] = -heard[0, 1], 100.0
    assert (judge(gray, ab, heard, mask) - before).abs().max() > 1e-6
    assert torch.equal(judge(gray, ab, padding, mask), before)


def test_the_discriminator_sees_lightness_and_color() -> None:
    judge = Discriminator(generator_width=2, attention=4).eval()
    tokens, mask = torch.randn(1, 3, 8), torch.ones(1, 3, dtype=torch.bool)
    gray, ab = lightness(size=64), torch.randn(1, 2, 64, 64)
    before = judge(gray, ab, tokens, mask)
    assert (judge(-gray, ab, tokens, mask) - before).abs().max() > 1e-6
    assert (judge(gray, ab.flip(1), tokens, mask) - before).abs().max() > 1e-6


class Stub(Discriminator):
    """Says of a picture the logit ``scale`` times its mean a, plus its lightness and its first word."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, lightness: Tensor, ab: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        assert mask.shape == tokens.shape[:2]
        logits = self.scale * ab[:, 0].mean(dim=(1, 2)) + lightness.mean(dim=(1, 2, 3)) + tokens[:, 0, 0]
        return logits[:, None, None, None].expand(-1, 1, 3, 3)


STEP_A = torch.tensor([[0.1, 0.4], [-0.3, 0.2]])  # a of two pictures after two steps; b is 0
SHARES = torch.tensor([[0.25, 0.75], [0.6, 0.4]])
TARGET_A, GRAY, WORD = (0.5, -0.5), (0.2, -0.4), (0.0, 0.7)


def stepped() -> tuple[SteppedColorization, Batch]:
    """Two flat pictures of two steps each, and what they should be."""
    steps = torch.zeros(2, 2, 2, 4, 4)
    steps[:, :, 0] = STEP_A[:, :, None, None]
    target, gray, tokens = torch.zeros(2, 2, 4, 4), torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 1)
    for row in range(2):
        target[row, 0], gray[row], tokens[row] = TARGET_A[row], GRAY[row], WORD[row]
    leaves = [value.clone().requires_grad_() for value in (steps, SHARES, tokens)]
    mask = torch.ones(2, 1, dtype=torch.bool)
    output = SteppedColorization(
        leaves[0][:, 0].float(), steps=leaves[0], shares=leaves[1], lightness=gray, tokens=leaves[2], mask=mask
    )
    return output, batch_of(target)


def log_sigmoid(logit: float) -> float:
    return -math.log1p(math.exp(-logit))


def logits(row: int) -> list[float]:
    return [2.0 * STEP_A[row, step].item() + GRAY[row] + WORD[row] for step in range(2)]


def test_the_generators_loss_by_hand() -> None:
    """sum_k p_k (l1 |ab_k - ab| - log D(fake_k)), mean over the pictures; half of the channels are right."""
    output, batch = stepped()
    losses = AdversarialObjective(Stub(), l1=100.0)(output, batch)
    l1 = adversarial = 0.0
    for row in range(2):
        for step, logit in enumerate(logits(row)):
            share = SHARES[row, step].item() / 2
            l1 += share * abs(STEP_A[row, step].item() - TARGET_A[row]) / 2
            adversarial -= share * log_sigmoid(logit)
    assert losses.terms["l1"].item() == pytest.approx(l1)
    assert losses.terms["adversarial"].item() == pytest.approx(adversarial)
    assert losses.total.item() == pytest.approx(100 * l1 + adversarial)
    assert losses.terms["steps"].item() == 1.5  # the second, the first
    assert not any(term.requires_grad for term in losses.terms.values())


def test_the_discriminators_loss_by_hand() -> None:
    """-log D(real) - sum_k p_k log(1 - D(fake_k)), mean over the pictures."""
    output, batch = stepped()
    losses = AdversarialObjective(Stub(), l1=100.0).discriminate(output, batch)
    real = -sum(log_sigmoid(2.0 * TARGET_A[row] + GRAY[row] + WORD[row]) for row in range(2)) / 2
    fake = -sum(SHARES[row, k].item() * log_sigmoid(-logits(row)[k]) for row in range(2) for k in range(2)) / 2
    assert losses.terms["discriminator_real"].item() == pytest.approx(real)
    assert losses.terms["discriminator_fake"].item() == pytest.approx(fake)
    assert losses.total.item() == pytest.approx(real + fake)


def test_the_discriminators_loss_trains_it_alone() -> None:
    output, batch = stepped()
    objective = AdversarialObjective(Stub(), l1=100.0)
    objective.discriminate(output, batch).total.backward()
    assert objective.discriminator.scale.grad is not None
    assert output.steps.grad is output.shares.grad is output.tokens.grad is None


def test_the_discriminator_tells_the_generator_which_colors_but_not_which_words() -> None:
    """Without L1 all that reaches the generator comes from the discriminator: colors and shares, and no words."""
    output, batch = stepped()
    AdversarialObjective(Stub(), l1=0.0)(output, batch).total.backward()
    assert output.steps.grad.any()
    assert output.shares.grad.any()
    assert output.tokens.grad is None
    assert (output.steps.grad[:, :, 0] < 0).all()  # more a looks more real to it


def test_the_whole_system_trains_every_part_by_the_generators_loss() -> None:
    model, objective = tiny(image_size=64), AdversarialObjective(Discriminator(4, 8), l1=100.0)
    gray = lightness(2, size=64)
    batch = batch_of(torch.rand(2, 2, 64, 64) - 0.5)
    words: Words = model.tokenize([SHORT, LONG])
    objective(model(gray, words), batch).total.backward()
    silent = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    assert silent == set()
