"""What `lcoins data check` says on the screen: how many findings of each kind, and the first of each."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lcoins.data.check import Finding

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
    table = Table(box=SIMPLE_HEAD)
    for heading in ("", "split", "count", "for example"):
        table.add_column(heading, justify="right" if heading == "count" else "left", overflow="fold")
    kinds = sorted({(f.level, f.kind, f.split) for f in findings})  # "error" comes before "warning"
    for level, kind, split in kinds:
        own = [f for f in findings if (f.level, f.kind, f.split) == (level, kind, split)]
        examples = [" ".join(part for part in (f.photo, f.detail) if part) for f in own[:SHOWN]]
        text = "\n".join(
            [*examples, *([f"and {len(own) - SHOWN:,} more"] if len(own) > SHOWN else []), f"→ {own[0].advice}"]
        )
        style = "red" if level == "error" else ""
        table.add_row(f"{level}: {kind}", split, f"{len(own):,}", text, style=style)
    console.print(table)
    errors = sum(f.level == "error" for f in findings)
    console.print(f"{errors:,} errors, {len(findings) - errors:,} warnings" + (f"; all of them: {report}" if report else
                  "; name a file with -o for all of them"), soft_wrap=True, highlight=False)  # fmt: skip
