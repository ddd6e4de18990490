"""Comparison of runs whose rows are written by the test, so that every mean, gap and interval is known."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from finished_run import write_run

from lcoins.evaluation.lpips import _BACKBONES
from lcoins.reports.comparison import Comparison, Gap
from lcoins.reports.load_runs import _variant_names, find_runs
from lcoins.reports.metrics import METRICS, WORDS, Metric

PSNR = Metric("PSNR", "psnr", +1, 2)
HIT = Metric("hit", "recolor_hit", +1, 2)
PAIRS = 40


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=PAIRS)


def ends(gap: Gap | None) -> tuple[float, float]:
    assert gap is not None and gap.interval is not None
    return gap.interval


def two_variant_names(tmp_path: Path, gap: float) -> Comparison:
    """Variants that differ by ``gap`` on every pair, three seeds each that differ by 0.1."""
    for name, shift in (("full", 0.0), ("no_ge", gap)):
        for seed in range(3):
            values = 20 + 5 * noise(0) + 0.1 * seed + shift
            write_run(tmp_path / "sweep" / f"ablation={name}" / f"seed={seed}", list(values), [1] * PAIRS)
    return Comparison(find_runs([tmp_path]))


def test_mean_and_deviation_are_over_seeds(tmp_path: Path) -> None:
    comparison = two_variant_names(tmp_path, -1)
    assert list(comparison.variants) == ["full", "no_ge"] and comparison.baseline == "full"
    estimate = comparison.estimate("clear", PSNR, "no_ge")
    assert estimate is not None and estimate.deviation == pytest.approx(0.1)
    assert estimate.mean == pytest.approx((20 + 5 * noise(0)).mean() + 0.1 - 1)
    assert comparison.estimate("clear", WORDS, "full").values == (0.5, 0.5, 0.5)  # type: ignore[union-attr]
    assert comparison.gap("clear", PSNR, "full") is None


def test_pairs_are_paired(tmp_path: Path) -> None:
    """Photos spread by 5 dB, yet a gap of 1 dB on each of them has the spread of the seeds only."""
    gap = two_variant_names(tmp_path, -1).gap("clear", PSNR, "no_ge")
    assert gap is not None and gap.value == pytest.approx(-1)
    low, high = ends(gap)
    assert -1.2 <= low < -1 < high <= -0.8 and not gap.may_be_chance


def test_seeds_are_drawn_too(tmp_path: Path) -> None:
    """Seeds that differ by 0.1 dB on every pair: the mean of three drawn ones leaves theirs by 0.047 on average."""
    low, high = ends(two_variant_names(tmp_path, -1).gap("clear", PSNR, "no_ge"))
    spread = 1.96 * math.sqrt(2) * 0.1 * math.sqrt(2 / 3) / math.sqrt(3)  # two variants, each of three drawn seeds
    assert high - low == pytest.approx(2 * spread, rel=0.15)


def test_a_gap_of_noise_lies_inside_its_interval(tmp_path: Path) -> None:
    """100 comparisons of variants that differ by chance: about 5 % leave the interval of 95 %."""
    left = 0
    for trial in range(100):
        folder = tmp_path / str(trial)
        for place, name in enumerate(("full", "no_ge")):
            write_run(folder / "s" / f"ablation={name}" / "seed=0", list(noise(2 * trial + place)), [1] * PAIRS)
        gap = Comparison(find_runs([folder])).gap("clear", PSNR, "no_ge")
        assert gap is not None
        left += not gap.may_be_chance
    assert 1 <= left <= 12


def test_words_are_counted_over_instances(tmp_path: Path) -> None:
    write_run(tmp_path / "s" / "ablation=full" / "seed=0", [20.0] * PAIRS, [2] * PAIRS)
    write_run(tmp_path / "s" / "ablation=no_cl" / "seed=0", [20.0] * PAIRS, [2, 0] * (PAIRS // 2))
    gap = Comparison(find_runs([tmp_path])).gap("clear", WORDS, "no_cl")
    assert gap is not None and gap.value == pytest.approx(-0.5)
    spread = 1.96 * 0.5 / PAIRS**0.5  # of a mean of PAIRS coin throws
    assert ends(gap) == pytest.approx((-0.5 - spread, -0.5 + spread), abs=0.04)


def test_photos_are_drawn_whole(tmp_path: Path) -> None:
    """The pairs of a photo, here four, are alike, so that the gap is as unsure as one over the photos."""
    for name, correct in (("full", [2] * 4 * PAIRS), ("no_cl", ([2] * 4 + [0] * 4) * (PAIRS // 2))):
        write_run(tmp_path / f"ablation={name}" / "seed=0", [20.0] * 4 * PAIRS, correct, pairs_per_photo=4)
    spread = 1.96 * 0.5 / PAIRS**0.5
    gap = Comparison(find_runs([tmp_path])).gap("clear", WORDS, "no_cl")
    assert ends(gap) == pytest.approx((-0.5 - spread, -0.5 + spread), abs=0.04)


@pytest.mark.parametrize(("photos", "clear"), [(5, False), (6, True)])
def test_a_handful_of_photos_proves_nothing(tmp_path: Path, photos: int, clear: bool) -> None:
    for name, shift in (("full", 0.0), ("no_ge", 0.1)):
        for title in ("clear", "counter"):
            psnr, correct = [20.0 + shift] * photos * 2, [2 if name == "full" or title == "clear" else 1] * photos * 2
            write_run(tmp_path / f"ablation={name}" / "seed=0", psnr, correct, title, pairs_per_photo=2)
    comparison = Comparison(find_runs([tmp_path]))
    for gap in (comparison.gap("clear", PSNR, "no_ge"), comparison.shortcut_gap("no_ge")):
        assert gap is not None and abs(gap.value) > 0.09
        assert (gap.interval is not None, not gap.may_be_chance) == (clear, clear)


def test_luminance_shortcut(tmp_path: Path) -> None:
    for name, counter in (("full", 2), ("no_la", 1)):
        folder = tmp_path / "s" / f"ablation={name}" / "seed=0"
        write_run(folder, [20.0] * PAIRS, [2] * PAIRS, "clear")
        write_run(folder, [20.0] * PAIRS, [counter] * PAIRS, "counter")
    comparison = Comparison(find_runs([tmp_path]))
    assert comparison.sets == ["clear", "counter"]
    assert comparison.shortcut("full").mean == 1 and comparison.shortcut("no_la").mean == 0.5  # type: ignore[union-attr]
    gap = comparison.shortcut_gap("no_la")
    assert gap is not None and (gap.value, gap.interval) == (-0.5, (-0.5, -0.5))


def test_the_two_sets_of_the_shortcut_are_resampled_separately(tmp_path: Path) -> None:
    """A model with the same words right on both sets would have a shortcut of 1 in every sample of the same photos."""
    for name, correct in (("full", [2] * PAIRS), ("no_la", [2, 0] * (PAIRS // 2))):
        for title in ("clear", "counter"):
            write_run(tmp_path / f"ablation={name}" / "seed=0", [20.0] * PAIRS, correct, title)
    low, high = ends(Comparison(find_runs([tmp_path])).shortcut_gap("no_la"))
    spread = 1.96 * math.sqrt(2 / PAIRS)  # of the ratio of two shares, whose relative errors are 1 / sqrt(PAIRS)
    assert high - low == pytest.approx(2 * spread, rel=0.25)


def test_the_luminance_shortcut_is_that_of_runs_with_both_sets(tmp_path: Path) -> None:
    for name in ("full", "no_la"):
        for seed, clear in enumerate((1, 2, 2)):
            folder = tmp_path / "s" / f"ablation={name}" / f"seed={seed}"
            write_run(folder, [20.0] * PAIRS, [clear] * PAIRS, "clear")
            if seed > 0:
                write_run(folder, [20.0] * PAIRS, [seed] * PAIRS, "counter")
    comparison = Comparison(find_runs([tmp_path]))
    assert comparison.shortcut("full").values == (0.5, 1)  # type: ignore[union-attr]
    assert comparison.shortcut_gap("no_la").value == 0  # type: ignore[union-attr]


def test_stability_is_the_agreement_of_seeds(tmp_path: Path) -> None:
    halves, quarters = np.array([[0] * 8 + [1] * 8], np.uint8), np.array([[0, 0, 1, 1] * 4], np.uint8)
    for seed, groups in enumerate((halves, 1 - halves, quarters)):
        write_run(tmp_path / "s" / "ablation=full" / f"seed={seed}", [20.0], [1], groups=groups)
    comparison = Comparison(find_runs([tmp_path]))
    crossed = (24 - 56 * 56 / 120) / (56 - 56 * 56 / 120)  # together in both: 4 * C(4, 2) of C(16, 2)
    assert comparison.stability("clear", "full") == pytest.approx((1 + 2 * crossed) / 3, abs=1e-5)


def test_missing_values_do_not_count_and_infinite_ones_neither(tmp_path: Path) -> None:
    write_run(tmp_path / "s" / "default" / "seed=0", [20.0, 30.0, float("inf")], [2, 2, 2])
    comparison = Comparison(find_runs([tmp_path]))
    assert comparison.estimate("clear", PSNR, "default").mean == 25  # type: ignore[union-attr]
    assert comparison.estimate("clear", HIT, "default").mean == 1  # type: ignore[union-attr]


def test_a_pair_at_which_one_run_is_perfect_counts_for_none(tmp_path: Path) -> None:
    """The perfect run would lose its best pair alone, and its rank with it."""
    write_run(tmp_path / "ablation=full" / "seed=0", [60.0] + [20.0] * 9, [2] * 10)
    write_run(tmp_path / "ablation=better" / "seed=0", [math.inf] + [20.0] * 9, [2] * 10)
    comparison = Comparison(find_runs([tmp_path]))
    assert [comparison.estimate("clear", PSNR, name).mean for name in ("full", "better")] == [20, 20]  # type: ignore[union-attr]
    assert comparison.gap("clear", PSNR, "better").value == 0  # type: ignore[union-attr]
    said = "PSNR, dB: left out of all runs alike: 1 of 10 pairs, at which a picture equals its reference."
    assert comparison.notes("clear") == [said]


def test_answers_to_different_questions_are_not_compared(tmp_path: Path) -> None:
    """An earlier lcoins chose the exchanged words of photos by the seed of the run."""
    for seed, exchanged in enumerate(("blue", "blue", "green")):
        write_run(tmp_path / "default" / f"seed={seed}", [20.0] * 6, [2] * 6, exchanged=exchanged)
        comparison = Comparison(find_runs([tmp_path]))
        asked_apart = exchanged == "green"
        assert (comparison.estimate("clear", HIT, "default") is None) == asked_apart
        assert any("exchanged" in note for note in comparison.notes("clear")) == asked_apart
    assert comparison.estimate("clear", PSNR, "default").mean == 20  # type: ignore[union-attr]


def test_every_lpips_that_can_be_computed_is_shown() -> None:
    assert {f"lpips_{net}" for net in _BACKBONES} <= {metric.column for metric in METRICS}


def test_names_leave_out_what_all_share(tmp_path: Path) -> None:
    for name in ("ablation=full,x=1", "ablation=no_ge,x=1"):
        write_run(tmp_path / "s" / name / "seed=0", [20.0], [1])
    assert [run.variant for run in find_runs([tmp_path])] == ["full", "no_ge"]
    write_run(tmp_path / "t" / "ablation=no_ge,x=1" / "seed=0", [20.0], [1])
    assert [run.variant for run in find_runs([tmp_path])] == ["s/full", "s/no_ge", "t/no_ge"]


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no finished run below"):
        find_runs([tmp_path])
    write_run(tmp_path / "s" / "ablation=full" / "seed=0", [20.0, 21.0], [1, 1])
    for missing, said in (("mistyped", "mistyped does not exist"), ("s/empty", "no finished run below .*empty")):
        (tmp_path / "s" / "empty").mkdir(exist_ok=True)
        with pytest.raises(FileNotFoundError, match=said):
            find_runs([tmp_path, tmp_path / missing])
    write_run(tmp_path / "s" / "ablation=no_ge" / "seed=0", [20.0], [1])
    with pytest.raises(ValueError, match="different pairs of 'clear'"):
        Comparison(find_runs([tmp_path]))
    with pytest.raises(ValueError, match="choose one of full"):
        Comparison(find_runs([tmp_path / "s" / "ablation=full"]), "best")


def test_runs_of_several_names_are_called_by_them(tmp_path: Path) -> None:
    """Sweeps over models have a folder each, and nothing else that differs."""
    parents = [tmp_path / "tiny" / "default", tmp_path / "lcode" / "default", tmp_path / "lcode" / "ablation=x"]
    assert list(_variant_names(parents).values()) == ["tiny", "lcode", "lcode/x"]


def test_runs_of_one_name_in_two_places_are_told_apart(tmp_path: Path) -> None:
    for place, psnr in (("old", 20.0), ("new", 30.0)):
        write_run(tmp_path / place / "scenes" / "default" / "seed=0", [psnr], [1])
    found = find_runs([tmp_path / "old", tmp_path / "new"])
    assert [run.variant for run in found] == ["new/scenes", "old/scenes"]
    estimate = Comparison(found).estimate("clear", PSNR, "old/scenes")
    assert estimate is not None and (estimate.mean, estimate.deviation) == (20, None)


def test_a_run_counts_once_however_it_is_spelled(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "s" / "default" / "seed=0", [20.0], [1])
    (tmp_path / "link").symlink_to(tmp_path / "s")
    assert len(find_runs([tmp_path / "s", tmp_path / "s" / ".." / "s", tmp_path / "link", folder])) == 1


def test_two_runs_of_one_seed_are_refused(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_run(tmp_path / "s" / "default" / name, [20.0], [1])
    with pytest.raises(ValueError, match=r"one run of a variant and seed, got .*first and .*second"):
        Comparison(find_runs([tmp_path]))


def test_runs_in_folders_with_cut_names_are_called_by_what_differs(tmp_path: Path) -> None:
    """Their names end in a digest; Hydra's record beside the run has the overrides."""
    for digest, name in enumerate(("full", "no_la", "no_ga")):
        cut = f"ablation={name},data.tests.clear.length=64,data.tests.instances.length=64,data.train.length=320,data.v"
        folder = write_run(tmp_path / "s" / f"{cut}-{digest:08x}" / "seed=0", [20.0], [1])
        (folder / ".hydra").mkdir()
        given = [f"ablation={name}", "recipe.epochs=1", "data.val.length=64", "name=s", "seed=0"]
        record = {
            "job": {"config": {"override_dirname": {"exclude_keys": ["name", "seed"]}}},
            "overrides": {"task": given},
        }
        (folder / ".hydra" / "hydra.yaml").write_text(json.dumps({"hydra": record}))
    assert [run.variant for run in find_runs([tmp_path])] == ["full", "no_ga", "no_la"]


