"""`lcoins data …`: the commands that build, check, show, pack and time captioned photos."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from lcoins.cli import data_build, data_describe
from lcoins.wording import counted

app = typer.Typer(
    name="data",
    help="Build the public data sets or your own, check, preview and pack them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(data_build.app)
app.command()(data_describe.describe)
app.command()(data_describe.agreement)


@app.callback()
def data() -> None:
    """Build the public data sets or your own, check, preview and pack them."""


@app.command()
def pack(
    root: Annotated[Path, typer.Argument(help="The folder of photos.")],
    output: Annotated[
        str, typer.Option("-o", "--output", help="The folder to create, or s3://…; give it as data.train.root.")
    ],
    captions: Annotated[list[Path] | None, typer.Argument(help="Caption lists, whose photos are packed.")] = None,
    instances: Annotated[list[Path] | None, typer.Option(help="COCO-format files, whose photos are packed.")] = None,
    size: Annotated[int, typer.Option(help="Longest short side in pixels; 0 keeps every photo at its size.")] = 256,
    leave_out: Annotated[bool, typer.Option(help="Leave out photos that cannot be read, instead of failing.")] = False,
    threads: Annotated[int | None, typer.Option(help="Photos decoded in parallel; default: one per core.")] = None,
) -> None:
    """Decode photos once for many epochs. If interrupted, it continues when run again, and packs only what changed."""
    from rich.progress import Progress

    from lcoins.data.caption_lists import PAIRS_SUFFIX, read_pairs
    from lcoins.data.coco_format import photo_names
    from lcoins.data.indexed_pairs import list_name
    from lcoins.data.pack_writer import PackProgress, pack_photos
    from lcoins.data.pairs import Pair

    if not captions and not instances:
        raise typer.BadParameter("name caption lists, or --instances FILE, whose photos are to be packed")
    names: set[str] = {photo for path in instances or () for photo in photo_names(path)}
    lists: dict[str, list[Pair]] = {}
    for path in captions or ():
        pairs, problems = read_pairs(path)
        names |= {pair.photo for pair in pairs}
        lists[list_name(path, lists)] = pairs
        if problems:
            typer.secho(
                f"{path}: left out: {counted(len(problems), 'bad row')}; `lcoins data check` names them", err=True
            )
    done = PackProgress()
    with Progress() as progress:
        task = progress.add_task("packing photos", total=len(names))
        steps = pack_photos(root, names, output, size or None, lists=lists, leave_out=leave_out, threads=threads)
        for done in steps:
            progress.update(task, completed=done.photos + len(done.failed))
    for error in done.failed.values():
        typer.secho(str(error), fg="red", err=True)
    typer.echo(
        f"{output}: {counted(done.photos, 'photo')}, {done.bytes / 2**20:,.0f} MiB, "
        f"{counted(done.shards_written, 'shard')} written, {done.shards_kept} kept, not readable: {len(done.failed)}"
    )
    if done.failed and not leave_out:
        typer.secho(
            "The pack is unfinished. Repair these photos, or use --leave-out, and run this command again.", err=True
        )
        raise typer.Exit(1)
    for name in lists:
        typer.echo(shlex.join([f"data.train.root={output}", f"data.train.captions={output}/{name}{PAIRS_SUFFIX}"]))


@app.command()
def speed(
    root: Annotated[Path, typer.Argument(help="The folder of photos, or a pack of them.")],
    captions: Annotated[Path, typer.Argument(help="The caption list.")],
    image_size: Annotated[int, typer.Option(min=1, help="Image size of the training, in pixels.")] = 224,
    workers: Annotated[int, typer.Option(help="Worker processes of the loader (data.workers).")] = 0,
    seconds: Annotated[float, typer.Option(help="Duration of the measurement, after two batches of warm-up.")] = 20.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the samples per second of a training's loader, shuffled, cropped and flipped, from a folder or a pack."""
    import json
    from dataclasses import asdict

    from lcoins.benchmark.loading import measure_loading
    from lcoins.data.caption_lists import read_pairs
    from lcoins.data.photo_store import indexed_pairs

    pairs = indexed_pairs(captions, root) or read_pairs(captions)[0]
    found = measure_loading(root, pairs, image_size, workers, seconds)
    if as_json:
        typer.echo(json.dumps(asdict(found)))
    else:
        worker = f", largest worker {found.worker_mib:,.0f} MiB" if workers else ""
        typer.echo(
            f"{found.samples_per_second:,.0f} samples/s ({found.samples} in {found.seconds:.1f} s), "
            f"peak memory {found.own_mib:,.0f} MiB{worker}"
        )


