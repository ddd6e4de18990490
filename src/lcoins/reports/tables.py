"""Tables of figures for the screen: one block of lines per evaluated set, prediction beside grey floor and truth."""

from collections.abc import Mapping, Sequence

from rich.table import Table

Line = tuple[str, int, Mapping[str, float]]  # set, number of pairs, its figures by name

MEASURES = {
    "psnr": ("PSNR dB ↑", 2),
    "ssim": ("SSIM ↑", 3),
    "lpips_alex": ("LPIPS alex ↓", 3),
    "lpips_vgg": ("LPIPS vgg ↓", 3),
    "lpips_squeeze": ("LPIPS squeeze ↓", 3),
    "colourfulness": ("colourful", 1),
    "colour_word_accuracy": ("words ↑", 3),
    "colour_word_swapped": ("swapped ↓", 3),
}


def quality_table(lines: Sequence[Line]) -> Table:
    """The protocol's figures. "words" is the share of instances in the colour that their word asks for; "swapped" the
    share in the colour of another instance of the picture."""
    shown = [name for name in MEASURES if any(name in figures for _, _, figures in lines)]
    table = Table("set", "pairs", "", title="Mean over pairs")
    for name in shown:
        table.add_column(MEASURES[name][0], justify="right")
    for title, pairs, figures in lines:
        lead = (title, str(pairs))
        for label, pattern in (("predicted", "{}"), ("grey", "grey_{}"), ("truth", "{}_truth")):
            table.add_row(*lead, label, *(_cell(figures, pattern.format(name), name) for name in shown))
            lead = ("", "")
        words = {"chance": "chance", "chance, named": "chance_among_named", "recoloured": "recoloured_word_accuracy"}
        for label, figure in words.items():
            if figure in figures:
                cells = (_cell(figures, figure, name) if name == "colour_word_accuracy" else "" for name in shown)
                table.add_row("", "", label, *cells)
        table.add_section()
    return table


def recolouring_table(lines: Sequence[Line]) -> Table:
    """Reaction to one exchanged colour word; gain = towards - control is 0 for a model that ignores the new word."""
    table = Table(title="One colour word exchanged: CIELAB ab units, and shares of the pairs")
    for head in ("set", "pairs", "shift", "towards", "control", "gain", "share towards", "nearer", "hit (chance)"):
        table.add_column(head, justify="left" if head == "set" else "right")
    for title, _, figures in lines:
        if "recolour_gain" not in figures:
            continue
        f = {name.removeprefix("recolour_"): value for name, value in figures.items()}
        table.add_row(
            title,
            f"{f['pairs']:.0f}",
            *(f"{f[name]:.2f}" for name in ("shift", "towards", "control")),
            f"{f['gain']:.2f} ± {f['gain_error']:.2f}",
            *(f"{f[name]:.2f}" for name in ("toward_share", "nearer")),
            f"{f['hit']:.2f} ({f['hit_chance']:.2f})",
        )
    return table


def _cell(figures: Mapping[str, float], figure: str, measure: str) -> str:
    return f"{figures[figure]:.{MEASURES[measure][1]}f}" if figure in figures else ""