@pytest.mark.parametrize("record", [None, "hydra: 1", "&a [*a]", "hydra: {job: 2}"])
def test_a_cut_name_without_a_record_that_can_be_read_is_taken_as_it_is(tmp_path: Path, record: str | None) -> None:
    name = f"ablation=full,{'x' * 90}-01234567"
    folder = write_run(tmp_path / "s" / name / "seed=0", [20.0], [1])
    if record is not None:
        (folder / ".hydra").mkdir()
        (folder / ".hydra" / "hydra.yaml").write_text(record)
    assert [run.variant for run in find_runs([tmp_path])] == [name]


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (["recipe.epochs=2"], ["epochs=2"]),
        (["recipe.epochs=2", "recipe.epochs=3"], ["epochs=2", "epochs=3"]),
        (["recipe.ema=null", "default"], ["ema=null", "default"]),
        (["a.length=1,ablation=x", "b.length=1,ablation=y"], ["a.length=1,ablation=x", "b.length=1,ablation=y"]),
        (
            ["ablation=full,recipe.epochs=2", "ablation=no_la,recipe.epochs=3"],
            ["ablation=full,epochs=2", "ablation=no_la,epochs=3"],
        ),
    ],
)
def test_a_number_keeps_its_key(folders: list[str], names: list[str]) -> None:
    assert list(_variant_names([Path("s", folder) for folder in folders]).values()) == names


def test_what_rounds_to_zero_is_zero() -> None:
    shown = [PSNR.text(value, signed=True) for value in (-0.004, 0.004, -0.006, 0.006)]
    assert shown == ["0.00", "0.00", "\N{MINUS SIGN}0.01", "+0.01"]
    assert WORDS.text(-0.0004, signed=True) == "0.0" and PSNR.text(-0.001) == "0.00"
