"""Writes the comparison of runs as one self-contained HTML file, or its tables as Markdown."""

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import jinja2
from PIL import Image

import lcoins
from lcoins.evaluation.averages import LEAST_PHOTOS
from lcoins.evaluation.obedience import chance_level
from lcoins.evaluation.result import sheet_file
from lcoins.files import write_whole
from lcoins.reports.comparison import Comparison, Estimate, Gap
from lcoins.reports.markdown import escaped
from lcoins.reports.metrics import SHORTCUT, WORDS, Metric
from lcoins.reports.obedience_table import obedience_tables
from lcoins.reports.plots import curves_plot, gaps_plot, words_plot

SHEET_WIDTH = 1400  # pixels at most: still easy to read, and a page with 25 sheets of scenes has 19 MB
CURVES = {"val/color_word_accuracy": "share of words right", "val/psnr": "PSNR, dB"}
Entry = dict[str, Any]


def write_page(comparison: Comparison, path: Path, title: str) -> None:
    """Writes the page with its pictures, styles and script inside; it loads nothing from any server."""
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
        least_photos=LEAST_PHOTOS,
        variants=list(comparison.variants),
        runs=len(runs),
        overview=overview(comparison),
        obedience=obedience_tables(comparison.variants),
        plots=[{"svg": svg, "caption": caption} for svg, caption in _plots(comparison)],
        sets=[
            {
                "name": name,
                "pairs": next(len(run.pairs[name]) for run in runs if name in run.pairs),
                "size": " by ".join(map(str, _setting(comparison, name, "size") or ["?"])),
                "chance": _chance(comparison, name),
                "table": set_table(comparison, name),
                "notes": comparison.notes(name),
                "sheets": list(_sheets(comparison, name)),
            }
            for name in comparison.sets
        ],
        folders=[{"folder": str(run.folder), "variant": run.variant, "seed": run.seed} for run in runs],
    )
    write_whole(path, text)


def write_markdown(comparison: Comparison, path: Path, title: str) -> None:
    """Writes the same tables as Markdown, for example for a README."""
    summary = overview(comparison)
    parts = [f"# {title}", *([_markdown(summary)] if summary else [])]
    parts += [f"## Obedience on photos\n\n{_captioned(table)}" for table in obedience_tables(comparison.variants)]
    for name in comparison.sets:
        notes = [f"\n\n{escaped(note)}" for note in comparison.notes(name)]
        parts.append(f"## {escaped(name)}\n\n{_markdown(set_table(comparison, name))}{''.join(notes)}")
    write_whole(path, "\n\n".join(parts) + "\n")


def overview(comparison: Comparison) -> dict[str, Any] | None:
    """Words right by variant and test set, and the luminance shortcut; None if no run was judged on instances."""
    sets = comparison.judged_sets()
    if not sets:
        return None
    shortcut = any(comparison.shortcut(variant) for variant in comparison.variants)
    rows = []
    for variant in comparison.variants:
        cells = [_cell(WORDS, comparison.estimate(s, WORDS, variant), comparison.gap(s, WORDS, variant)) for s in sets]
        if shortcut:
            cells.append(_cell(SHORTCUT, comparison.shortcut(variant), comparison.shortcut_gap(variant)))
        rows.append({"variant": variant, "cells": cells})
    caption = "Words right: instances that have the color of their word, in %"
    if shortcut:
        caption += "; shortcut: words right on counter divided by words right on clear"
    return {"caption": caption, "headings": [*sets, *(["shortcut ↑"] if shortcut else [])], "rows": rows}


