"""The ``lcoins`` command. Imports of torch, Hydra and the like wait inside the commands, so that help is fast."""

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from lcoins.cli import completion, data, photos, report, service, study
from lcoins.cli.errors import TRACEBACK_WANTED, explain, say
from lcoins.cli.spin import bound_spin, spin_setting

app = typer.Typer(
    name="lcoins",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(data.app)
app.add_typer(report.app)
app.add_typer(study.app)
app.add_typer(photos.app)
app.command()(service.serve)
app.add_typer(completion.app)
infer_app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
OVERRIDES = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def _print_versions(wanted: bool) -> None:
    """Prints in one line what a report of a fault needs to name, then ends the command."""
    if wanted:
        from importlib.metadata import version
        from platform import platform, python_version

        from lcoins.code_version import code_version

        code = code_version()
        lcoins = f"lcoins {code['lcoins']}"
        if "commit" in code:
            lcoins += f", commit {code['commit'][:7]}" + (" with changes" if code["changed"] else "")
        typer.echo(f"{lcoins}; torch {version('torch')}; Python {python_version()}; {platform()}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_versions, is_eager=True, help="Show versions and exit.")
    ] = False,
) -> None:
    """Language-based image colorization: gray photo and sentence in, the right instance in the right color out."""


@app.command(context_settings=OVERRIDES)
def train(context: typer.Context) -> None:
    """Train, then evaluate the best checkpoint. Takes Hydra overrides: data=… system=… ablation=…; -m for sweeps."""
    _run("train", context.args)


@app.command("eval", context_settings=OVERRIDES)
def evaluate(context: typer.Context) -> None:
    """Evaluate a run by the paper's protocol: run=FOLDER; data=photos data.tests.test.root=… for other photos.

    checkpoint=builtin or a package evaluates that; data=obedience asks for single things of photos in colors.
    """
    _run("eval", context.args)


@app.command(context_settings=OVERRIDES)
def info(context: typer.Context) -> None:
    """Count parameters and multiply-adds, part by part, without allocating them: system=… ablation=… --json."""
    _run("info", context.args)


@app.command(context_settings=OVERRIDES)
def bench(context: typer.Context) -> None:
    """Measure samples per second, step time and peak memory of training and inference: system=… ablation=… --json.

    `lcoins bench infer --checkpoint FILE` times the coloring of one photo instead, stage by stage.
    """
    if context.args[:1] == ["infer"]:
        infer_app(context.args[1:], prog_name="lcoins bench infer")
    else:
        _run("bench", context.args)


@infer_app.command()
def bench_infer(
    checkpoint: photos.Checkpoint = None,
    photo: Annotated[Path | None, typer.Option(help="The photo; default: a drawn scene.")] = None,
    megapixels: Annotated[float, typer.Option(min=0.01, max=100, help="Size of the drawn scene.")] = 12.0,
) -> None:
    """Time each stage of coloring one photo on this machine's processor."""
    import tempfile

    from rich.console import Console

    from lcoins.benchmark.photo import SENTENCE, drawn_photo, stage_table, time_photo
    from lcoins.benchmark.step_table import machine_name
    from lcoins.colorize.photo import load_system
    from lcoins.models.checkpoint import builtin_package

    checkpoint = checkpoint or builtin_package()
    with tempfile.TemporaryDirectory() as folder:
        if photo is None:
            photo = Path(folder, "scene.jpg")
            drawn_photo(photo, megapixels)
        times = time_photo(lambda: load_system(checkpoint), photo, SENTENCE)
    Console().print(stage_table(times, f"{checkpoint.name}, {machine_name('cpu')}"))
    typer.echo(f"waiting threads: {spin_setting()}")


@app.command(context_settings=OVERRIDES)
def prior(context: typer.Context) -> None:
    """Count how often each color occurs in a training set, for objective.prior=FILE: system=… data=… output=FILE."""
    _run("prior", context.args)


@app.command()
def export(
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to create.")],
    run: Annotated[
        Path | None,
        typer.Argument(
            help="The folder of a finished run, a checkpoint, or a package.", show_default="the weights in lcoins"
        ),
    ] = None,
    half: Annotated[bool, typer.Option(help="Store weights as float16, half the size.")] = False,
    onnx: Annotated[bool, typer.Option(help="Write the network as ONNX too, checked against PyTorch.")] = False,
    mean_with: Annotated[
        list[Path] | None,
        typer.Option(
            help="Another run, checkpoint or package, trained from the same start: the weights are the mean of all. "
            "Once for each."
        ),
    ] = None,
) -> None:
    """Save a trained system for use, as safetensors and one JSON file, without the parts that only training needs."""
    import json

    from lcoins.code_version import code_version
    from lcoins.colorize.export import export_package
    from lcoins.models.checkpoint import INDEX, builtin_package

    def trained(path: Path) -> Path:
        return path / "checkpoints" / "best.ckpt" if path.is_dir() and not (path / INDEX).is_file() else path

    source = builtin_package() if run is None else trained(run)
    others = [trained(path) for path in mean_with or ()]
    metrics = source.resolve().parent.parent / "metrics.json"  # of a run's best.ckpt; a package carries its figures
    has_figures = source.name == "best.ckpt" and metrics.is_file()
    done = export_package(
        source,
        output,
        half=half,
        onnx=onnx,
        mean_with=others,
        figures=json.loads(metrics.read_text(encoding="utf-8")) if has_figures else None,
        provenance={"checkpoint": str(source), "mean_with": [str(path) for path in others], **code_version()},
    )
    typer.echo(
        f"wrote {output}: {done.tensors} tensors, {done.bytes / 1e6:.1f} MB; {done.borrowed} tensors stay in "
        f"installed packages"
    )
    if done.deviation is not None:
        typer.echo(f"wrote {output / 'model.onnx'}: at most {done.deviation:.1g} units of ab from PyTorch")


@app.command()
def push(
    package: Annotated[Path, typer.Argument(help="A package of `lcoins export`.")],
    target: Annotated[str, typer.Argument(metavar="hf://OWNER/NAME", help="The repository; it is made if absent.")],
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
) -> None:
    """Send a package to the Hugging Face Hub, with a model card made from it."""
    from lcoins.colorize.hub import push_package

    typer.echo(f"sent {package}: {push_package(package, target, private)}")
    typer.echo(f'next: lcoins colorize PHOTO "a sentence with colors" --checkpoint {target}')


def _run(command: str, arguments: list[str]) -> None:
    from lcoins.cli.hydra_commands import run_command

    run_command(command, arguments)


def show_what_can_be_shown() -> None:
    """Lets the terminal or file that output goes to show "?" for a character that its encoding lacks.

    A Windows console or PYTHONIOENCODING may have an encoding without arrows or emoji, in which printing one is an
    error by default: it would end a command behind its last line of work.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="replace")


def main() -> None:
    """Entry point: prints errors meant for the user without a traceback, unless HYDRA_FULL_ERROR=1 is set."""
    bound_spin()
    show_what_can_be_shown()
    try:
        if sys.argv[1:2] == [completion.ASKED]:  # at each press of Tab, so without the parser, which is slow to load
            completion.print_words(app, " ".join(sys.argv[2:]))
        else:
            app()
    except Exception as error:
        text = explain(error)
        if text is None or TRACEBACK_WANTED:
            raise
        say(text)
        sys.exit(2)


if __name__ == "__main__":
    main()
