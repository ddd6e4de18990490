"""Timing: which cases there are, that one can be timed, and that the reference computes what the kernels compute."""

import json
from io import StringIO
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from rich.console import Console
from torch import Tensor, nn

from lcoins.benchmark import step
from lcoins.benchmark.step import (
    StepTiming,
    WrittenOutAttention,
    step_cases,
    time_step,
)
from lcoins.benchmark.step_table import machine_name, rate_line, speed_ratios, timing_table, timings_to_json
from lcoins.cli.hydra_commands import conf_folder
from lcoins.data.augment import Augmentation, Draws, LuminanceAugmentation, RandomLighting
from lcoins.models.grouping import JointAttention


def configs(*overrides: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Model, objective and augmentation of `lcoins bench`."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        cfg = compose("bench", overrides=list(overrides))
    parts = (cfg.model, cfg.objective, cfg.augmentation)
    return tuple(OmegaConf.to_container(part, resolve=True) for part in parts)  # type: ignore[return-value]


def timing(name: str, seconds: float) -> StepTiming:
    return StepTiming(
        name, "32-true", seconds, 0.9 * seconds, 1.1 * seconds, seconds, 4 / seconds, 512.0, 10**10, 0.1, 0.2, 0.5, 0.8
    )


def test_cases_of_the_full_model() -> None:
    inference, plain, counter, reference = step_cases(*configs(), "32-true", compare=True)
    assert inference.name == "inference"
    assert not inference.train
    assert (plain.name, plain.train, plain.counter) == ("training step", True, False)
    assert (counter.name, counter.train, counter.counter) == ("training step with counter-color pass", True, True)
    assert (reference.name, reference.train, reference.counter) == ("reference training step", True, False)
    assert [case.reference for case in (inference, plain, counter, reference)] == [False, False, False, True]


def test_reference_is_float32_joint_attention_over_padded_words() -> None:
    model, *rest = configs()
    *others, reference = step_cases(model, *rest, "bf16-mixed", compare=True)
    assert all(case.precision == "bf16-mixed" and case.model == model for case in others)
    assert reference.precision == "32-true"
    assert reference.model["transformer"]["attention"] == "joint"
    assert reference.model["text_encoder"] == {**model["text_encoder"], "pad_mask": False}
    assert model["transformer"]["attention"] == "grouping"  # the config itself stays as it is
    assert model["text_encoder"]["pad_mask"]


def test_cases_without_counter_color_loss() -> None:
    names = [case.name for case in step_cases(*configs("ablation=no_cl"), "32-true", compare=False)]
    assert names == ["inference", "training step"]


def test_automatic_precision_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "best_precision", lambda _: "bf16-mixed")
    assert {case.precision for case in step_cases(*configs(), "auto", compare=False)} == {"bf16-mixed"}


@pytest.mark.parametrize("number", range(4), ids=["inference", "training", "counter", "reference"])
def test_one_case_is_timed(number: int) -> None:
    case = step_cases(*configs(), "32-true", compare=True)[number]
    found = time_step(case, batch_size=2, warmup=0, steps=1, device="cpu")
    assert (found.name, found.precision) == (case.name, "32-true")
    assert 0 < found.fastest <= found.seconds <= found.slowest
    assert found.samples_per_second == pytest.approx(2 / found.seconds)
    assert found.peak_mib > 0
    assert found.share_of_peak > 0
    assert found.teraflops == pytest.approx(found.operations / found.seconds / 1e12)


@pytest.mark.parametrize("system", ["lbie_tiny", "ml2018_tiny", "xie2018_tiny", "lcode_tiny", "lcoder_tiny"])
def test_the_compared_systems_are_timed(system: str) -> None:
    inference, training = step_cases(*configs(f"system={system}"), "32-true", compare=False)
    for case in (inference, training):
        assert time_step(case, batch_size=2, warmup=0, steps=1, device="cpu").seconds > 0


@pytest.mark.parametrize(
    ("chosen", "augmentation"),
    [
        ("system=lcoins_tiny", LuminanceAugmentation(180.0, 5.0)),
        ("ablation=no_la", LuminanceAugmentation(0.0, 1.0)),
        ("system=xie2018_tiny", RandomLighting(0.1, 10.0)),
        ("system=lcode_tiny", LuminanceAugmentation(0.0, 1.0)),
    ],
)
def test_a_training_step_augments_as_its_system_does(
    chosen: str, augmentation: Augmentation, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = step_cases(*configs(chosen), "32-true", compare=False)[1]
    used: list[Augmentation] = []
    augment = type(augmentation).__call__

    def watched(self: Augmentation, rgb: Tensor, draws: Draws) -> Tensor:
        used.append(self)
        return augment(self, rgb, draws)

    monkeypatch.setattr(type(augmentation), "__call__", watched)
    time_step(case, batch_size=2, warmup=0, steps=1, device="cpu")
    assert used and set(used) == {augmentation}


def test_only_l_coins_has_a_reference() -> None:
    with pytest.raises(ValueError, match="take a model of L-CoIns"):
        step_cases(*configs("system=lcode_tiny"), "32-true", compare=True)


def test_written_out_attention_equals_the_fused_one() -> None:
    attention = JointAttention(16, 4)
    for parameter in attention.parameters():
        nn.init.normal_(parameter, std=0.5)
    tokens, mask = torch.randn(2, 17, 16), torch.ones(2, 5, dtype=torch.bool)
    fused = attention(tokens, (9, 5, 3), mask)
    attention.__class__ = WrittenOutAttention
    torch.testing.assert_close(attention(tokens, (9, 5, 3), mask), fused, rtol=1e-4, atol=1e-5)


def test_ratios_by_hand() -> None:
    timings = [timing("inference", 0.1), timing("training step", 0.5)]
    assert speed_ratios(timings) == {}
    timings += [timing("training step with counter-color pass", 0.8), timing("reference training step", 1.5)]
    assert speed_ratios(timings) == pytest.approx(
        {"counter-color pass: times the step without it": 1.6, "times faster than the reference": 3.0}
    )


def test_json_holds_settings_timings_and_ratios() -> None:
    timings = [timing("inference", 0.1), timing("training step", 0.5)]
    found = json.loads(json.dumps(timings_to_json(timings, {"warmup": 1})))
    assert found["settings"] == {"warmup": 1}
    assert [t["name"] for t in found["timings"]] == ["inference", "training step"]
    assert found["timings"][1]["samples_per_second"] == 8.0
    assert found["ratios"] == {}


def test_table_shows_every_timing() -> None:
    out = StringIO()
    Console(file=out, width=160).print(timing_table([timing("inference", 0.1)], "tiny"))
    (row,) = [line for line in out.getvalue().splitlines() if "inference" in line]
    assert [cell.strip() for cell in row.strip(" │┃").split("│")] == [
        "inference",
        "32-true",
        "0.100",
        "0.090-0.110",
        "0.100",
        "40.00",
        "512",
    ]


def test_the_line_of_rates() -> None:
    assert rate_line(timing("inference", 0.1)) == (
        "inference: 0.010 TFLOP, 0.100 TFLOP/s; 50% of what one matrix product reaches here (0.200 TFLOP/s), "
        "80% of what the step's own products reach by themselves"
    )


def test_machine_names_the_processor() -> None:
    assert machine_name("cpu").startswith(f"{torch.get_num_threads()} CPU threads (")
