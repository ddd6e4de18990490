"""Prints what `lcoins data check` finds, and what `lcoins data build` writes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from lcoins.data.audit import Finding
from lcoins.wording import counted

SHOWN = 3  # findings of each kind and split; the report has all


def print_findings(
    findings: Sequence[Finding],
    counts: Mapping[str, Mapping[str, int]],
    report: Path | None,
    console: Console | None = None,
) -> None:
    """Prints the counts of each split, then each kind of finding, errors first, with examples and advice."""
    console = console or Console()
    for split, numbers in counts.items():
        console.print(
            f"{split}: " + ", ".join(f"{number:,} {what}" for what, number in numbers.items()), highlight=False
        )
    if not findings:
        console.print("no problems found")
        return
    for level, kind, split in sorted({(f.level, f.kind, f.split) for f in findings}):  # "error" before "warning"
        alike = [f for f in findings if (f.level, f.kind, f.split) == (level, kind, split)]
        style = "red" if level == "error" else "yellow"
        line = Text.assemble((f"{level}: {kind}", style), f", {len(alike):,} in {split}: {alike[0].advice}")
        console.print(line, soft_wrap=True)
        for finding in alike[:SHOWN]:
            example = Text(f"    {finding.photo}  {finding.detail}")
            console.print(example, overflow="ellipsis", no_wrap=True)
        if len(alike) > SHOWN:
            console.print(f"    and {len(alike) - SHOWN:,} more", highlight=False)
    errors = sum(f.level == "error" for f in findings)
    console.print(
        f"{errors:,} errors, {len(findings) - errors:,} warnings"
        + (f"; all of them: {report}" if report else "; write all of them to a file with -o"),
        soft_wrap=True,
        highlight=False,
    )


def print_manifest(manifest: Mapping[str, Any], folder: Path, console: Console | None = None) -> None:
    """Prints the manifest of a new data set: counts per split, other figures, and what was left out."""
    console = console or Console()
    for split, counts in manifest["splits"].items():
        first = ", ".join(f"{color} {count:,}" for color, count in list(counts["colors"].items())[:5])
        size = f"{counted(counts['photos'], 'photo')}, {counted(counts['captions'], 'caption')}"
        line = f"{split}: {size} ({first} ...)"
        console.print(line, soft_wrap=True, highlight=False)
    for name, figures in manifest.items():
        if isinstance(figures, dict) and name not in ("splits", "left_out") and figures:
            shown = ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in figures.items())
            console.print(f"{name.replace('_', ' ')}: {shown}", soft_wrap=True, highlight=False)
    for what, count in manifest["left_out"].items():
        kind = what if count == 1 else what.replace("photo", "photos", 1)
        console.print(f"left out: {count:,} {kind}", highlight=False, style="yellow")
    console.print(f"wrote {folder}; its sources are in {folder / 'manifest.json'}", soft_wrap=True, highlight=False)
