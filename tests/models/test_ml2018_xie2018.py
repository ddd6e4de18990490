"""ML2018 and Xie2018: modulation by the sentence, frozen trunks, what is classified, class weights and their file."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from shrunk import batch_of, model_config
from skimage.color import lab2rgb
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, max_pool2d, one_hot
from torchvision import models

from lcoins.data.types import VOID, Batch
from lcoins.models.backbones import pretrained
from lcoins.models.build import build_colorizer
from lcoins.models.colorizer import ClassifiedColorization
from lcoins.models.compared.ab_bins import boosted_weights
from lcoins.models.compared.bilstm import BiLSTMEncoder
from lcoins.models.compared.film import FiLM
from lcoins.models.compared.ml2018 import ML2018
from lcoins.models.compared.trunks import GridTrunk, ResnetTrunk, VggTrunk, gray_picture
from lcoins.models.compared.xie2018 import AttendedFiLM, Xie2018
from lcoins.training.compared_losses import ClassificationObjective, read_prior, soft_class_loss

VOCABULARY = ["a", "red", "blue", "car", "bus"]
ONE, OTHER = "a red car", "a blue bus"
RED, BLUE = (60.0, 40.0), (20.0, -60.0)


def trunk(freeze: bool = True) -> GridTrunk:
    return GridTrunk("test_efficientnet", 1, (2, 3), "none", freeze)


def text() -> BiLSTMEncoder:
    """Words that are loud."""
    result = BiLSTMEncoder(VOCABULARY, 20, dim=8, hidden=8, dropout=0.0, init="none")
    nn.init.normal_(result.embeddings.weight, std=3.0)
    return result


def ml2018() -> ML2018:
    return ML2018(trunk(), text(), image_size=32, blocks=2)


def xie2018(segmentation_classes: int = 5, freeze: bool = False) -> Xie2018:
    return Xie2018(trunk(freeze), text(), image_size=32, width=16, segmentation_classes=segmentation_classes)


SYSTEMS = {"ml2018": (ml2018, 625), "xie2018": (xie2018, 313)}


def lightness(count: int = 1) -> Tensor:
    return torch.rand(count, 1, 32, 32) * 2 - 1


def test_film_by_hand() -> None:
    film = FiLM(1, 2)
    with torch.no_grad():
        film.heads.weight.copy_(torch.tensor([[1.0], [-1.0], [0.5], [2.0]]))
    x, sentence = torch.tensor([1.0, 10.0]).view(1, 2, 1, 1), torch.tensor([[3.0]])
    assert film(x, sentence).flatten().tolist() == [1.0 * (1 + 3) + 1.5, 10.0 * (1 - 3) + 6.0]


def test_film_is_the_identity_by_its_bias_alone() -> None:
    film, x = FiLM(4, 6), torch.randn(2, 6, 3, 5)
    assert torch.equal(film(x, torch.zeros(2, 4)), x)
    assert not torch.allclose(film(x, torch.randn(2, 4)), x, atol=1e-3)


def test_attention_over_the_picture_has_mean_one() -> None:
    film, x, sentence = AttendedFiLM(4, 6), torch.randn(3, 6, 4, 5), torch.randn(3, 4)
    weights = film(x, sentence) / film.film(x, sentence)
    torch.testing.assert_close(weights.mean(dim=(2, 3)), torch.ones(3, 6), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(weights, weights[:, :1].expand_as(weights), rtol=1e-3, atol=1e-4)  # one for all channels
    assert weights.std(dim=(2, 3)).min() > 1e-3


def test_attention_depends_on_the_sentence() -> None:
    film, x = AttendedFiLM(4, 6), torch.randn(1, 6, 4, 5)
    nn.init.zeros_(film.film.heads.weight)  # so that the attention is all that hears it
    first, second = (film(x, torch.randn(1, 4)) for _ in range(2))
    assert not torch.allclose(first, second, atol=1e-3)
    nn.init.zeros_(film.score.weight)
    torch.testing.assert_close(film(x, torch.randn(1, 4)), x)


@pytest.mark.parametrize("system", SYSTEMS)
def test_logits_at_a_quarter_and_colors_of_image_size(system: str) -> None:
    build, bins = SYSTEMS[system]
    model = build()
    assert model.factor == 4
    output = model.colorize(lightness(2), [ONE, ""])
    assert output.logits.shape == (2, bins, 8, 8)
    assert output.ab.shape == (2, 2, 32, 32)
    assert output.ab.isfinite().all()


@pytest.mark.parametrize(("system", "sharpness"), [("ml2018", 1.0), ("xie2018", 2.63)])
def test_colors_are_decoded_from_the_logits(system: str, sharpness: float) -> None:
    model = SYSTEMS[system][0]()
    output = model(lightness(2), model.tokenize([ONE, OTHER]))
    shares = torch.softmax(sharpness * output.logits, dim=1)
    expected = torch.einsum("bkhw,kc->bchw", shares, model.grid.bins) / 110
    enlarged = nn.functional.interpolate(expected, scale_factor=4, mode="bicubic", align_corners=False)
    torch.testing.assert_close(output.ab, enlarged, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("system", SYSTEMS)
def test_another_sentence_gives_other_colors(system: str) -> None:
    model, gray = SYSTEMS[system][0](), lightness().expand(3, -1, -1, -1)
    one, other, same = model(gray, model.tokenize([ONE, OTHER, ONE])).logits
    assert (one - other).abs().max() > 1e-2
    torch.testing.assert_close(one, same)


@pytest.mark.parametrize("place", range(4))
def test_each_of_the_four_modulations_brings_the_sentence(place: int) -> None:
    model, gray = xie2018(), lightness().expand(2, -1, -1, -1)
    for other, film in enumerate(model.film):
        if other != place:
            for name, parameter in film.named_parameters():
                if name in ("heads.weight", "film.heads.weight", "sentence.weight"):
                    nn.init.zeros_(parameter)
    one, other = model(gray, model.tokenize([ONE, OTHER])).logits
    assert (one - other).abs().max() > 1e-3


@pytest.mark.parametrize("system", SYSTEMS)
def test_padding_changes_no_color(system: str) -> None:
    model, gray = SYSTEMS[system][0]().eval(), lightness(2)
    long = "a red car a blue bus a blue car"
    beside = model(gray, model.tokenize([ONE, long])).logits
    for row, caption in enumerate((ONE, long)):
        alone = model(gray[row : row + 1], model.tokenize([caption])).logits
        torch.testing.assert_close(beside[row : row + 1], alone, rtol=1e-4, atol=1e-5)


def test_segmentation_is_for_training() -> None:
    model, gray = xie2018(segmentation_classes=5), lightness(2)
    words = model.tokenize([ONE, OTHER])
    assert model.train()(gray, words).segmentation.shape == (2, 5, 8, 8)
    assert model.eval()(gray, words).segmentation is None
    without = xie2018(segmentation_classes=0)
    assert without.segmentation is None
    assert without.train()(gray, words).segmentation is None


@pytest.mark.parametrize(
    "build",
    [lambda: trunk(freeze=True), lambda: VggTrunk("none", True, freeze=True), lambda: ResnetTrunk("none")],
    ids=["grid", "vgg", "resnet"],
)
def test_a_frozen_trunk_stays_in_evaluation_mode(build: Any) -> None:
    """From the beginning, for Lightning keeps the modes that it finds; and nothing of it is trained."""
    with torch.device("meta"):  # the published nets are large
        frozen = build()
    assert not any(module.training for module in frozen.modules())
    assert not any(module.training for module in frozen.train().modules())
    assert not any(p.requires_grad for p in frozen.parameters())


def test_a_trunk_that_is_trained_follows_the_mode() -> None:
    free = trunk(freeze=False)
    assert all(module.training for module in free.modules())
    assert not any(module.training for module in free.eval().modules())
    assert all(p.requires_grad for p in free.parameters())


def test_frozen_features_keep_their_statistics_and_get_no_gradient() -> None:
    model = ml2018()
    before = {name: value.clone() for name, value in model.trunk.state_dict().items()}
    model(lightness(2), model.tokenize([ONE, OTHER])).logits.square().sum().backward()
    assert all(torch.equal(value, before[name]) for name, value in model.trunk.state_dict().items())
    assert all(p.grad is None for p in model.trunk.parameters())
    assert all(p.grad is not None for part in (model.blocks, model.head, model.text_encoder) for p in part.parameters())


def test_a_trained_trunk_gets_gradients() -> None:
    model = xie2018(freeze=False)
    model(lightness(2), model.tokenize([ONE, OTHER])).logits.square().sum().backward()
    assert model.trunk.backbone.conv_stem.weight.grad.any()


def test_trunks_give_maps_at_strides_4_and_8() -> None:
    with torch.device("meta"):
        for build in (lambda: VggTrunk("none", picture=True), lambda: ResnetTrunk("none")):
            net = build()
            low, high = net(torch.empty(1, 1, 224, 224))
            assert low.shape == (1, net.channels[0], 56, 56)
            assert high.shape == (1, net.channels[1], 28, 28)
            assert net.channels == (256, 512)
    grid = trunk()
    low, high = grid(lightness(2))
    assert (low.shape, high.shape) == ((2, grid.channels[0], 8, 8), (2, grid.channels[1], 4, 4))


def test_vgg_is_cut_behind_the_activations_of_conv3_3_and_conv4_3() -> None:
    with torch.device("meta"):
        net = VggTrunk("none", picture=True)
    kinds = [[type(layer).__name__ for layer in part] for part in (net.low, net.high)]
    block = ["Conv2d", "BatchNorm2d", "ReLU"]
    assert kinds[0] == [*block * 2, "MaxPool2d", *block * 2, "MaxPool2d", *block * 3]
    assert kinds[1] == ["MaxPool2d", *block * 3]


def test_stages_of_other_strides_are_refused() -> None:
    with pytest.raises(ValueError, match="strides 4 and 8, not 8 and 16; choose other stages of test_efficientnet"):
        GridTrunk("test_efficientnet", 2, (3, 4), "none", freeze=True)


def test_gray_picture_is_srgb_of_lightness_alone() -> None:
    level = np.linspace(0, 100, 64, dtype=np.float32).reshape(8, 8)
    expected = lab2rgb(np.stack([level, np.zeros_like(level), np.zeros_like(level)], axis=-1))
    found = gray_picture(torch.from_numpy(level)[None, None] / 50 - 1)[0]
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # of ImageNet
    np.testing.assert_allclose(found.permute(1, 2, 0), (expected - mean) / deviation, atol=2e-3)


@pytest.mark.parametrize("picture", [True, False])
def test_vgg_sees_a_picture_or_the_lightness_three_times(monkeypatch: pytest.MonkeyPatch, picture: bool) -> None:
    class Net:
        features = nn.Sequential(*[nn.Identity()] * 23, nn.MaxPool2d(2), *[nn.Identity()] * 20)

    monkeypatch.setattr(models, "vgg16_bn", lambda weights: Net())
    gray = lightness()
    low, high = VggTrunk("none", picture)(gray)
    assert torch.equal(low, gray_picture(gray) if picture else torch.cat([gray] * 3, dim=1))
    assert torch.equal(high, max_pool2d(low, 2))


def test_published_weights_are_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def unreachable(weights: str | None) -> nn.Module:
        asked.append(str(weights))
        raise URLError("no network")

    monkeypatch.setattr(models, "resnet101", unreachable)
    with pytest.raises(pretrained.MissingWeightsError, match=r"'resnet101', .* model\.trunk\.init=FILE, .*init=none"):
        ResnetTrunk("imagenet")
    assert asked == ["IMAGENET1K_V1"]


def test_trunk_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every tensor of the classifier must be there, and no other."""
    monkeypatch.setattr(models, "resnet101", lambda weights: nn.Linear(2, 3))
    published = nn.Linear(2, 3).state_dict()
    torch.save(published, tmp_path / "net.pth")
    loaded = pretrained.torchvision_net("resnet101", str(tmp_path / "net.pth")).state_dict()
    assert all(torch.equal(value, published[name]) for name, value in loaded.items())
    torch.save({"weight": published["weight"]}, tmp_path / "net.pth")
    with pytest.raises(ValueError, match=r"net\.pth does not fit this model: 1 tensors missing \['bias'\]"):
        pretrained.torchvision_net("resnet101", str(tmp_path / "net.pth"))


