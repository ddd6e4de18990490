"""The product as others get it: a wheel, built and installed in a clean environment outside the checkout."""

import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from shrunk import SPLITS

CHECKOUT = Path(__file__).parents[1]
FEW = ("train", *SPLITS)
ONE_STEP = ["train", "recipe.epochs=1", "data.batch_size=8", *(f"data.{split}.length=8" for split in FEW)]


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command without this checkout on its path; its whole output is the failure message."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))} gave {done.returncode}:\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    run(*pip, "--wheel-dir", out, CHECKOUT, cwd=out)
    return next(out.glob("lcoins-*.whl"))


@pytest.fixture(scope="module")
def clean_bin(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command folder of a new environment that holds the wheel.

    Its dependencies are borrowed from the running environment, for torch alone is gigabytes. A folder named in a .pth
    file does not have its own .pth files read, so an editable install of lcoins is not borrowed with them.
    """
    home = tmp_path_factory.mktemp("clean") / "environment"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index")
    run(*pip, wheel, cwd=home)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home).strip())
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


def test_wheel_carries_code_and_configurations_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for source, target in {
        "src/lcoins": "lcoins",
        "conf": "lcoins/conf",
        "experiments": "lcoins/conf/experiment",
    }.items():
        suffixes = {".py", ".yaml"}
        files = {path.relative_to(CHECKOUT / source) for path in (CHECKOUT / source).rglob("*")}
        assert {f"{target}/{file.as_posix()}" for file in files if file.suffix in suffixes} <= names
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"lcoins"}
    assert not [name for name in names if "__pycache__" in name or "tests" in name]


def test_clean_environment_imports_the_wheel(clean_bin: Path, tmp_path: Path) -> None:
    place = run(clean_bin / "python", "-P", "-c", "import lcoins; print(lcoins.__file__)", cwd=tmp_path).strip()
    assert Path(place).is_relative_to(clean_bin.parent)


def test_one_training_step_from_the_wheel(clean_bin: Path, tmp_path: Path) -> None:
    run(clean_bin / "lcoins", *ONE_STEP, cwd=tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "runs"]
    assert len(list(tmp_path.rglob("metrics.json"))) == 1


def test_constraints_pin_every_dependency_within_its_bounds() -> None:
    lines = (CHECKOUT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    for line in chain(project["dependencies"], *project["optional-dependencies"].values()):
        if line.startswith("lcoins["):  # the extras that dev includes
            continue
        requirement = Requirement(line)
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier, line


def test_the_lock_holds_the_versions_of_the_constraints_and_a_hash_of_every_file() -> None:
    lines = (CHECKOUT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    packages = tomllib.loads((CHECKOUT / "pylock.toml").read_text())["packages"]
    locked = {package["name"]: package["version"] for package in packages}
    assert locked.keys() >= {"torch", "lightning", "hydra-core", "mkdocs-material", "pytest"}
    different = {name: (pins[name], locked[name]) for name in pins.keys() & locked.keys() if pins[name] != locked[name]}
    assert not different, "make pylock.toml anew, CONTRIBUTING.md says how"
    files = [file for package in packages for file in [*package.get("wheels", []), package.get("sdist")] if file]
    assert len(files) > len(packages) / 2 and all(file["hashes"]["sha256"] for file in files)


def test_the_wheel_carries_the_weights_and_the_page(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    assert {"lcoins/weights/package.json", "lcoins/weights/MODEL_CARD.md", "lcoins/app/page.css"} <= sizes.keys()
    assert 1e6 < sizes["lcoins/weights/model.safetensors"] <= 20e6


def test_the_sdist_gives_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path, cwd=CHECKOUT)
    (sdist,) = tmp_path.glob("*.tar.gz")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    run(*pip, "--wheel-dir", tmp_path, sdist, cwd=tmp_path)
    (again,) = tmp_path.glob("*.whl")
    assert sorted(zipfile.ZipFile(again).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())
