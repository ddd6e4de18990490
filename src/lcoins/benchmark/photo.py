"""Where the time goes when one photo is colored: stage by stage, in this process, with its peak memory."""

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
from lcoins.color import lab
from lcoins.color.words import find_colors
from lcoins.colorize.edges import follow_edges
from lcoins.colorize.photo import ColorizationSystem, lightness_for_network, recompose
from lcoins.colorize.word_effect import words_without_effect
from lcoins.data.scenes.dataset import Scenes
from lcoins.imaging.read import read_gray_photo
from lcoins.imaging.write import OUTPUT_FORMATS

SENTENCE = "a red star on the left and a blue ring on the right"


@dataclass
class Stages:
    """Seconds of each stage, in order, and the process's peak memory in MiB so far."""

    seconds: dict[str, float] = field(default_factory=dict)
    peak_mib: float = 0.0

    def timed(self, name: str, work: Callable[[], Any]) -> Any:
        """Runs ``work`` and notes its time under ``name``."""
        start = time.perf_counter()
        result = work()
        self.seconds[name] = time.perf_counter() - start
        return result


def drawn_photo(path: Path, megapixels: float) -> None:
    """Writes a drawn scene of 4 by 3, enlarged to ``megapixels`` million pixels, as a JPEG."""
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    scene = Image.fromarray((Scenes("clear", 1, 256)[0].rgb.permute(1, 2, 0).numpy() * 255).round().astype("uint8"))
    scene.resize((width, round(width * 3 / 4)), Image.Resampling.BICUBIC).save(path, quality=92)


def measure(load: Callable[[], ColorizationSystem], photo: Path, sentence: str) -> Stages:
    """Loads a system and colors one photo, as ``lcoins colorize`` does; the network is warmed up by one pass."""
    found = Stages()
    colorizer = found.timed("load the system", load)
    size = colorizer.image_size
    found.timed("first pass of the network", lambda: colorizer.colorize(torch.zeros(1, 1, size, size), [sentence]))
    lightness = found.timed("read the photo's lightness", lambda: read_gray_photo(photo).lightness)
    seen = found.timed("shrink", lambda: lightness_for_network(colorizer, lightness, "cpu"))
    ab = found.timed("network", lambda: lab.from_network_ab(colorizer.colorize(seen, [sentence]).ab.float()))
    slope, offset = follow_edges(lab.from_network_lightness(seen), ab)
    picture = found.timed("enlarge, fit the gamut, join", lambda: recompose(lightness, offset, slope))
    words = len(find_colors(sentence))
    found.timed(f"listen for {words} words", lambda: words_without_effect(colorizer, seen, sentence))
    jpeg = OUTPUT_FORMATS[".jpg"]
    with tempfile.TemporaryFile() as file:
        found.timed("write a JPEG", lambda: picture.save(file, format=jpeg.name, **jpeg.options))
    found.peak_mib = peak_mib()
    return found


def table(found: Stages, title: str) -> Table:
    """The stages to print, and under them what a photo costs once the system is loaded."""
    result = Table(title=title)
    result.add_column("stage")
    result.add_column("seconds", justify="right")
    for name, seconds in found.seconds.items():
        result.add_row(name, f"{seconds:.3f}")
    loading = ("load the system", "first pass of the network")
    whole = sum(seconds for name, seconds in found.seconds.items() if name not in loading)
    result.add_section()
    result.add_row("one photo, after loading", f"{whole:.3f}")
    result.add_row("peak memory, MiB", f"{found.peak_mib:.0f}")
    return result
