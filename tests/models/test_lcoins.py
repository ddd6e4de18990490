"""The whole model: what comes out, padding, empty and long captions, the second pass, and every ablation."""

from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf
from shrunk import batch_of
from torch import Tensor

from lcoins.cli.hydra_commands import conf_folder
from lcoins.color.lab import split_lab, to_network_ab, to_network_lightness
from lcoins.data.augment import Draws
from lcoins.models.build import build_colorizer
from lcoins.models.colorizer import CounterColorization
from lcoins.models.lcoins import LCoIns

SHORT, LONG = "a red car", "a man in a blue coat beside a woman in a red coat near a green bus"
ABLATIONS = ("full", "no_ge", "no_ga", "no_la", "no_cl")


def composed(*overrides: str) -> dict[str, Any]:
    """Model, objective and augmentation of a training run with system=lcoins_tiny."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        cfg = compose("train", overrides=["system=lcoins_tiny", *overrides])
    return {key: OmegaConf.to_container(cfg[key], resolve=True) for key in ("model", "objective", "augmentation")}


def tiny(*overrides: str) -> LCoIns:
    return build_colorizer(composed(*overrides)["model"], weights=False)


@pytest.fixture(scope="module")
def model() -> LCoIns:
    torch.manual_seed(0)
    return tiny().eval()


def lightness(model: LCoIns, count: int) -> Tensor:
    return torch.rand(count, 1, model.image_size, model.image_size) * 2 - 1


def test_colors_of_image_size_in_range(model: LCoIns) -> None:
    output = model.colorize(lightness(model, 2), [SHORT, LONG])
    assert output.ab.shape == (2, 2, model.image_size, model.image_size)
    assert output.ab.abs().max() <= 1.0
    assert output.assignment is not None
    assert output.assignment.shape == (2, model.transformer.n_groups, model.image_encoder.grid**2)
    assert torch.equal(output.assignment.sum(dim=1), torch.ones(2, model.image_encoder.grid**2))
    assert not isinstance(output, CounterColorization)


def test_colorize_restores_the_mode_and_keeps_no_graph(model: LCoIns) -> None:
    try:
        model.train()
        output = model.colorize(lightness(model, 1), [SHORT])
        assert model.training
        assert model.transformer.training
        assert not output.ab.requires_grad
    finally:
        model.eval()


def test_caption_changes_the_colors(model: LCoIns) -> None:
    gray = lightness(model, 1).expand(2, -1, -1, -1)
    first, second = model.colorize(gray, [SHORT, "a blue boat"]).ab
    assert (first - second).abs().max() > 1e-4


def test_padding_changes_no_color(model: LCoIns) -> None:
    """A caption beside a longer one is padded; alone it is not."""
    gray = lightness(model, 2)
    beside = model.colorize(gray, [SHORT, LONG])
    for row, caption in enumerate((SHORT, LONG)):
        alone = model.colorize(gray[row : row + 1], [caption])
        torch.testing.assert_close(beside.ab[row : row + 1], alone.ab, rtol=0, atol=1e-5)


@pytest.mark.parametrize("ablation", ["full", "no_ga", "no_ge"])
def test_recolored_caption_changes_no_color(ablation: str) -> None:
    """The second pass pads the first when its caption is longer, and has its own relevance."""
    model = tiny(f"ablation={ablation}").eval()
    gray, words = lightness(model, 1), model.tokenize([SHORT])
    with torch.no_grad():
        for other in (LONG, "a car"):
            output = model(gray, words, model.tokenize([other]))
            torch.testing.assert_close(output.ab, model(gray, words).ab, rtol=0, atol=1e-5)
            longest = max(len(SHORT.split()), len(other.split()))
            assert output.relevance.words.shape[1] == output.counter_relevance.words.shape[1] == longest
            assert output.relevance.mask.sum() == len(SHORT.split())
            assert output.counter_relevance.mask.sum() == len(other.split())
            assert not torch.equal(output.relevance.groups, output.counter_relevance.groups)


def test_second_pass_equals_a_pass_of_its_own(model: LCoIns) -> None:
    gray, words, others = lightness(model, 1), model.tokenize([SHORT]), model.tokenize(["a blue car"])
    with torch.no_grad():
        there, back = model(gray, words, others), model(gray, others, words)
    for one, other in ((there.relevance, back.counter_relevance), (there.counter_relevance, back.relevance)):
        torch.testing.assert_close(one.words, other.words, rtol=0, atol=1e-5)
        torch.testing.assert_close(one.groups, other.groups, rtol=0, atol=1e-5)


def test_captions_about_one_crop_share_its_image_tokens(model: LCoIns) -> None:
    """And each gives what it gives alone; an image encoder that saw all three would cost three times as much."""
    crops, words = lightness(model, 2), model.tokenize([SHORT, "a green car", LONG])
    seen: list[int] = []
    hook = model.image_encoder.register_forward_hook(lambda _, inputs, output: seen.append(len(inputs[0])))
    shared = model(crops, words, crop=torch.tensor([0, 0, 1])).ab
    hook.remove()
    assert seen == [2]
    torch.testing.assert_close(shared, model(crops[[0, 0, 1]], words).ab)


def test_without_pad_mask_captions_have_a_fixed_length() -> None:
    """As in the authors' code: 80 word pieces, whatever the caption."""
    model = tiny("model.text_encoder.pad_mask=false").eval()
    gray = lightness(model, 2)
    words = model.tokenize([SHORT, LONG])
    assert words.ids.shape == (2, 80)
    beside, alone = model.colorize(gray, [SHORT, LONG]).ab, model.colorize(gray[:1], [SHORT]).ab
    torch.testing.assert_close(beside[:1], alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("captions", [["", ""], ["", LONG], ["a red car and " * 100, ""]], ids=["empty", "one", "long"])
def test_empty_and_long_captions(model: LCoIns, captions: list[str]) -> None:
    assert model.colorize(lightness(model, 2), captions).ab.isfinite().all()


def test_empty_captions_train() -> None:
    model = tiny().train()
    words = model.tokenize(["", ""])
    output = model(lightness(model, 2), words, words)
    (output.ab.square().mean() + output.relevance.groups.mean() + output.relevance.words.mean()).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("ablation", ABLATIONS)
def test_every_trainable_parameter_gets_a_gradient(ablation: str) -> None:
    config = composed(f"ablation={ablation}")
    model = build_colorizer(config["model"], weights=False).train()
    objective, augmentation = instantiate(config["objective"]), instantiate(config["augmentation"])
    rgb = torch.rand(2, 3, model.image_size, model.image_size)
    target = to_network_ab(split_lab(rgb)[1])
    gray = to_network_lightness(augmentation(rgb, Draws(range(len(rgb)))))
    words, recolored = model.tokenize([SHORT, LONG]), model.tokenize(["a blue car", LONG.replace("blue", "gray")])
    output = model(gray, words, recolored if objective.needs_recolored else None)
    losses = objective(output, batch_of(target))
    losses.total.backward()
    without = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert without == []
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
    assert any(p.grad.any() for p in model.transformer.parameters() if p.grad is not None)
    assert all(p.grad is None for p in model.parameters() if not p.requires_grad)
    assert ("counter_color" in losses.terms) == (ablation != "no_cl")


def test_ablations_are_what_the_paper_says() -> None:
    configs = {name: composed(f"ablation={name}") for name in ABLATIONS}
    models = {name: build_colorizer(config["model"], weights=False) for name, config in configs.items()}
    attention = {name: type(m.transformer.blocks[0].attention).__name__ for name, m in models.items()}
    assert attention == {
        "full": "GroupingAttention",
        "no_ge": "JointAttention",
        "no_ga": "JointAttention",
        "no_la": "GroupingAttention",
        "no_cl": "GroupingAttention",
    }
    assert [name for name, m in models.items() if m.transformer.n_groups == 0] == ["no_ge"]
    assert [name for name, m in models.items() if m.grouping_layer is None] == ["no_ge", "no_cl"]
    assert [name for name, m in models.items() if m.shared_space is None] == ["no_cl"]
    assert [name for name, config in configs.items() if config["objective"]["beta"] == 0.0] == ["no_cl"]
    assert [name for name, config in configs.items() if config["augmentation"]["hue"] == 0.0] == ["no_la"]
    assert configs["no_la"]["augmentation"]["gamma"] == 1.0


def test_without_groups_words_are_compared_with_image_tokens() -> None:
    model = tiny("ablation=no_ge").eval()
    words = model.tokenize([SHORT])
    with torch.no_grad():
        output = model(lightness(model, 1), words, words, assign=True)
    assert output.assignment is None
    assert output.relevance.groups.shape[1] == model.image_encoder.grid**2


def test_without_counter_color_loss_a_second_caption_is_refused() -> None:
    model = tiny("ablation=no_cl").eval()
    words = model.tokenize([SHORT])
    with pytest.raises(ValueError, match=r"model\.shared_space=null"):
        model(lightness(model, 1), words, words)


def test_every_parameter_belongs_to_one_part(model: LCoIns) -> None:
    counted = [
        id(p)
        for members in model.parts().values()
        for m in members
        for p in (m.parameters() if isinstance(m, torch.nn.Module) else [m])
    ]
    assert len(counted) == len(set(counted))
    assert set(counted) == {id(p) for p in model.parameters()}
