"""L-CoDe: attention that goes to the object and from there to its color, the gate, who trains whom, and its size."""

from typing import Any

import pytest
import torch
from shrunk import batch_of, model_config
from torch import Tensor, nn
from torch.nn.functional import batch_norm

from lcoins.models.build import build_colorizer
from lcoins.models.compared.bilstm import BiLSTMEncoder
from lcoins.models.compared.lcode import AttentionTransfer, GatedInjection, LCoDe
from lcoins.models.compared.trunks import GridTrunk
from lcoins.models.text_encoders import Words
from lcoins.training.compared_losses import CorrespondenceObjective, correspondence_loss

VOCABULARY = ["a", "red", "blue", "car", "bus", "and"]
CAPTION, PAIRS = "a red car and a blue bus", ((2, 1), (6, 5))
CAR, RED, BLUE = range(3)


def tiny(**changes: Any) -> LCoDe:
    """32 px, 4 x 4 places, eight words; without dropout, with batch statistics and words that are loud."""
    settings: dict[str, Any] = {"image_size": 32, "width": 16, "channels": (16, 12, 8, 8)}
    trunk = GridTrunk("test_efficientnet", 1, (2, 3), "none", freeze=False)
    text = BiLSTMEncoder(VOCABULARY, 8, dim=8, hidden=8, dropout=0.0, init="none", fixed_length=True)
    nn.init.normal_(text.embeddings.weight, std=3.0)
    return LCoDe(trunk, text, **settings | changes)


def lightness(count: int = 1) -> Tensor:
    return torch.rand(count, 1, 32, 32) * 2 - 1


def linked(*colors: int) -> Tensor:
    """P, which says that the car has these colors."""
    matrix = torch.zeros(1, 3, 3)
    matrix[0, CAR, list(colors)] = 1.0
    return matrix


def transferred(matrix: Tensor, mask: tuple[bool, ...] = (True, True, True)) -> tuple[Tensor, Tensor]:
    """What a place that likes the car, and it alone, reads: context (3,) and attention (3,)."""
    transfer = AttentionTransfer(3, 3)
    nn.init.eye_(transfer.objects.weight)
    nn.init.eye_(transfer.colors.weight)
    objects, place = torch.zeros(1, 3, 3), torch.tensor([[[10.0, 0.0, 0.0]]])
    objects[0, CAR, 0] = 10.0
    context, attention = transfer(place, objects, torch.eye(3)[None], matrix, torch.tensor([mask]))
    return context[0, 0], attention[0, 0]


@pytest.mark.parametrize("color", [RED, BLUE])
def test_a_place_that_likes_an_object_reads_the_color_linked_to_it(color: int) -> None:
    context, attention = transferred(linked(color))
    assert attention.argmax().item() == color
    torch.testing.assert_close(context, torch.eye(3)[color])


def test_an_object_of_two_colors_shares_its_attention() -> None:
    _, attention = transferred(linked(RED, BLUE))
    assert attention.tolist() == pytest.approx([0.0, 0.5, 0.5])


def test_without_a_link_the_liking_of_objects_tells_nothing() -> None:
    _, attention = transferred(linked())
    assert attention.tolist() == pytest.approx([1 / 3] * 3)


def test_padding_is_never_attended_to() -> None:
    for links, expected in (((RED, BLUE), [0.0, 1.0, 0.0]), ((), [0.5, 0.5, 0.0])):
        _, attention = transferred(linked(*links), mask=(True, True, False))
        assert attention.tolist() == pytest.approx(expected)


def injection(bias: float, weight: float = 0.0) -> GatedInjection:
    """In evaluation, over 2 words, with a gate that the salience of the first word moves by ``weight``."""
    result = GatedInjection(4, 2).eval()
    result.norm.running_mean.uniform_(-1, 1)
    result.norm.running_var.uniform_(0.5, 2)
    nn.init.constant_(result.gate.bias, bias)
    nn.init.zeros_(result.gate.weight)
    with torch.no_grad():
        result.gate.weight[0, 0] = weight
    return result


def normalized(layer: GatedInjection, x: Tensor) -> Tensor:
    return batch_norm(x, layer.norm.running_mean, layer.norm.running_var)


def test_a_closed_gate_keeps_the_words_out() -> None:
    closed, x = injection(bias=-100.0), torch.randn(1, 4, 2, 3)
    found = closed(x, 10 * torch.randn(1, 6, 4), torch.full((1, 6, 2), 0.5))
    torch.testing.assert_close(found, 2 * normalized(closed, x))


def test_an_open_gate_lets_the_words_in() -> None:
    opened, x, context = injection(bias=100.0), torch.randn(1, 4, 2, 3), torch.randn(1, 6, 4)
    found = opened(x, context, torch.full((1, 6, 2), 0.5))
    normal = normalized(opened, x)
    gamma, beta = (f(context).transpose(1, 2).view(1, 4, 2, 3) for f in (opened.gamma, opened.beta))
    torch.testing.assert_close(found, normal * gamma + beta + normal)


def test_the_gate_opens_where_a_word_stands_out() -> None:
    """Attention of 1 at one place of six and 0 elsewhere: 6 e / (e + 5) - 1 there, 6 / (e + 5) - 1 elsewhere."""
    attention = torch.zeros(1, 6, 2)
    attention[0, 4, 0], attention[0, :, 1] = 1.0, 0.5
    layer, x = injection(bias=0.0, weight=1.0), torch.randn(1, 4, 2, 3)
    nn.init.zeros_(layer.gamma.weight)
    nn.init.zeros_(layer.beta.weight)
    nn.init.zeros_(layer.gamma.bias)
    nn.init.ones_(layer.beta.bias)  # so that X (1 - G) + G + X comes out
    normal = normalized(layer, x)
    gate = ((layer(x, torch.zeros(1, 6, 4), attention) - 2 * normal) / (1 - normal))[0, 0].flatten()
    e = torch.tensor(1.0).exp()
    expected = torch.sigmoid(torch.where(torch.arange(6) == 4, 6 * e / (e + 5) - 1, 6 / (e + 5) - 1))
    torch.testing.assert_close(gate, expected, rtol=1e-3, atol=1e-4)