def classified(logits: Tensor, segmentation: Tensor | None = None) -> ClassifiedColorization:
    side = 4 * logits.shape[-1]
    return ClassifiedColorization(torch.zeros(len(logits), 2, side, side), logits=logits, segmentation=segmentation)


def flat(*colors: tuple[float, float]) -> Batch:
    """Pictures of 4 pixels a side, one CIELAB color each."""
    return batch_of((torch.tensor(colors) / 110)[:, :, None, None].repeat(1, 1, 4, 4))


def objective(soft: bool, **changes: Any) -> ClassificationObjective:
    grid = "gamut" if soft else "square"
    settings: dict[str, Any] = {"uniform": 0.5, "color_weight": 1.0, "segmentation_weight": 0.0}
    return ClassificationObjective(grid, soft, **settings | changes)


def prior_file(folder: Path, own: ClassificationObjective, labels: list[int] | None = None, **content: Any) -> Path:
    """Three reds for each blue."""
    counts = [0] * len(own.grid)
    red, blue = (own.grid.nearest(torch.tensor(color).view(1, 2, 1, 1)).item() for color in (RED, BLUE))
    counts[red], counts[blue] = 30, 10
    path = folder / "prior.json"
    path.write_text(json.dumps({"ab": counts, "labels": labels or []} | content), encoding="utf-8")
    return path


