"""How time and memory of a training step grow with image side, groups, words and batch, beside its operations."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from rich.table import Table

from lcoins.benchmark.step import StepCase, StepTiming, step_cases, time_steps
from lcoins.progress import followed

SIDES = (0.5, 1.5, 2.0)  # of the model's image side
GROUPS, WORDS = (4, 8, 16, 32, 64), (8, 16, 32, 64)
BATCHES = (0.25, 0.5, 2.0)  # of the batch
BASE_WORDS = 16
# Model, objective and augmentation as plain configs, where one dotted key of the command's config has another value.
ConfigWith = Callable[[str, Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Point:
    """One measurement: what differs from the base, its value there, and the timing; ``axis`` "" is the base itself."""

    axis: str
    value: int
    timing: StepTiming


def measure_growth(
    config_with: ConfigWith, *, batch_size: int, precision: str, compile: str, warmup: int, steps: int, device: str
) -> list[Point]:
    """Times the whole training step at the base, then with one size changed at a time; each in its own process.

    The base has ``batch_size`` captions of BASE_WORDS words. Groups are left out for systems without any.
    """
    base = _case(config_with("batch_size", batch_size), precision, compile)
    planned = [("", 0, base, batch_size), *_changed(config_with, base, batch_size, precision, compile)]
    points = []
    for axis, value, case, batch in followed(planned, "timing steps"):
        (timing,) = time_steps([case], batch, warmup, steps, device)
        points.append(Point(axis, value, timing))
    return points


def _changed(
    config_with: ConfigWith, base: StepCase, batch_size: int, precision: str, compile: str
) -> Iterator[tuple[str, int, StepCase, int]]:
    side = base.model["image_size"]
    for value in (int(side * factor) for factor in SIDES):
        yield "image side", value, _case(config_with("model.image_size", value), precision, compile), batch_size
    groups = base.model.get("transformer", {}).get("n_groups")
    for value in GROUPS if groups else ():
        if value != groups:
            config = config_with("model.transformer.n_groups", value)
            yield "groups", value, _case(config, precision, compile), batch_size
    for value in WORDS:
        if value != BASE_WORDS:
            yield "words", value, replace(base, words=value), batch_size
    for value in sorted({max(1, int(batch_size * factor)) for factor in BATCHES} - {batch_size}):
        yield "batch", value, base, value


def _case(config: Mapping[str, Any], precision: str, compile: str) -> StepCase:
    """The training step of a system as its recipe trains it: with the counter-color pass where there is one."""
    model, objective, augmentation = config["model"], config["objective"], config["augmentation"]
    return replace(step_cases(model, objective, augmentation, precision, False, compile)[-1], words=BASE_WORDS)


def growth_rows(points: Sequence[Point]) -> list[dict[str, Any]]:
    """The points as plain values, with their operations, processor time and memory in multiples of the base."""
    base = points[0].timing
    rows = []
    for point in points:
        operations = point.timing.operations / base.operations
        seconds = point.timing.processor_seconds / base.processor_seconds
        rows.append(
            {
                "axis": point.axis or "base",
                "value": point.value,
                "operations": operations,
                "seconds": seconds,
                "seconds_over_operations": seconds / operations,
                "memory": point.timing.peak_mib / base.peak_mib,
                "timing": asdict(point.timing),
            }
        )
    return rows


def growth_table(rows: Sequence[Mapping[str, Any]], title: str) -> Table:
    """The rows as a table to print; times and memories are in multiples of the base, which comes first."""
    result = Table(title=title)
    result.add_column("changed")
    for heading in ("to", "TFLOP", "CPU s", "peak MiB", "operations", "time", "time / operations", "memory"):
        result.add_column(heading, justify="right")
    for row in rows:
        timing = row["timing"]
        result.add_row(
            row["axis"],
            str(row["value"]) if row["axis"] != "base" else "",
            f"{timing['operations'] / 1e12:.4f}",
            f"{timing['processor_seconds']:.3f}",
            f"{timing['peak_mib']:.0f}",
            *(f"{row[key]:.2f}" for key in ("operations", "seconds", "seconds_over_operations", "memory")),
        )
    return result
