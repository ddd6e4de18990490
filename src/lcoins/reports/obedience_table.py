"""Systems side by side in the benchmark of obedience: one table for each set of questions and photos."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any

from lcoins.reports.load_runs import Run
from lcoins.wording import counted

FIGURES = {"hit": "hit ↑", "way": "way ↑", "spill": "spill ↓", "stray": "stray ↓", "both": "both ↑"}
BESIDE = {"gray": "gray", "truth": "photo itself", "oracle": "oracle"}  # what stands beside the systems
Table = dict[str, Any]


def obedience_tables(systems: Mapping[str, Sequence[Run]]) -> list[Table]:
    """One table for each set of questions: its caption, headings, and rows of cells, in the form of a report's page.

    A cell holds ``value``, the mean over runs, None if it was not measured, ``text`` with the deviation over runs, and
    ``gap``, which of a single run is the interval over photos. ``columns`` names task and figure of each column.

    Args:
        systems: label of a row -> its runs, which differ in their seed.
    """
    asked = dict.fromkeys(at for runs in systems.values() for run in runs for at in run.obedience)
    return [
        _table({name: [run.obedience[at] for run in runs if at in run.obedience] for name, runs in systems.items()})
        for at in asked
    ]


def _table(systems: Mapping[str, Sequence[Mapping[str, Any]]]) -> Table:
    first = next(results[0] for results in systems.values() if results)
    own = {name: [result["figures"]["system"] for result in results] for name, results in systems.items() if results}
    figures = {title: [first["figures"][name]] for name, title in BESIDE.items()} | own
    tasks = {task: first["figures"]["oracle"][task] for task in first["settings"]["questions"]}
    columns = [(task, figure) for task, measured in tasks.items() for figure in FIGURES if figure in measured]
    settings = first["settings"]
    seen_by = f" after {settings['augmentation']}" if settings.get("augmentation") else ""
    return {
        "caption": (
            f"Things of {counted(settings['photos']['read'], 'photo')}{seen_by} asked for in colors, at "
            f"{settings['image_size']} px ({settings['files']['instances']['name']}, seed {settings['seed']}): share "
            f"that took the color, way towards it, and movement of all else over that of the thing. Of one run: the "
            f"95 % interval over photos."
        ),
        "headings": [f"{task}, {tasks[task]['things']:,}: {FIGURES[figure]}" for task, figure in columns],
        "columns": columns,
        "things": [tasks[task]["things"] for task, _ in columns],
        "rows": [
            {
                "variant": name,
                "cells": [_cell([result[task].get(figure) for result in results]) for task, figure in columns],
            }
            for name, results in figures.items()
        ],
    }


def _cell(results: Sequence[Sequence[Any] | None]) -> dict[str, Any]:
    """A figure of several runs, each with the ends of its interval; None where nothing moved, so there is no share.

    The ends are None over a few photos, which give no interval.
    """
    values = [result[0] for result in results if result is not None]
    if not values:
        return {"value": None, "deviation": None, "runs": 0, "text": "", "gap": "", "kind": ""}
    deviation = stdev(values) if len(values) > 1 else None
    low, high = next(result[1:] for result in results if result is not None)
    return {
        "value": mean(values),
        "deviation": deviation,
        "runs": len(values),
        "text": f"{mean(values):.2f}" + ("" if deviation is None else f" ± {deviation:.2f}"),
        "gap": "" if deviation is not None or low is None or low == high else f"[{low:.2f}, {high:.2f}]",
        "kind": "",
    }