def set_table(comparison: Comparison, name: str) -> dict[str, Any]:
    """All metrics of one test set by variant, and how far the groups of different seeds agree."""
    metrics = comparison.metrics(name)
    stable = {variant: comparison.stability(name, variant) for variant in comparison.variants}
    rows = []
    for variant in comparison.variants:
        cells = [_cell(m, comparison.estimate(name, m, variant), comparison.gap(name, m, variant)) for m in metrics]
        if any(value is not None for value in stable.values()):
            value = stable[variant]
            cells.append({"value": value, "text": "" if value is None else f"{value:.2f}", "gap": "", "kind": ""})
        rows.append({"variant": variant, "cells": cells})
    rows += _gray_row(comparison, name, metrics, len(rows[0]["cells"]))
    headings = [metric.heading for metric in metrics]
    if any(value is not None for value in stable.values()):
        headings.append("groups: agreement of seeds ↑")
    return {"caption": "", "headings": headings, "rows": rows}


def _gray_row(comparison: Comparison, name: str, metrics: Sequence[Metric], width: int) -> list[dict[str, Any]]:
    """The row of the gray picture, which has no color: what its figures would be; none if no run measured them."""
    cells = []
    for metric in metrics:
        gray = replace(metric, column=f"gray_{metric.column}")
        estimate = comparison.estimate(name, gray, comparison.baseline) if metric.per is None else None
        cells.append(_cell(gray, estimate and Estimate(estimate.mean, None, ()), None))
    if not any(cell["text"] for cell in cells):
        return []
    empty = [_cell(WORDS, None, None)] * (width - len(cells))
    return [{"variant": "gray picture", "cells": [*cells, *empty]}]


def _cell(metric: Metric, estimate: Estimate | None, gap: Gap | None) -> Entry:
    """A metric and its gap to the baseline as text; ``kind`` is "gain", "loss", or "" if the gap may be chance."""
    if estimate is None:
        return {"value": None, "text": "", "gap": "", "kind": ""}
    text = metric.text(estimate.mean)
    if estimate.deviation is not None:
        text += f" ± {metric.text(estimate.deviation)}"
    if gap is None:
        return {"value": estimate.mean, "text": text, "gap": "", "kind": ""}
    ends = f" [{', '.join(metric.text(end, signed=True) for end in gap.interval)}]" if gap.interval else ""
    shown = f"{metric.text(gap.value, signed=True)}{ends}{' ≈' if gap.may_be_chance else ''}"
    unclear = gap.may_be_chance or metric.shows_zero(gap.value) or not metric.better
    kind = "" if unclear else "gain" if gap.value * metric.better > 0 else "loss"
    return {"value": estimate.mean, "text": text, "gap": shown, "kind": kind}


def _captioned(table: dict[str, Any]) -> str:
    return f"{escaped(table['caption'])}\n\n{_markdown(table)}"


def _markdown(table: dict[str, Any]) -> str:
    lines = [f"| variant | {' | '.join(map(escaped, table['headings']))} |", "|---|" + "---:|" * len(table["headings"])]
    for row in table["rows"]:
        cells = [f"{cell['text']}<br>{cell['gap']}" if cell["gap"] else cell["text"] for cell in row["cells"]]
        lines.append(f"| {escaped(row['variant'])} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _plots(comparison: Comparison) -> Iterator[tuple[str, str]]:
    sets = comparison.judged_sets()
    if sets:
        yield (
            words_plot(comparison, sets),
            "Words right by variant and test set: one point per seed, a bar at the mean.",
        )
    if sets and len(comparison.variants) > 1:
        yield (
            gaps_plot(comparison, sets),
            f"Gap in words right to {comparison.baseline}, with 95 % intervals; hollow if the interval contains 0.",
        )
    for column, title in CURVES.items():
        curve = curves_plot(comparison, column, title)
        if curve is not None:
            yield curve, f"Validation after each epoch: {title}; mean over seeds, shaded from lowest to highest."


def _sheets(comparison: Comparison, name: str) -> Iterator[Entry]:
    """The contact sheets of each variant's first seed, as JPEG data for the page."""
    for variant, runs in comparison.variants.items():
        path = sheet_file(runs[0].folder / "test", name)
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
