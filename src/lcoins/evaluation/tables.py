"""Tables of figures for the screen: one block of lines per evaluated set, prediction beside gray floor and truth."""

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

Line = tuple[str, int, Mapping[str, float]]  # set, number of pairs, its figures by name

MEASURES = {
    "psnr": ("PSNR\ndB ↑", 2),
    "ssim": ("SSIM\n↑", 3),
    "lpips_alex": ("LPIPS\nalex ↓", 3),
    "lpips_vgg": ("LPIPS\nvgg ↓", 3),
    "lpips_squeeze": ("LPIPS\nsqueeze", 3),
    "colorfulness": ("color-\nful", 1),
    "color_word_accuracy": ("words\n↑", 3),
    "color_word_swapped": ("swapped\n↓", 3),
}

WORD_LINES = {
    "chance": "chance",
    "chance, named": "chance_among_named",
    "recolored": "recolored_word_accuracy",
}
RECOLORING = {
    "pairs": "{recolor_pairs:.0f}",
    "shift of the whole picture": "{recolor_shift:.2f}",
    "towards the new word": "{recolor_towards:.2f}",
    "towards the other words (control)": "{recolor_control:.2f}",
    "gain, 0 without reading": "{recolor_gain:.2f} ± {recolor_gain_error:.2f}",
    "share of pairs towards": "{recolor_toward_share:.2f}",
    "share of pairs nearer": "{recolor_nearer:.2f}",
    "new word recognized (chance)": "{recolor_hit:.2f} ({recolor_hit_chance:.2f})",
}


def quality_table(lines: Sequence[Line]) -> Table:
    """The protocol's figures. "words" is the share of instances in the color that their word asks for; "swapped" the
    share in the color of another instance of the picture."""
    shown = [name for name in MEASURES if any(name in figures for _, _, figures in lines)]
    table = Table(title="Mean over pairs", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for name in shown:
        table.add_column(MEASURES[name][0], justify="right")
    for title, pairs, figures in lines:
        for label, pattern in ((f"{title}, {pairs}", "{}"), ("  gray", "gray_{}"), ("  truth", "{}_truth")):
            table.add_row(label, *(_cell(figures, pattern.format(name), name) for name in shown))
        for label, figure in WORD_LINES.items():
            if figure in figures:
                cells = (_cell(figures, figure, name) if name == "color_word_accuracy" else "" for name in shown)
                table.add_row(f"  {label}", *cells)
        table.add_section()
    return table


def recoloring_table(lines: Sequence[Line]) -> Table:
    """Reaction to one exchanged color word; gain = towards - control is 0 for a model that ignores the new word."""
    measured = [(title, figures) for title, _, figures in lines if "recolor_gain" in figures]
    table = Table(title="One color word exchanged (ab units; shares of the pairs)", box=SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    for title, _ in measured:
        table.add_column(title, justify="right")
    for label, pattern in RECOLORING.items():
        table.add_row(label, *(pattern.format(**figures) for _, figures in measured))
    return table


def _cell(figures: Mapping[str, float], figure: str, measure: str) -> str:
    return f"{figures[figure]:.{MEASURES[measure][1]}f}" if figure in figures else ""