def test_the_gate_does_not_train_the_attention() -> None:
    layer, attention = injection(bias=0.0, weight=1.0), torch.rand(1, 6, 2, requires_grad=True)
    context = torch.randn(1, 6, 4, requires_grad=True)
    layer(torch.randn(1, 4, 2, 3), context, attention).square().sum().backward()
    assert attention.grad is None
    assert context.grad is not None
    assert layer.gate.weight.grad is not None


def trained(model: nn.Module) -> set[str]:
    """The parameters that have a gradient other than 0."""
    return {name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}


def test_the_pairs_train_the_correspondence_alone() -> None:
    model = tiny()
    nn.init.normal_(model.correspondence.weight)  # at its start, 0, nothing would pass it anyway
    output = model(lightness(), model.tokenize([CAPTION]))
    target = torch.zeros_like(output.correspondence)
    target[0, 2, 1] = target[0, 6, 5] = 1.0
    correspondence_loss(output.correspondence, target, torch.ones_like(target, dtype=torch.bool), 5.0).backward()
    assert trained(model) == {"correspondence.weight"}


def test_the_colors_train_the_correspondence_too() -> None:
    model = tiny()
    model(lightness(), model.tokenize([CAPTION])).ab.square().sum().backward()
    found = trained(model)
    assert "correspondence.weight" in found
    parts = {"text_encoder", "objects", "colors", "entry", "transfer", "injection", "decoder", "trunk"}
    assert {name.partition(".")[0] for name in found} == parts | {"correspondence"}


def test_objective_is_smooth_l1_and_a_tenth_of_the_pairs() -> None:
    """Untrained scores are 0, so every pair costs log 2, and the two of the 49 that belong together 6 times that."""
    model = tiny().eval()
    output = model(lightness(), model.tokenize([CAPTION]))
    batch = batch_of(output.ab.detach() + 0.5)
    batch.pairs = [PAIRS]
    losses = CorrespondenceObjective(0.1, 5.0)(output, batch)
    pairs = torch.tensor(2.0).log().item() * (47 + 2 * 6) / 49
    assert losses.terms["correspondence"].item() == pytest.approx(pairs)
    assert losses.terms["chromatic"].item() == pytest.approx(0.5 * 0.5**2)
    assert losses.total.item() == pytest.approx(0.125 + 0.1 * pairs)
    batch.pairs = [None]
    assert CorrespondenceObjective(0.1, 5.0)(output, batch).total.item() == pytest.approx(0.125)


@pytest.mark.parametrize("values", [(-0.1, 5.0), (0.1, -5.0)])
def test_negative_weights_are_refused(values: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=f"at least 0, not {values[0]} and {values[1]}"):
        CorrespondenceObjective(*values)


def test_colors_of_image_size_in_range() -> None:
    model = tiny().eval()
    output = model(lightness(2), model.tokenize([CAPTION, ""]))
    assert output.ab.shape == (2, 2, 32, 32)
    assert output.ab.abs().max() <= 1.0
    assert output.correspondence.shape == (2, 8, 8)  # of all words, padding too
    assert output.ab.isfinite().all()


def test_caption_changes_the_colors() -> None:
    model, gray = tiny(), lightness().expand(2, -1, -1, -1)
    first, second = model(gray, model.tokenize([CAPTION, "a blue car and a red bus"])).ab
    assert (first - second).abs().max() > 1e-2


def test_what_stands_at_padding_changes_nothing() -> None:
    model, gray = tiny(), lightness()
    words = model.tokenize(["a red car"])
    other = Words(torch.where(words.mask, words.ids, 5), words.mask, words.word_indices)
    assert not torch.equal(words.ids, other.ids)
    first, second = model(gray, words), model(gray, other)
    assert torch.equal(first.ab, second.ab)
    assert torch.equal(first.correspondence, second.correspondence)


def test_other_links_give_other_colors() -> None:
    """U moves the colors through the attention, with the same picture and caption."""
    model, gray = tiny(), lightness()
    words = model.tokenize([CAPTION])
    before = model(gray, words).ab
    nn.init.normal_(model.correspondence.weight, std=3.0)
    assert (model(gray, words).ab - before).abs().max() > 1e-4


def test_size_of_the_release() -> None:
    """19.10 M without the words: 17.17 M in the generator and 1.93 M in the text; 300 is the row of unknown words."""
    with torch.device("meta"):
        model = build_colorizer(model_config("system=lcode"), weights=False)
    counts = {name: sum(p.numel() for p in child.parameters()) for name, child in model.named_children()}
    text = sum(counts.pop(name) for name in ("text_encoder", "objects", "colors", "correspondence")) - 300
    assert text == 2 * 4 * 256 * (300 + 256 + 2) + 2 * (512 * 512 + 512) + 512 * 513 == 1_930_752
    assert counts == {
        "entry": 2_360_832,
        "transfer": 2 * 512**2,
        "injection": 2 * (512 * 512 + 512) + 16,
        "decoder": 6_116_034,
        "trunk": 7_640_640,
    }
    assert text + sum(counts.values()) == 19_097_874
