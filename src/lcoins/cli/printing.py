"""What `lcoins data check` says on the screen: how many findings of each kind, and the first of each."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from lcoins.data.audit import Finding

SHOWN = 3  # of each kind and split; the report has all


def print_findings(
    findings: Sequence[Finding],
    counts: Mapping[str, Mapping[str, int]],
    report: Path | None,
    console: Console | None = None,
) -> None:
    """Prints the counts of each split, then the kinds of findings, errors first, with examples and what to do."""
    console = console or Console()
    for split, numbers in counts.items():
        console.print(
            f"{split}: " + ", ".join(f"{number:,} {what}" for what, number in numbers.items()), highlight=False
        )
    if not findings:
        console.print("nothing found that hinders a training")
        return
    for level, kind, split in sorted({(f.level, f.kind, f.split) for f in findings}):  # "error" before "warning"
        own = [f for f in findings if (f.level, f.kind, f.split) == (level, kind, split)]
        style = "red" if level == "error" else "yellow"
        line = Text.assemble((f"{level}: {kind}", style), f", {len(own):,} in {split}: {own[0].advice}")
        console.print(line, soft_wrap=True)
        for finding in own[:SHOWN]:
            example = Text(f"    {finding.photo}  {finding.detail}")
            console.print(example, overflow="ellipsis", no_wrap=True)
        if len(own) > SHOWN:
            console.print(f"    and {len(own) - SHOWN:,} more", highlight=False)
    errors = sum(f.level == "error" for f in findings)
    console.print(
        f"{errors:,} errors, {len(findings) - errors:,} warnings"
        + (f"; all of them: {report}" if report else "; name a file with -o for all of them"),
        soft_wrap=True,
        highlight=False,
    )


def print_manifest(manifest: Mapping[str, Any], folder: Path, console: Console | None = None) -> None:
    """Prints what a builder made: counts per split and other figures, and what was left out."""
    console = console or Console()
    for split, counts in manifest["splits"].items():
        first = ", ".join(f"{color} {count:,}" for color, count in list(counts["colors"].items())[:5])
        line = f"{split}: {counts['photos']:,} photos, {counts['captions']:,} captions ({first} ...)"
        console.print(line, soft_wrap=True, highlight=False)
    for name, figures in manifest.items():
        if isinstance(figures, dict) and name not in ("splits", "left_out") and figures:
            shown = ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in figures.items())
            console.print(f"{name.replace('_', ' ')}: {shown}", soft_wrap=True, highlight=False)
    for what, count in manifest["left_out"].items():
        console.print(f"left out: {count:,} {what}", highlight=False, style="yellow")
    console.print(f"wrote {folder}; where all came from: {folder / 'manifest.json'}", soft_wrap=True, highlight=False)
