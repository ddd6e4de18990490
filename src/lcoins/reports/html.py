"""The comparison of runs as one HTML file that needs nothing else: tables, plots and contact sheets; or as Markdown."""

import base64
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import jinja2
from PIL import Image

import lcoins
from lcoins.evaluation.obedience import chance_level
from lcoins.files import write_whole
from lcoins.reports.comparison import SHORTCUT, WORDS, Comparison, Figure, Gap, Measure
from lcoins.reports.plots import curves_plot, gaps_plot, words_plot

SHEET_WIDTH = 1400  # pixels at most: read comfortably; a page of 25 sheets of scenes has 19 MB
CURVES = {"val/color_word_accuracy": "share of words right", "val/psnr": "PSNR, dB"}
Entry = dict[str, Any]


def write_page(comparison: Comparison, path: Path, title: str) -> None:
    """Writes the page, whole; it holds its pictures, styles and script itself and asks no server for anything."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("lcoins.reports", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    runs = [run for runs in comparison.variants.values() for run in runs]
    text = environment.get_template("page.html.j2").render(
        title=title,
        version=lcoins.__version__,
        date=date.today().isoformat(),
        baseline=comparison.baseline,
        variants=list(comparison.variants),
        runs=len(runs),
        overview=overview(comparison),
        plots=[{"svg": svg, "caption": caption} for svg, caption in _plots(comparison)],
        sets=[
            {
                "name": name,
                "pairs": next(len(run.pairs[name]) for run in runs if name in run.pairs),
                "size": " by ".join(map(str, _setting(comparison, name, "size") or ["?"])),
                "chance": _chance(comparison, name),
                "table": set_table(comparison, name),
                "sheets": list(_sheets(comparison, name)),
            }
            for name in comparison.sets
        ],
        folders=[{"folder": str(run.folder), "variant": run.variant, "seed": run.seed} for run in runs],
    )
    write_whole(path, text)


def write_markdown(comparison: Comparison, path: Path, title: str) -> None:
    """Writes the same tables as Markdown, whole, to be put into a README."""
    tables = [(name, set_table(comparison, name)) for name in comparison.sets]
    first = overview(comparison)
    parts = [f"# {title}", *([_markdown(first)] if first else [])]
    parts += [f"## {name}\n\n{_markdown(table)}" for name, table in tables]
    write_whole(path, "\n\n".join(parts) + "\n")


def overview(comparison: Comparison) -> dict[str, Any] | None:
    """Words right by variant and test set, and the luminance shortcut; None where no run was judged on instances."""
    sets = comparison.judged_sets()
    if not sets:
        return None
    shortcut = any(comparison.shortcut(variant) for variant in comparison.variants)
    rows = []
    for variant in comparison.variants:
        cells = [_cell(WORDS, comparison.figure(s, WORDS, variant), comparison.gap(s, WORDS, variant)) for s in sets]
        if shortcut:
            cells.append(_cell(SHORTCUT, comparison.shortcut(variant), comparison.shortcut_gap(variant)))
        rows.append({"variant": variant, "cells": cells})
    caption = "Words right, % of the instances in the color of their word"
    if shortcut:
        caption += "; luminance shortcut: words right on counter over words right on clear"
    return {"caption": caption, "headings": [*sets, *(["shortcut ↑"] if shortcut else [])], "rows": rows}


def set_table(comparison: Comparison, name: str) -> dict[str, Any]:
    """All measures of one test set by variant, and how far the groups of different seeds agree."""
    measures = comparison.measures(name)
    stable = {variant: comparison.stability(name, variant) for variant in comparison.variants}
    rows = []
    for variant in comparison.variants:
        cells = [_cell(m, comparison.figure(name, m, variant), comparison.gap(name, m, variant)) for m in measures]
        if any(value is not None for value in stable.values()):
            value = stable[variant]
            cells.append({"value": value, "text": "" if value is None else f"{value:.2f}", "gap": "", "kind": ""})
        rows.append({"variant": variant, "cells": cells})
    headings = [measure.heading for measure in measures]
    if any(value is not None for value in stable.values()):
        headings.append("groups: agreement of seeds ↑")
    return {"caption": "", "headings": headings, "rows": rows}


def _cell(measure: Measure, figure: Figure | None, gap: Gap | None) -> Entry:
    """A figure as text, its gap to the baseline below; the gap's kind is gain, loss or "" where it may be chance."""
    if figure is None:
        return {"value": None, "text": "", "gap": "", "kind": ""}
    text = measure.text(figure.mean)
    if figure.deviation is not None:
        text += f" ± {measure.text(figure.deviation)}"
    if gap is None:
        return {"value": figure.mean, "text": text, "gap": "", "kind": ""}
    low, high = measure.text(gap.low, signed=True), measure.text(gap.high, signed=True)
    shown = f"{measure.text(gap.value, signed=True)} [{low}, {high}]{' ≈' if gap.inside else ''}"
    kind = "" if gap.inside or not measure.better else "gain" if gap.value * measure.better > 0 else "loss"
    return {"value": figure.mean, "text": text, "gap": shown, "kind": kind}


def _markdown(table: dict[str, Any]) -> str:
    lines = [f"| variant | {' | '.join(table['headings'])} |", "|---|" + "---:|" * len(table["headings"])]
    for row in table["rows"]:
        cells = [f"{cell['text']}<br>{cell['gap']}" if cell["gap"] else cell["text"] for cell in row["cells"]]
        lines.append(f"| {row['variant']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _plots(comparison: Comparison) -> Iterator[tuple[str, str]]:
    sets = comparison.judged_sets()
    if sets:
        yield (
            words_plot(comparison, sets),
            "Words right by variant and test set: one point per seed, a bar at their mean.",
        )
    if sets and len(comparison.variants) > 1:
        yield gaps_plot(comparison, sets), f"Gap in words right to {comparison.baseline}, with 95 % intervals."
    for column, title in CURVES.items():
        curve = curves_plot(comparison, column, title)
        if curve is not None:
            yield curve, f"Validation after each epoch: {title}; mean over the seeds, shaded from least to most."


def _sheets(comparison: Comparison, name: str) -> Iterator[Entry]:
    """The contact sheets of the first seed of each variant, as JPEG inside the page."""
    for variant, runs in comparison.variants.items():
        path = runs[0].folder / "test" / f"{name}_sheet.png"
        if path.is_file():
            with Image.open(path) as sheet:
                picture = sheet.convert("RGB")
            picture.thumbnail((SHEET_WIDTH, 10**6))
            file = io.BytesIO()
            picture.save(file, "JPEG", quality=82)
            data = f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
            yield {"variant": variant, "seed": runs[0].seed, "data": data}


def _setting(comparison: Comparison, name: str, key: str) -> Any:
    return next(r.settings[name].get(key) for runs in comparison.variants.values() for r in runs if name in r.settings)


def _chance(comparison: Comparison, name: str) -> str:
    palette = _setting(comparison, name, "palette")
    return f"{100 * chance_level(palette):.0f} %" if palette else ""
