"""What was measured of steps, as a table to print and as plain values."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from rich.table import Table

from lcoins.benchmark.step import StepTiming


def machine_name(device: str) -> str:
    """The kind of machine that was timed, for titles."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    kind = torch.backends.cpu.get_cpu_capability()
    return f"{torch.get_num_threads()} CPU threads ({kind}), torch {torch.__version__}"


def speed_ratios(timings: list[StepTiming]) -> dict[str, float]:
    """What the second pass costs, and how much faster the step is than the reference, if both were timed."""
    seconds = {timing.name: timing.seconds for timing in timings}
    plain = seconds["training step"]
    ratios = {}
    if (counter := seconds.get("training step with counter-color pass")) is not None:
        ratios["counter-color pass: times the step without it"] = counter / plain
    if (reference := seconds.get("reference training step")) is not None:
        ratios["times faster than the reference"] = reference / plain
    return ratios


def timings_to_json(timings: list[StepTiming], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Timings, ratios and settings as plain values."""
    return {
        "settings": dict(settings),
        "timings": [asdict(timing) for timing in timings],
        "ratios": speed_ratios(timings),
    }


def timing_table(timings: list[StepTiming], title: str) -> Table:
    """The timings as a table to print."""
    result = Table(title=title)
    result.add_column("case")
    headings = ("precision", "median s", "min-max s", "CPU s", "samples/s", "peak MiB")
    for heading in headings:
        result.add_column(heading, justify="right")
    for t in timings:
        result.add_row(
            t.name,
            t.precision,
            f"{t.seconds:.3f}",
            f"{t.fastest:.3f}-{t.slowest:.3f}",
            f"{t.processor_seconds:.3f}",
            f"{t.samples_per_second:.2f}",
            f"{t.peak_mib:.0f}",
        )
    return result


def rate_line(timing: StepTiming) -> str:
    """How near a step is to what the device can do, in one line."""
    return (
        f"{timing.name}: {timing.operations / 1e12:.3f} TFLOP, {timing.teraflops:.3f} TFLOP/s; "
        f"{timing.share_of_peak:.0%} of what one matrix product reaches here ({timing.peak_teraflops:.3f} TFLOP/s), "
        f"{timing.share_of_products:.0%} of what the step's own products reach by themselves"
    )
