"""Times coloring one photo stage by stage, in this process, and measures its peak memory."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from rich.table import Table

from lcoins.benchmark.loading import peak_mib
from lcoins.color.reading import read_sentence
from lcoins.colorize.photo import along_edges, lightness_for_network, network_ab, recompose
from lcoins.colorize.word_effect import word_effects
from lcoins.data.scenes.dataset import Scenes
from lcoins.imaging.read import read_gray_photo
from lcoins.imaging.write import OUTPUT_FORMATS
from lcoins.models.colorizer import ColorizationSystem

SENTENCE = "a red star on the left and a blue ring on the right"


@dataclass
class StageTimes:
    """Seconds of each stage, in order, and the peak memory of the process in MiB."""

    seconds: dict[str, float] = field(default_factory=dict)
    peak_mib: float = 0.0

    def timed(self, name: str, work: Callable[[], Any]) -> Any:
        """Runs ``work`` and records its time under ``name``."""
        start = time.perf_counter()
        result = work()
        self.seconds[name] = time.perf_counter() - start
        return result


def drawn_photo(path: Path, megapixels: float) -> None:
    """Writes a drawn scene in 4:3, enlarged to ``megapixels`` million pixels, as a JPEG."""
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    scene = Image.fromarray((Scenes("clear", 1, 256)[0].rgb.permute(1, 2, 0).numpy() * 255).round().astype("uint8"))
    scene.resize((width, round(width * 3 / 4)), Image.Resampling.BICUBIC).save(path, quality=92)


def time_photo(load: Callable[[], ColorizationSystem], photo: Path, sentence: str) -> StageTimes:
    """Loads a system and colors one photo as ``lcoins colorize`` does; one pass warms the network up first."""
    times = StageTimes()
    colorizer = times.timed("load the system", load)
    size = colorizer.image_size
    times.timed("first pass of the network", lambda: colorizer.colorize(torch.zeros(1, 1, size, size), [sentence]))
    lightness = times.timed("read the photo's lightness", lambda: read_gray_photo(photo).lightness)
    small_lightness = times.timed("shrink", lambda: lightness_for_network(colorizer, lightness, "cpu"))
    ab = times.timed("network", lambda: network_ab(colorizer, small_lightness, sentence))
    slope, offset = along_edges(small_lightness, ab)
    picture = times.timed("enlarge, fit into the gamut, join", lambda: recompose(lightness, offset, slope))
    words = len(read_sentence(sentence).colors)
    times.timed(f"test the effect of {words} words", lambda: word_effects(colorizer, small_lightness, sentence, ab))
    jpeg = OUTPUT_FORMATS[".jpg"]
    with tempfile.TemporaryFile() as file:
        times.timed("write a JPEG", lambda: picture.save(file, format=jpeg.name, **jpeg.options))
    times.peak_mib = peak_mib()
    return times


def stage_table(times: StageTimes, title: str) -> Table:
    """The stages as a table to print, with what a photo takes once the system is loaded."""
    result = Table(title=title)
    result.add_column("stage")
    result.add_column("seconds", justify="right")
    for name, seconds in times.seconds.items():
        result.add_row(name, f"{seconds:.3f}")
    loading = ("load the system", "first pass of the network")
    whole = sum(seconds for name, seconds in times.seconds.items() if name not in loading)
    result.add_section()
    result.add_row("one photo, after loading", f"{whole:.3f}")
    result.add_row("peak memory, MiB", f"{times.peak_mib:.0f}")
    return result
