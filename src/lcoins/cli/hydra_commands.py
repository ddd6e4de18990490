"""The commands that take a composed Hydra config: train, eval, info, bench and prior."""

import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import ConfigCompositionException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from lcoins.benchmark.model_size import discriminator_size, part_sizes, size_table
from lcoins.cli.cluster import of_first, per_node
from lcoins.cli.command_help import command_help
from lcoins.cli.conf_files import conf_folder
from lcoins.cli.config_kinds import expect_kinds, known_keys
from lcoins.cli.errors import TRACEBACK_WANTED, explain, say
from lcoins.cli.measure import time_model
from lcoins.cli.overrides import hydra_override
from lcoins.cli.own_keys import chosen, expect_own_keys, expect_whole_config_files, explain_unknown_key, refuse_options
from lcoins.cli.result_folders import WEIGHTS, eval_folder, label, with_checkpoint
from lcoins.cli.system_choice import refuse_foreign_model
from lcoins.cli.trained_source import trained_system, without_tests
from lcoins.data.photos_with_things import PhotosWithThings
from lcoins.evaluation.obedience_benchmark import judge_photos, print_obedience
from lcoins.evaluation.result import flat_figures, print_reports, write_json
from lcoins.files import stops_all
from lcoins.models.checkpoint import load_trained, weights_digest
from lcoins.models.grounded import for_photos
from lcoins.training import build, run
from lcoins.training.parts import build_part
from lcoins.training.ranks import is_first
from lcoins.training.stopping import StoppedBySignal

OBEDIENCE = f"{PhotosWithThings.__module__}.{PhotosWithThings.__qualname__}"


def train(cfg: DictConfig, folder: Path) -> float:
    """Trains the run that the config describes in ``folder``, or resumes it, or finds it finished.

    Returns the best validation score, ``recipe.monitor``, never a test score: a sweeper that searches maximizes it.
    """
    return run.train_run(cfg, folder)[cfg.recipe.monitor]


def evaluate(cfg: DictConfig, folder: Path) -> None:
    """Evaluates a run, a checkpoint or a package on its own test sets, or on the given data group, into ``folder``."""
    source = trained_system(cfg.run, cfg.checkpoint)
    colorizer, config = load_trained(source, cfg.device)
    asked = cfg.get("data") is not None and cfg.data.get("_target_") == OBEDIENCE
    focus = source.is_dir() and asked if cfg.focus is None else cfg.focus
    if focus:
        colorizer = for_photos(colorizer)
    if asked:
        said = (
            "as lcoins colorize does (focus=true)" if focus else "by the network alone; focus=true: as lcoins colorize"
        )
        run.console.print(f"colored {said}", markup=False, highlight=False)
    merged = OmegaConf.create({k: config.get(k) for k in ("model", "augmentation", "data")} | {"seed": cfg.seed})
    if cfg.get("data") is not None:
        if "_target_" not in cfg.data:  # keys that are added with + where no data is chosen
            raise ValueError(explain_unknown_key("eval", f"data.{next(iter(cfg.data), '')}"))
        merged.data = cfg.data
    if not isinstance(merged.data, DictConfig):
        raise ValueError(without_tests(source))
    if merged.data.get("_target_") == OBEDIENCE:
        judge_obedience(colorizer, run.plain_config(merged)["data"], folder, cfg.device, source, cfg.hints)
        return
    merged.data.train, merged.data.val = None, None
    data = build.build_data(run.plain_config(merged)["data"], folder)
    if not data.test_loaders():
        raise ValueError(without_tests(source))
    write_json(weights_of(source), folder / WEIGHTS)
    reports = run.evaluate_test_sets(colorizer, data, cfg.evaluation, folder, cfg.device)
    write_json(flat_figures(reports), folder / "metrics.json")
    print_reports(reports)
    run.console.print(f"figures, pairs and contact sheets: {folder}", soft_wrap=True, markup=False)


def judge_obedience(colorizer: Any, data: dict[str, Any], folder: Path, device: str, source: Path, hints: str) -> None:
    """Asks for the things of photos in colors, as data=obedience says, and prints and writes what came of it."""
    photos: PhotosWithThings = build_part(data, "data")
    weights = weights_of(source)
    report = judge_photos(colorizer, photos, folder, device=device, progress=True, hints=hints, weights=weights)
    print_obedience(report)
    run.console.print(f"figures, things and contact sheet: {folder}", soft_wrap=True, markup=False)


