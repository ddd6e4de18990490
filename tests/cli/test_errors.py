"""What a user reads who lacks an extra: coloring works without any, other commands name the one that they need."""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from finished_run import write_run
from lightning.fabric.utilities.exceptions import MisconfigurationException
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

from lcoins.cli.errors import EXTRAS, explain

PYPROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULES = {module for modules in EXTRAS.values() for module in modules}
RUN_WITHOUT = (
    "import sys; sys.modules.update(dict.fromkeys(sys.argv.pop(1).split(',')))\n"
    "sys.argv[0] = 'lcoins'; from lcoins.cli.main import main; main()"
)


def run_without(modules: set[str], *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`lcoins ARGUMENTS` in a process in which importing the modules fails as if they were not installed."""
    command = [sys.executable, "-c", RUN_WITHOUT, ",".join(sorted(modules)), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


def distributions(lines: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in lines}


def test_a_photo_is_colored_without_any_extra(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (90, 120, 60)).save(tmp_path / "photo.png")
    hidden = MODULES | {"sentence_transformers", "pandas", "sklearn", "onnx", "pillow_heif"}
    done = run_without(hidden, "colorize", "photo.png", "a red car", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "photo_colorized.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["train"], "train"),
        (["eval", "run=none"], "train"),
        (["info"], "train"),
        (["data", "check", ".", "captions.csv"], "train"),
        (["report", "."], "report"),
        (["report", "dashboard"], "dashboard"),
        (["demo"], "demo"),
        (["caption", "photo.png", "--captioner", "."], "caption"),
        (["serve"], "serve"),
        (["study", "serve", "."], "study"),
        (["study", "report", "."], "study"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_missing_extra_is_named_in_one_line(tmp_path: Path, arguments: list[str], extra: str) -> None:
    hidden = {"wandb_workspaces"} if extra == "dashboard" else MODULES
    done = run_without(hidden, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("lcoins: this command needs ")
    assert done.stderr.endswith(f"which is not installed; run: pip install 'lcoins[{extra}]'\n")
    assert done.stderr.count("\n") == 1


def test_runs_are_compared_with_the_extra_report_alone(tmp_path: Path) -> None:
    write_run(tmp_path / "runs" / "ablation=full" / "seed=0", [20.0, 22.0], [1, 2])
    brought = {*EXTRAS["report"], "scipy"}  # which scikit-image needs
    done = run_without(MODULES - brought, "report", "runs", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "report.html").is_file()


def test_each_module_is_in_the_extra_that_the_message_names() -> None:
    declared = {extra: distributions(lines) for extra, lines in PYPROJECT["optional-dependencies"].items()}
    known = packages_distributions()
    for extra, modules in EXTRAS.items():
        for module in modules:
            owners = {canonicalize_name(owner) for owner in known[module]}
            assert owners & declared[extra], module
            assert not owners & distributions(PYPROJECT["dependencies"]), module


def test_each_distribution_of_these_extras_has_a_message() -> None:
    owners = {canonicalize_name(owner) for module in MODULES for owner in packages_distributions()[module]}
    lines = [line for extra in EXTRAS for line in PYPROJECT["optional-dependencies"][extra]]
    # Core libraries use these two where they are installed, so that a test cannot hide them.
    assert distributions(lines) <= owners | {"pydantic", "pyyaml"}


def test_a_module_of_no_extra_is_a_fault_of_the_program() -> None:
    assert explain(ModuleNotFoundError("No module named 'lcoins.nowhere'", name="lcoins.nowhere")) is None


def test_what_an_encoding_lacks_is_shown_as_a_question_mark(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (90, 120, 60)).save(tmp_path / "é😀.png")
    command = [sys.executable, "-m", "lcoins.cli.main", "colorize", "é😀.png", "a red car", "-o", "→.png"]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert b"?.png" in done.stdout and b"Traceback" not in done.stderr
    assert (tmp_path / "→.png").is_file()


def test_wandb_waits_for_a_tracker_that_is_on(tmp_path: Path) -> None:
    """Importing it makes temporary folders, which a killed process leaves behind."""
    command = "import sys, lcoins.cli.hydra_commands; print('wandb' in sys.modules)"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "False" and list(tmp_path.glob("*wandb*")) == []


def test_no_login_and_no_such_metric_are_explained() -> None:
    wandb = pytest.importorskip("wandb")
    refused = wandb.errors.UsageError("No API key configured. Use `wandb login` to log in.")
    assert "log in with `wandb login` or set WANDB_API_KEY, or take tracker=offline" in (explain(refused) or "")
    said = explain(wandb.errors.AuthenticationError("The API key is invalid.\nmore")) or ""
    assert said.startswith("Weights & Biases: The API key is invalid; log in") and "\n" not in said
    assert "could not find" in (explain(MisconfigurationException("could not find the metric")) or "")