@app.command()
def check(
    splits: Annotated[list[Path], typer.Argument(help="Folder and caption list, in pairs: one pair per split.")],
    report: Annotated[Path | None, typer.Option("-o", "--report", help="A JSON file for all findings.")] = None,
    longest: Annotated[
        int, typer.Option(help="Word pieces that the model reads (model.text_encoder.max_length).")
    ] = 80,
    strict: Annotated[bool, typer.Option(help="Count warnings as errors.")] = False,
) -> None:
    """Find photos that are missing, broken, duplicated, gray or in two splits: lcoins data check DIR LIST [DIR LIST]…

    Exit status: 0 if the data can be trained on, 1 if it cannot, 2 if a folder or list does not exist.
    """
    from dataclasses import asdict

    from lcoins.cli.printing import print_findings
    from lcoins.data.audit import Split, check_splits
    from lcoins.data.published_lists import without_split
    from lcoins.evaluation.result import write_json
    from lcoins.models.backbones.bert_weights import load_tokenizer

    if len(splits) % 2:
        raise ValueError(f"expected folders and caption lists in pairs, got {len(splits)} paths")
    names = [without_split(path)[1] or path.stem for path in splits[1::2]]
    named = [
        Split(name if names.count(name) == 1 else f"{root.name}/{name}", root, captions)
        for name, root, captions in zip(names, splits[::2], splits[1::2], strict=True)
    ]
    tokenizer = load_tokenizer("minilm")
    findings, counts = check_splits(
        named, lambda caption: len(tokenizer.encode(caption, add_special_tokens=False).ids), longest
    )
    errors = sum(finding.level == "error" for finding in findings)
    if report is not None:
        rows = [asdict(finding) for finding in findings]
        write_json({"splits": counts, "errors": errors, "warnings": len(rows) - errors, "findings": rows}, report)
    print_findings(findings, counts, report)
    if errors or (strict and findings):
        raise typer.Exit(1)


@app.command()
def preview(
    root: Annotated[Path, typer.Argument(help="The folder of photos, or a pack of them.")],
    captions: Annotated[Path, typer.Argument(help="The caption list.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The PNG file to write.")],
    photos: Annotated[int, typer.Option(min=1, max=400, help="Number of photos, drawn at random.")] = 24,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    force: Annotated[bool, typer.Option(help="Overwrite an existing file.")] = False,
) -> None:
    """Draw a sheet to look at before training: photos, captions, their color words and lengths."""
    from random import Random

    from lcoins.data.caption_lists import read_pairs
    from lcoins.data.pairs import by_photo
    from lcoins.data.photo_store import open_photos
    from lcoins.data.validate import ProblemsFound, to_problem
    from lcoins.imaging.decode import PhotoError
    from lcoins.reports.preview import PreviewPhoto, preview_sheet

    if output.exists() and not force:
        raise FileExistsError(f"{output} exists; choose another name, or --force")
    pairs, problems = read_pairs(captions)
    source = open_photos(root)
    listed = by_photo(pairs)
    chosen = Random(seed).sample(sorted(listed), min(photos, len(listed)))
    shown = []
    for photo in chosen:
        try:
            source.check(photo)  # compares a pack's checksums, which load() does not
            picture = source.load(photo, (520, 520))
        except (PhotoError, FileNotFoundError) as error:
            typer.secho(str(to_problem(source, photo, listed[photo], error)), fg="red", err=True)
        else:
            shown.append(PreviewPhoto(photo, picture, [pair.caption for pair in listed[photo]]))
    if not shown:
        raise ProblemsFound(
            f"none of the {len(chosen)} photos drawn can be read; run: lcoins data check {root} {captions}"
        )
    title = f"{captions.name}: {counted(len(listed), 'photo')}, {counted(len(pairs), 'caption')}"
    title += f", {counted(len(problems), 'bad row')}" if problems else ""
    preview_sheet(title, shown, [pair.caption for pair in pairs], output)
    typer.echo(f"wrote {output}")
