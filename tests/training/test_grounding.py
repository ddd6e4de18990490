"""Grounding is trained by itself: its losses, and a run from drawn photos to a colorizer that finds things."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from outlined_photos import box, source
from shrunk import composed
from torch import Tensor
from torchmetrics import MeanMetric

from lcoins.color.lab import to_network_lightness
from lcoins.color.reading import read_sentence
from lcoins.data.types import Batch, SaidPlace, Sample, collate
from lcoins.models.checkpoint import load_checkpoint
from lcoins.models.grounded import GroundedColorizer
from lcoins.models.grounding import Grounded, SaidColor, said_colors
from lcoins.training.build import build_training
from lcoins.training.grounding import GroundingTraining
from lcoins.training.grounding_losses import GroundingObjective, KnownColor, cells_of, known_colors, name_loss, overlap
from lcoins.training.losses import Losses
from lcoins.training.module import ColorizationTraining
from lcoins.training.run import plain_config, train_run

OBJECTIVE = GroundingObjective(dice_weight=0.25, names_weight=0.1, guessed_weight=0.3, absent_weight=0.5)
LEFT, NONE = torch.zeros(4, 4, dtype=torch.bool), torch.zeros(4, 4, dtype=torch.bool)
LEFT[:, :2] = True


def known(*things: str, mask: Tensor = LEFT, certain: bool = True) -> list[KnownColor]:
    (phrase,) = read_sentence("a red bus").colors
    place = SaidPlace(2, 5, mask, certain)
    return [KnownColor(SaidColor(number, phrase, thing), place) for number, thing in enumerate(things)]


def answer(logits: Tensor, names: Tensor | None = None) -> Grounded:
    """Each name about a photo of its own, whose left half shows it."""
    count = len(logits)
    names = torch.eye(count) if names is None else names
    cells = torch.where(LEFT.flatten()[None, :, None], names[:, None], -names[:, None])
    return Grounded(logits, names, cells, [1] * count, torch.tensor(10.0))


def right() -> Tensor:
    return torch.where(LEFT, 20.0, -20.0).expand(2, -1, -1).clone()


def test_a_perfect_answer_costs_next_to_nothing_and_a_wrong_one_much() -> None:
    said = known("bus", "dog")
    masks = cells_of(said, 4)
    good, bad = (OBJECTIVE(answer(logits), masks, said).total for logits in (right(), -right()))
    assert good < 1e-3
    assert bad > 10


def test_names_that_all_weigh_nothing_cost_nothing() -> None:
    guessed = known("bus", certain=False)
    unheard = GroundingObjective(dice_weight=0.25, names_weight=0.1, guessed_weight=0.0, absent_weight=0.5)
    assert unheard(answer(right()[:1]), cells_of(guessed, 4), guessed).total == 0


def test_a_name_of_nothing_shown_counts_half_and_has_no_region() -> None:
    absent = known("bus", mask=NONE)
    losses = OBJECTIVE(answer(right()[:1]), cells_of(absent, 4), absent)
    assert losses.terms["dice"] == losses.terms["names"] == 0
    both = [*known("dog"), *absent]
    mixed = OBJECTIVE(answer(right()), cells_of(both, 4), both).terms["cells"]
    assert mixed == pytest.approx(float(losses.terms["cells"]) / 3, rel=1e-4)  # weights of 1 and a half


def test_a_guess_counts_less_than_a_mask() -> None:
    wrong, sure = known("bus", certain=False), known("dog")
    logits = torch.cat([-right()[:1], right()[:1]])
    said = [*wrong, *sure]
    assert OBJECTIVE(answer(logits), cells_of(said, 4), said).terms["cells"] == pytest.approx(20 * 0.3 / 1.3, rel=1e-3)


def test_names_are_told_apart_unless_they_share_a_noun() -> None:
    same = answer(right(), torch.ones(2, 2) / 2**0.5)  # both names are one vector
    masks = cells_of(known("bus", "dog"), 4)
    torch.testing.assert_close(name_loss(same, masks, ["bus", "dog"]), torch.full((2,), 2.0).log())
    torch.testing.assert_close(name_loss(same, masks, ["left cup", "cup on right"]), torch.zeros(2))
    torch.testing.assert_close(name_loss(same, masks, ["left cup", "left dog"]), torch.full((2,), 2.0).log())


def test_overlap_by_hand() -> None:
    shares = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    masks = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])
    assert overlap(shares, masks).item() == pytest.approx((2 + 1) / (1 + 2 + 1))


def test_only_masks_that_are_known_for_sure_and_shown_are_validated() -> None:
    """Two names are placed all wrong, one by a guess and one by nothing in the photo; the third is right."""
    said = [*known("bus", certain=False), *known("cup", mask=NONE), *known("dog")]
    logits = torch.cat([-right(), right()[:1]])
    means = {"overlap": MeanMetric()}
    found = (answer(logits), cells_of(said, 4), said)
    fake: Any = SimpleNamespace(_grounded=lambda batch: found, val_means=means, log=lambda *_, **__: None)
    GroundingTraining.validation_step(fake, [0, 1, 2], 0)  # type: ignore[arg-type]
    assert float(means["overlap"].compute()) == pytest.approx(1, abs=1e-3)


def batch(*samples: Sample) -> Batch:
    return collate(list(samples))


def test_the_places_that_a_batch_knows_meet_the_colors_that_captions_say() -> None:
    rgb = torch.zeros(3, 4, 4, dtype=torch.uint8)
    caption = "a red bus and the bus is red. a dark green dog"
    places = tuple(SaidPlace(caption.index(word), caption.index(word) + len(word), LEFT) for word in ("red", "green"))
    one = Sample(rgb, caption, caption, 0, "one", places=places)
    two = Sample(rgb, "a blue cup", "a blue cup", 1, "two")
    both = batch(one, two)
    found = known_colors(both, said_colors(both.captions))
    assert [(one.color.thing, one.color.caption) for one in found] == [("bus", 0), ("dog", 0)]


def assert_a_batch_without_places_gives_every_parameter_a_gradient(module: ColorizationTraining) -> None:
    """Else a process that draws such a batch leaves the others waiting."""
    unknown = batch(Sample(torch.zeros(3, 64, 64, dtype=torch.uint8), "a red bus", "a red bus", 0, "one"))
    unknown.ab = torch.zeros(1, 2, 64, 64)
    logged: list[Losses] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_log_losses", lambda output, losses, batch: logged.append(losses))
        module.training_step(unknown, 0).backward()
    assert set(logged[0].terms) == {"cells", "dice", "names"}
    gradients = [each.grad for each in module.colorizer.parameters() if each.requires_grad]
    assert all(gradient is not None and not gradient.any() for gradient in gradients)


@pytest.mark.parametrize("experiment", ["grounding", "grounding_old"])
def test_a_run_trains_grounding_alone_and_its_colorizer_finds_things(
    experiment: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its backbone frozen, or on old photos trained along, but for its highest blocks."""
    things = {"bus": box(4, 4, 28, 44), "dog": box(36, 4, 60, 44)}
    source(tmp_path / "photos", things, ["a red bus"])
    files = f"captions: null, instances: {tmp_path}/photos/instances.json, repainted: 1, plain: 1, held_out: 2"
    train = f"data.train=[{{root: {tmp_path}/photos, {files}}}]"
    small = ("data.samples=24", "data.val_samples=6", "data.batch_size=6", "data.sentences=3")
    cfg = composed("train", f"experiment={experiment}", "name=test", "trainer=cpu", train, *small, "recipe.epochs=3")
    OmegaConf.set_struct(cfg, False)
    sizes = {
        "image_size": 64,
        "transformer": {"width": 32, "depth": 2, "heads": 2},
        "upsampler": {"channels": [16, 8, 8]},
        "image_encoder": {"init": "none"},
        "grounding": {"init": "none", "seen_at": 96, "width": 32, "heads": 2, "depth": 1, "text_width": 32},
    }
    bert = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    cfg.model = OmegaConf.merge(cfg.model, sizes)
    cfg.model.text_encoder.update({"init": "none", "config": bert})
    module, _ = build_training(plain_config(cfg), tmp_path)
    trained = {name for name, parameter in module.colorizer.named_parameters() if parameter.requires_grad}
    assert trained and all(name.startswith("grounding.") for name in trained)
    in_backbone = {name.split(".")[3] for name in trained if name.startswith("grounding.backbone.blocks.")}
    assert in_backbone == (set("01234") if experiment == "grounding_old" else set())
    assert_a_batch_without_places_gives_every_parameter_a_gradient(module)
    figures = train_run(cfg, tmp_path / "run")
    assert 0 < figures["val/overlap"] <= 1
    printed = capsys.readouterr().out
    assert "metrics.json" in printed and "contact sheets" not in printed and "over pairs" not in printed
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == figures
    table = (tmp_path / "run" / "csv").rglob("metrics.csv")
    assert "train/names" in next(table).read_text()

    colorizer, _ = load_checkpoint(tmp_path / "run" / "checkpoints" / "best.ckpt")
    lightness = to_network_lightness(torch.full((1, 1, 64, 64), 50.0))
    places = GroundedColorizer(colorizer).places(lightness, said_colors(["a red bus and a blue dog"]))
    assert places.shape == (2, 64, 64)
    assert bool(((places >= 0) & (places <= 1)).all())
