"""The verbs of the ``lcoins`` command; the only place that finds conf/ and experiments/."""

import os
import re
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from lcoins.cli import data as data_verbs
from lcoins.cli import photos as photo_verbs
from lcoins.cli import report as report_verbs
from lcoins.cli.photos import say

app = typer.Typer(
    name="lcoins",
    help="Language-based image colorization: gray photo and sentence in, the right instance in the right color out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(data_verbs.app)
app.add_typer(report_verbs.app)
app.add_typer(photo_verbs.app)
infer_app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
TRACEBACK_WANTED = os.environ.get("HYDRA_FULL_ERROR") == "1"  # asked for by the user, before _hydra() sets it
RUN_PLACES = ("run", "checkpoint", "start_from")
OVERRIDES = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def conf_folder() -> Path:
    """conf/ inside the installed package, or beside src/ in a checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "conf", package.parents[1] / "conf"):
        if (folder / "train.yaml").is_file():
            return folder
    raise FileNotFoundError(f"no conf/ with train.yaml near {package}; reinstall lcoins")


@app.command(context_settings=OVERRIDES)
def train(context: typer.Context) -> None:
    """Train, then evaluate the best checkpoint. Hydra overrides: data=… model=… ablation=… -m for sweeps."""
    _hydra("train", [quoted(argument) for argument in context.args])


@app.command("eval", context_settings=OVERRIDES)
def evaluate(context: typer.Context) -> None:
    """Evaluate a run by the paper's protocol: run=FOLDER, and data=… photos.test.… for other data."""
    _hydra("eval", [quoted(argument) for argument in context.args])


@app.command(context_settings=OVERRIDES)
def info(context: typer.Context) -> None:
    """Parameters and multiply-adds of a model, part by part, without building it: model=… ablation=… [--json]."""
    _hydra("info", context.args)


@app.command(context_settings=OVERRIDES)
def bench(context: typer.Context) -> None:
    """Samples per second, step time and peak memory of training and inference: model=… ablation=… [--json].

    `lcoins bench infer --checkpoint FILE` times one photo instead, stage by stage.
    """
    if context.args[:1] == ["infer"]:
        infer_app(context.args[1:], prog_name="lcoins bench infer")
    else:
        _hydra("bench", context.args)


@infer_app.command()
def bench_infer(
    checkpoint: photo_verbs.System = None,
    photo: Annotated[Path | None, typer.Option(help="The photo; default: a drawn scene.")] = None,
    megapixels: Annotated[float, typer.Option(min=0.01, max=100, help="Size of the drawn scene.")] = 12.0,
) -> None:
    """Where the time goes when one photo is colored on this machine's processor."""
    import tempfile

    from rich.console import Console

    from lcoins.benchmark import photo as infer_bench
    from lcoins.benchmark.step import machine
    from lcoins.models.checkpoint import builtin_package, load_trained

    checkpoint = checkpoint or builtin_package()
    with tempfile.TemporaryDirectory() as folder:
        if photo is None:
            photo = Path(folder, "scene.jpg")
            infer_bench.drawn_photo(photo, megapixels)
        found = infer_bench.measure(lambda: load_trained(checkpoint)[0], photo, infer_bench.SENTENCE)
    Console().print(infer_bench.table(found, f"{checkpoint.name}, {machine('cpu')}"))


@app.command(context_settings=OVERRIDES)
def prior(context: typer.Context) -> None:
    """Count how often each color occurs in a training set, for objective.prior=FILE: model=… data=… output=FILE."""
    _hydra("prior", context.args)


@app.command()
def export(
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to make.")],
    run: Annotated[
        Path | None,
        typer.Argument(
            help="A finished run's folder, a checkpoint, or a package.", show_default="the weights in lcoins"
        ),
    ] = None,
    half: Annotated[bool, typer.Option(help="Store weights as float16, half the size.")] = False,
    onnx: Annotated[bool, typer.Option(help="Write the network as ONNX too, checked against PyTorch.")] = False,
) -> None:
    """Save a trained system for use: safetensors and one JSON, without what only training needs."""
    import json

    from lcoins.colorize.export import export_package
    from lcoins.models.checkpoint import INDEX, builtin_package
    from lcoins.training.tracking import code_version

    source = builtin_package() if run is None else run
    if source.is_dir() and not (source / INDEX).is_file():
        source = source / "checkpoints" / "best.ckpt"
    figures = source.resolve().parents[1] / "metrics.json"  # of a run; a package has its own
    done = export_package(
        source,
        output,
        half=half,
        onnx=onnx,
        figures=json.loads(figures.read_text(encoding="utf-8")) if source.is_file() and figures.is_file() else None,
        provenance={"checkpoint": str(source), **code_version()},
    )
    typer.echo(
        f"wrote {output}: {done.tensors} tensors, {done.bytes / 1e6:.1f} MB; {done.borrowed} tensors are those "
        f"of installed packages"
    )
    if done.deviation is not None:
        typer.echo(f"wrote {output / 'model.onnx'}: at most {done.deviation:.1g} units of ab from PyTorch")


def quoted(override: str) -> str:
    """Puts the place of a run into the quotes that Hydra asks for where it holds "=", as every run folder's does.

    >>> quoted("run=runs/scenes-tiny/default/seed=0"), quoted("data=photos")
    ('run="runs/scenes-tiny/default/seed=0"', 'data=photos')
    """
    key, _, value = override.partition("=")
    return f'{key}="{value}"' if key in RUN_PLACES and "=" in value and '"' not in value else override


def _hydra(verb: str, arguments: list[str]) -> None:
    """Runs a verb whose arguments are Hydra overrides, in this process; the verb gets the config and Hydra's folder.

    What the verb returns goes to Hydra: a sweeper that searches goes by it.
    """
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode
    from omegaconf import DictConfig, OmegaConf

    from lcoins.cli import composed as verbs

    OmegaConf.register_new_resolver("label", verbs.label, replace=True)

    os.environ["HYDRA_FULL_ERROR"] = "1"  # or Hydra prints a traceback where explain() has one line to say

    @hydra.main(config_path=str(conf_folder()), config_name=verb, version_base="1.3")
    def run(cfg: DictConfig) -> float | None:
        try:
            return verbs.COMMANDS[verb](cfg, Path(HydraConfig.get().runtime.output_dir))
        except KeyboardInterrupt as stop:
            say(str(stop) or "interrupted")
            raise SystemExit(130) from stop
        except Exception as error:
            text, sweep = explain(error), HydraConfig.get().mode == RunMode.MULTIRUN
            if text is None or TRACEBACK_WANTED:
                if sweep:
                    traceback.print_exc()  # now, and not when the last job is done
                raise
            say(text)
            if not sweep:
                raise SystemExit(2) from error
            raise  # a sweep goes on with its other jobs and fails at its end

    sys.argv = [f"lcoins {verb}", *("json=true" if argument == "--json" else argument for argument in arguments)]
    run()


def explain(error: BaseException) -> str | None:
    """What to tell the user of an error, or None where a traceback says more: a fault of this program."""
    from hydra.errors import HydraException, InstantiationException
    from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

    cause = error.__cause__
    if isinstance(error, InstantiationException) and cause is not None:
        return explain(cause) or str(error)  # what the constructor said
    if not isinstance(error, ValueError | OSError | RuntimeError | HydraException | OmegaConfBaseException):
        return None
    text = f"{error}\n{cause}" if isinstance(cause, OmegaConfBaseException) else str(error)
    found = re.search(r"Missing mandatory value: ([\w.]+)", text)
    missing = error.full_key if isinstance(error, MissingMandatoryValue) else found and found[1]
    return f"{missing} is missing; give it on the command line as {missing}=..." if missing else text


def main() -> None:
    """Entry point: errors meant for the user are printed without a traceback; HYDRA_FULL_ERROR=1 asks for it."""
    try:
        app()
    except Exception as error:
        text = explain(error)
        if text is None or TRACEBACK_WANTED:
            raise
        say(text)
        sys.exit(2)


if __name__ == "__main__":
    main()