@pytest.mark.parametrize("soft", [False, True])
def test_without_a_prior_all_colors_weigh_the_same(soft: bool) -> None:
    """Even logits cost log K whatever the color."""
    own = objective(soft)
    losses = own(classified(torch.zeros(2, len(own.grid), 1, 1)), flat(RED, BLUE))
    assert losses.total.item() == pytest.approx(torch.tensor(float(len(own.grid))).log().item())


def test_hard_loss_is_pytorchs_weighted_mean(tmp_path: Path) -> None:
    """With the prior 3 to 1 weights are (8/5, 8/3) * 15/28: an error on blue costs 5/3 of one on red."""
    own = objective(soft=False)
    own = objective(soft=False, prior=prior_file(tmp_path, own))
    logits = torch.randn(2, 625, 1, 1)
    red, blue = (25 * (a + 120) // 10 + (b + 120) // 10 for a, b in ((60, 40), (20, -60)))
    errors = -torch.log_softmax(logits, dim=1)[torch.arange(2), [red, blue], 0, 0]
    expected = (3 * errors[0] + 5 * errors[1]) / 8
    assert own(classified(logits), flat(RED, BLUE)).total.item() == pytest.approx(expected.item(), rel=1e-5)
    weights = boosted_weights([30 * (k == red) + 10 * (k == blue) for k in range(625)])
    judge = cross_entropy(logits[:, :, 0, 0], torch.tensor([red, blue]), weights)
    assert judge.item() == pytest.approx(expected.item(), rel=1e-5)


def test_soft_loss_multiplies_each_pixel_by_the_weight_of_its_bin(tmp_path: Path) -> None:
    own = objective(soft=True)
    own = objective(soft=True, prior=prior_file(tmp_path, own))
    logits, batch = torch.randn(2, 313, 1, 1), flat(RED, BLUE)
    shares = own.grid.soft(torch.tensor([RED, BLUE])[:, :, None, None])
    errors = -(shares * torch.log_softmax(logits, dim=1)).sum(dim=1).flatten()
    expected = (8 / 5 * errors[0] + 8 / 3 * errors[1]) * 15 / 28 / 2
    assert own(classified(logits), batch).total.item() == pytest.approx(expected.item(), rel=1e-4)


@given(st.integers(0, 2**32))
def test_soft_loss_of_hard_labels_is_cross_entropy(seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 6, 3, 3, generator=random)
    bins, weights = torch.randint(6, (2, 3, 3), generator=random), torch.rand(6, generator=random)
    found = soft_class_loss(logits, one_hot(bins, 6).permute(0, 3, 1, 2).float(), weights[bins])
    judge = cross_entropy(logits, bins, weights, reduction="none").mean()
    torch.testing.assert_close(found, judge)


def test_hard_labels_take_every_fourth_pixel_and_soft_ones_the_mean_of_all() -> None:
    ab = torch.zeros(1, 2, 8, 8)
    ab[0, 0, 0, 4] = 0.8  # the first pixel of the second block
    assert objective(soft=False).target_ab(ab, 4)[0, 0].tolist() == [[0.0, pytest.approx(0.8)], [0.0, 0.0]]
    assert objective(soft=True).target_ab(ab, 4)[0, 0].tolist() == [[0.0, pytest.approx(0.8 / 16)], [0.0, 0.0]]


def test_counts_are_those_of_bins_and_labels() -> None:
    own = objective(soft=False)
    ab = 110 * torch.cat([flat(RED).ab, flat(BLUE).ab, flat(BLUE).ab], dim=2).transpose(2, 3).repeat(1, 1, 3, 1)
    labels = torch.tensor([[[0, 0, 254], [7, VOID, VOID]]], dtype=torch.uint8)
    counts = own.count(ab, labels, factor=4)
    assert {place: counts["ab"][place].item() for place in counts["ab"].nonzero().flatten().tolist()} == {
        25 * 18 + 16: 3,
        25 * 14 + 6: 6,
    }
    assert len(counts["ab"]) == 625
    assert len(counts["labels"]) == 255
    assert counts["labels"].nonzero().flatten().tolist() == [0, 7, 254]
    assert counts["labels"].sum().item() == 4
    assert set(own.count(ab, None, factor=4)) == {"ab"}


def labeled(labels: Tensor) -> Batch:
    return replace(batch_of(torch.zeros(len(labels), 2, 8, 8)), labels=labels.to(torch.uint8))


def segmented(labels: Tensor | None, logits: Tensor, **changes: Any) -> Any:
    """The losses of a picture of 8 pixels a side, whose labels are asked for at 2 by 2."""
    own = objective(soft=True, segmentation_weight=1.0, **changes)
    batch = batch_of(torch.zeros(len(logits), 2, 8, 8)) if labels is None else labeled(labels)
    return own(classified(torch.zeros(len(logits), 313, 2, 2), logits), batch)


def test_labels_are_cross_entropy_without_the_unknown() -> None:
    """Every fourth label; two of the four are known."""
    labels = torch.full((1, 8, 8), 1)
    labels[0, 0, 0], labels[0, 0, 4], labels[0, 4, 0], labels[0, 4, 4] = 2, VOID, 0, VOID
    logits = torch.randn(1, 3, 2, 2)
    errors = -torch.log_softmax(logits, dim=1)
    expected = (errors[0, 2, 0, 0] + errors[0, 0, 1, 0]) / 2
    assert segmented(labels, logits).terms["segmentation"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_rare_label_weighs_more(tmp_path: Path) -> None:
    """Counts of 3 to 1: weights 3 to 5 as for colors."""
    labels = torch.zeros(1, 8, 8)
    labels[0, 4:] = 1
    logits = torch.randn(1, 3, 2, 2)
    path = prior_file(tmp_path, objective(soft=True), labels=[30, 10] + [0] * 253)
    errors = -torch.log_softmax(logits, dim=1)
    expected = (3 * errors[0, 0, 0].sum() + 5 * errors[0, 1, 1].sum()) / 16
    assert segmented(labels, logits, prior=path).terms["segmentation"].item() == pytest.approx(
        expected.item(), rel=1e-5
    )


def test_the_total_weighs_colors_and_labels() -> None:
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    own = ClassificationObjective("gamut", True, 0.5, color_weight=2.0, segmentation_weight=3.0)
    losses = own(classified(torch.zeros(1, 313, 2, 2), logits), labeled(torch.ones(1, 8, 8)))
    terms = {name: value.item() for name, value in losses.terms.items()}
    assert losses.total.item() == pytest.approx(2 * terms["color_classes"] + 3 * terms["segmentation"])
    assert terms["chromatic"] == 0.0
    assert not any(value.requires_grad for value in losses.terms.values())
    losses.total.backward()
    assert logits.grad.any()


def test_pictures_of_unknown_labels_cost_nothing() -> None:
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    losses = segmented(torch.full((1, 8, 8), VOID), logits)
    assert losses.terms["segmentation"].item() == 0.0
    losses.total.backward()
    assert logits.grad is not None
    assert not logits.grad.any()
    assert "segmentation" not in segmented(None, torch.randn(1, 3, 2, 2)).terms


def test_labels_beyond_the_classes_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"hold class 3, but the model tells 3 apart; .*segmentation_classes to at least 4"
    ):
        segmented(torch.full((1, 8, 8), 3), torch.randn(1, 3, 2, 2))


def test_a_batch_of_labels_that_the_prior_never_counted_has_no_loss(tmp_path: Path) -> None:
    """Their weights are 0, and the weighted mean of nothing would be no number; beside a counted one they are void."""
    path = prior_file(tmp_path, objective(soft=True), labels=[30, 10] + [0] * 253)
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    rare = torch.full((1, 2, 2), VOID, dtype=torch.uint8)
    rare[0, 0, 0] = 2
    losses = segmented(rare, logits, prior=path)
    assert losses.terms["segmentation"].item() == 0 and losses.total.isfinite()
    losses.total.backward()
    assert logits.grad is not None and not logits.grad.any()
    both = rare.clone()
    both[0, 1, 1] = 1
    expected = cross_entropy(logits[:, :, 1, 1], torch.tensor([1]))
    assert segmented(both, logits, prior=path).terms["segmentation"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_missing_prior_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no class counts at .*absent\.json; make them with lcoins prior"):
        objective(soft=True, prior=tmp_path / "absent.json")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "5", "{}", '{"ab": 5, "labels": []}', '{"ab": [1]}', '{"ab": ["many"], "labels": []}']
)
def test_a_prior_of_another_form_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "prior.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"prior\.json holds no class counts .* make it again with lcoins prior"):
        read_prior(path, 313)