def weights_of(source: Path) -> dict[str, str]:
    """The name of a package or checkpoint and the SHA-256 of its weights, as they stand beside its figures."""
    return {"name": source.name, "sha256": weights_digest(source)}


def show_info(cfg: DictConfig, folder: Path) -> None:
    """Prints the parts of a model, as a table or as JSON."""
    config = run.plain_config(cfg)
    parts = part_sizes(config["model"], cfg.words, recolored=bool(cfg.model.get("shared_space")))
    parts += discriminator_size(config["objective"])
    if cfg.json:
        figures = {part.name: {k: v for k, v in asdict(part).items() if k != "name"} for part in parts}
        print(json.dumps(figures, indent=2))
    else:
        words = f"{cfg.words} words" if cfg.words else "captions as long as it reads"
        run.console.print(size_table(parts, f"{cfg.title}, {cfg.model.image_size} px, {words}"))


def count_prior(cfg: DictConfig, folder: Path) -> None:
    """Counts the colors of a training set into the file ``output``."""
    OmegaConf.set_struct(cfg, False)
    cfg.data.val, cfg.data.tests = None, {}
    if "report" in cfg.data:
        cfg.data.report = None
    build.count_prior(run.plain_config(cfg), Path(cfg.output))
    run.console.print(f"wrote {cfg.output}; train with it: objective.prior={cfg.output}", soft_wrap=True, markup=False)


COMMANDS: dict[str, Callable[[DictConfig, Path], float | None]] = {
    "train": train,
    "eval": evaluate,
    "info": show_info,
    "bench": time_model,
    "prior": count_prior,
}


def run_command(command: str, arguments: list[str]) -> None:
    """Composes the config of a command from Hydra overrides and runs it in this process, once or as a sweep.

    What the command returns goes to Hydra, for a sweeper that searches.
    """
    for resolver in (label, eval_folder, with_checkpoint, per_node, of_first, command_help):
        OmegaConf.register_new_resolver(resolver.__name__, resolver, replace=True)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # else Hydra prints a traceback where explain() has one line

    @hydra.main(config_path=str(conf_folder()), config_name=command, version_base="1.3")
    def composed(cfg: DictConfig) -> float | None:
        try:
            choices = HydraConfig.get().runtime.choices
            expect_whole_config_files(choices.items())  # also those that a file chooses
            refuse_foreign_model(cfg, choices)
            unresolved: Any = OmegaConf.to_container(cfg, resolve=False)
            expect_own_keys(unresolved, command)
            expect_kinds(unresolved, known_keys(conf_folder()))
            return COMMANDS[command](cfg, Path(HydraConfig.get().runtime.output_dir))
        except KeyboardInterrupt as stop:
            say(str(stop) or "interrupted")
            raise SystemExit(130) from stop
        except StoppedBySignal as stop:
            say(str(stop))
            raise SystemExit(128 + stop.number) from stop
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

    refuse_options(command, arguments)
    expect_whole_config_files(chosen(arguments))
    if not is_first():  # of several processes one writes the files of Hydra
        arguments = [*arguments, "hydra.output_subdir=null", "hydra/job_logging=none", "hydra/hydra_logging=none"]
    sweep = not {"-m", "--multirun", "hydra.mode=MULTIRUN"}.isdisjoint(arguments)
    sys.argv = [f"lcoins {command}", *(hydra_override(argument, sweep) for argument in arguments)]
    try:
        composed()
    except ConfigCompositionException as error:
        if unknown := re.match(r"Could not override '([^']+)'", str(error)):
            raise ValueError(explain_unknown_key(command, unknown[1])) from error
        raise
    except OSError as error:
        if stops_all(error):
            _remove_cut_record(arguments, command)
        raise


def _remove_cut_record(arguments: Sequence[str], command: str) -> None:
    """Removes what Hydra has half written, on a disk that is full, of its record of a sweep in the folder of runs."""
    given = [argument.partition("=")[2] for argument in arguments if argument.startswith("runs=")]
    runs = given[-1] if given else OmegaConf.select(OmegaConf.load(conf_folder() / f"{command}.yaml"), "runs")
    record = Path(runs).expanduser() / "multirun.yaml" if runs else None
    if record and record.is_file() and not record.read_bytes().endswith(b"\n"):
        record.unlink()
