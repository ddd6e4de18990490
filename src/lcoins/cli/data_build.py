"""`lcoins data build …`: the commands that write caption lists and a manifest, of public data sets or own photos."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from lcoins.locks import locked

Force = Annotated[bool, typer.Option("--force", help="Replace the lists of an earlier build that differ.")]
app = typer.Typer(name="build", help="Build a public data set, or one from a folder of your own.", no_args_is_help=True)


@app.command("extended_coco_stuff")
def extended_coco_stuff(
    lists: Annotated[Path, typer.Option(help="Folder with L-CoDe's lists, or COCO's captions_train2017.json.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to create.")],
    coco: Annotated[Path | None, typer.Option(help="Folder with train2017/; without it no photo is read.")] = None,
    keep_gray: Annotated[bool, typer.Option(help="Keep grayscale photos in the training list.")] = False,
    force: Force = False,
) -> None:
    """Extended COCO-Stuff: COCO 2017 photos, captions with colors, and pairs of object and color word."""
    from lcoins.cli.printing import print_manifest
    from lcoins.data.build.coco_stuff import build_extended_coco_stuff

    with locked(output):
        manifest, missing = build_extended_coco_stuff(lists, coco, output, keep_gray, force)
    print_manifest(manifest, output)
    root = coco or Path("COCO")
    _say_next(output, root / "train2017", root / "val2017", list(manifest["splits"]))
    if missing:
        typer.secho("\n".join(["Not found; download by hand if you want them:", *missing]), fg="yellow", err=True)
    if len(manifest["splits"]) < 3:
        raise typer.Exit(1)


@app.command("folder")
def folder(
    photos: Annotated[Path, typer.Argument(help="Your photos.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to create.")],
    captions: Annotated[Path | None, typer.Option(help="Caption list; without it photo.txt beside each photo.")] = None,
    val: Annotated[float, typer.Option(help="Share of the photos for validation.")] = 0.1,
    test: Annotated[float, typer.Option(help="Share of the photos for testing.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    keep_gray: Annotated[bool, typer.Option(help="Keep grayscale photos.")] = False,
    force: Force = False,
) -> None:
    """Your own photos with captions, split by photo into training, validation and test set."""
    from lcoins.cli.printing import print_manifest
    from lcoins.data.build.own_photos import build_folder

    with locked(output):
        manifest = build_folder(photos, captions, output, val, test, seed, keep_gray, force)
    print_manifest(manifest, output)
    _say_next(output, photos, photos, list(manifest["splits"]))


@app.command("multi_instance")
def multi_instance(
    test_list: Annotated[Path, typer.Option(help="The published test list, COCO-LC's Multi-instances.json.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to create.")],
    mdetr: Annotated[list[Path] | None, typer.Option(help="MDETR's final_mixed_train.json or a similar file.")] = None,
    narratives: Annotated[list[Path] | None, typer.Option(help="Localized Narratives, *_captions.jsonl.")] = None,
    entities: Annotated[list[Path] | None, typer.Option(help="Flickr30k Entities: folder with Sentences/.")] = None,
    expressions: Annotated[list[Path] | None, typer.Option(help="Expressions over GQA photos, JSONL.")] = None,
    photos: Annotated[list[str] | None, typer.Option(help="Folders of photos: coco=DIR, vg=DIR, GQA=DIR …")] = None,
    coco_list: Annotated[Path | None, typer.Option(help="obj2col.json, to find the overlap.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Largest number of training photos.")] = 65_000,
    seed: Annotated[int, typer.Option(help="Seed of the choice of photos.")] = 0,
    copy: Annotated[bool, typer.Option(help="Copy photos instead of linking them.")] = False,
    force: Force = False,
) -> None:
    """Multi-instance: the published test list, and a training set rebuilt from MDETR, narratives and expressions."""
    from lcoins.cli.printing import print_manifest
    from lcoins.data.build.multi_instance import build_multi_instance

    given = {"mdetr": mdetr, "narratives": narratives, "entities": entities, "expressions": expressions}
    roots = {}
    for argument in photos or []:
        prefix, equals, folder = argument.partition("=")
        if not equals:
            raise ValueError(f"--photos takes SOURCE=FOLDER, as in coco=/data/coco, not {argument!r}")
        roots[prefix] = Path(folder)
    raw = [(kind, path) for kind, paths in given.items() for path in paths or []]
    with locked(output):
        manifest = build_multi_instance(
            test_list, raw, output, photos=roots, coco_list=coco_list, limit=limit, seed=seed, copy=copy, force=force
        )
    print_manifest(manifest, output)
    if roots:
        _say_next(output, output / "photos" / "train", output / "photos" / "val", list(manifest["splits"]))
    if not raw:
        from lcoins.data.build.raw_sources import ORIGINS

        lines = [f"  --{kind} from {origin}" for kind, (origin, _) in ORIGINS.items()]
        typer.secho("\n".join(["A training set needs sources; download by hand:", *lines]), fg="yellow", err=True)


def _say_next(built: Path, train_root: Path, val_root: Path, splits: list[str]) -> None:
    """Prints the training command for the new data set, which validates on the test set if there is no other."""
    if "train" not in splits:
        return
    val = "val" if "val" in splits else "test"
    roots = {"train": (train_root, "train"), "val": (val_root, val)}
    roots |= {f"tests.{name}": (val_root, name) for name in splits if name.startswith("test")}
    words = []
    for name, (root, file) in roots.items():
        plus = "+" if name.startswith("tests.test_") else ""  # Hydra's sign for a key that the config does not have
        captions = built / f"{file}.json"
        words.append(shlex.join([f"{plus}data.{name}.root={root}", f"{plus}data.{name}.captions={captions}"]))
    typer.echo(" \\\n    ".join(["next: lcoins train data=photos system=lcoins_small", *words]))