def test_a_prior_of_another_grid_is_refused(tmp_path: Path) -> None:
    path = prior_file(tmp_path, objective(soft=False))
    with pytest.raises(ValueError, match="counts 625 bins of ab, but this model has 313; run lcoins prior"):
        objective(soft=True, prior=path)


def test_a_prior_without_any_color_is_refused(tmp_path: Path) -> None:
    """Else all colors would weigh the same, and nobody would know."""
    path = prior_file(tmp_path, objective(soft=True), ab=[0] * 313)
    with pytest.raises(ValueError, match="count the training set again with lcoins prior"):
        objective(soft=True, prior=path)


def test_sizes_of_the_releases() -> None:
    """Without the word embeddings; ResNet-101's first two stages are not trained."""
    with torch.device("meta"):
        models = {
            name: build_colorizer(model_config(f"system={name}"), weights=False) for name in ("ml2018", "xie2018")
        }
    counts = {}
    for name, model in models.items():
        words = model.text_encoder.embeddings.weight.numel()
        counts[name] = sum(p.numel() for p in model.parameters() if p.requires_grad) - words
    assert counts == {"ml2018": 14_058_609, "xie2018": 44_937_010}
    assert sum(p.numel() for p in models["ml2018"].parameters() if not p.requires_grad) == 1_444_928
    assert models["xie2018"].segmentation.join[-1].out_channels == 182
    parts = {name: sum(p.numel() for p in child.parameters()) for name, child in models["xie2018"].named_children()}
    assert round(parts["trunk"] / 1e6, 2) == 7.64
    assert round(parts["segmentation"] / 1e6, 2) == 4.67
    assert round(parts["film"] / 1e6, 2) == 4.10  # 3.15 of modulation, 0.95 of attention
    assert round((parts["text_encoder"] - 300) / 1e6, 2) == 3.33
    assert round(sum(parts[name] for name in ("entry", "body", "middle", "top", "head")) / 1e6, 2) == 25.19
