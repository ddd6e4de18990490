"""`lcoins data describe` and `agreement`: captions from masks, and how far their color names are people's."""

from pathlib import Path
from typing import Annotated

import typer

from lcoins.wording import counted


def describe(
    photos: Annotated[Path, typer.Argument(help="The folder of photos, or a pack of them.")],
    instances: Annotated[Path, typer.Argument(help="Masks of their things: JSON in COCO's format.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The caption list to write, *.json.")],
    captions: Annotated[int, typer.Option(min=1, help="Sentences of a photo, at most.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of what is said and how.")] = 0,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Photos described in parallel; default: one per core.")
    ] = None,
) -> None:
    """Write captions of photos with masks, exact object-color pairs and the instances meant.

    If interrupted, it continues when run again. The number of processes changes no letter.
    """
    from rich.progress import Progress

    from lcoins.data.describe_photos import describe_photos
    from lcoins.data.described_files import DescribedFiles
    from lcoins.data.validate import DESCRIBED, MISSING

    files = DescribedFiles(output)
    progress = None
    with Progress() as bar:
        task = bar.add_task("describing photos", total=None)
        for progress in describe_photos(photos, instances, output, captions=captions, seed=seed, processes=processes):
            bar.update(task, total=progress.total, completed=progress.photos)
    if progress is None:
        typer.echo(f"{output} is finished, with the same options; nothing to do")
        return
    if missing := progress.left_out[MISSING]:  # an outlines file often names photos of a larger set
        lacking = f"{instances} names {counted(missing, 'photo')} that {photos} lacks, of {progress.total:,}"
        typer.secho(lacking, fg="red", err=True)
    for problem in files.problems(DESCRIBED, without=MISSING):
        typer.secho(str(problem), fg="red", err=True)
    typer.echo(
        f"{output}: {counted(progress.described, 'photo')}, {counted(progress.captions, 'caption')}, "
        f"{counted(progress.colored, 'thing')} with a color; {counted(progress.silent, 'photo')} with nothing sure "
        "to be said of" + "".join(f", {count:,} left out: {what}" for what, count in progress.left_out.items())
    )
    written = (files.object_colors, files.instances, files.left_out, files.manifest)
    typer.echo(f"beside it: {', '.join(path.name for path in written)}")


def agreement(
    photos: Annotated[Path, typer.Argument(help="The folder of photos, or a pack of them.")],
    instances: Annotated[Path, typer.Argument(help="Masks of their things: JSON in COCO's format.")],
    captions: Annotated[Path, typer.Argument(help="People's captions, which name colors.")],
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Only the half of the photos that the names were not tuned on.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare the color names of `describe` with people's words: how often named, and how often as people do.

    A person's word stands directly before the name of a kind of which the photo has exactly one.
    """
    import json

    from rich.console import Console
    from rich.table import Table

    from lcoins.data.color_agreement import measure_agreement

    found = measure_agreement(photos, instances, captions, held_out=held_out)
    two = {"two_colored": found.two_colored, "two_colored_unnamed": found.two_colored_unnamed}
    if as_json:
        typer.echo(json.dumps({"all": found.row() | two} | {color: found.row(color) for color in found.colors}))
        return
    table = Table("people say", "asked", "named", "right", "near", "precision", "or near", "coverage", box=None)
    for color in (None, *found.colors):
        row = found.row(color)
        counts = [str(row[name]) for name in ("asked", "named", "right", "near")]
        shares = [f"{row[name]:.3f}" for name in ("precision", "precision_near", "coverage")]
        table.add_row(color or "all", *counts, *shares)
    Console().print(table)
    typer.echo(f"{found.two_colored} things are two-colored to people; {found.two_colored_unnamed} of them got no name")
