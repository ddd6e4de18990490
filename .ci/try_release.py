"""Tries what `make release` has built as others get it: each file in a new environment, in which it colors a scene.

    python .ci/try_release.py dist

pip gets the dependencies as it is set up to; constraints.txt bounds them. The sizes of the files are printed.
"""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# By Pillow alone: what lcoins draws for training needs the extra `train`.
DRAW = """
import sys
from PIL import Image, ImageDraw
scene = Image.new("L", (640, 480), 150)
ImageDraw.Draw(scene).regular_polygon((320, 240, 140), 5, fill=100)
scene.save(sys.argv[1])
"""
WHERE = "import lcoins; print(lcoins.__version__, lcoins.__file__)"


def try_file(file: Path, folder: Path) -> None:
    """Installs a wheel or an sdist into a new environment in ``folder``, shows help and colors a drawn scene.

    Raises SystemExit with the output of a command that fails, or where lcoins is not that of the file.
    """
    venv.create(folder / "environment", with_pip=True)
    commands = folder / "environment" / "bin"
    pip = (commands / "python", "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check")
    run(*pip, "-c", ROOT / "constraints.txt", file, cwd=folder)
    version, place = run(commands / "python", "-c", WHERE, cwd=folder).split()
    if not Path(place).is_relative_to(commands.parent) or f"-{version}" not in file.name:
        raise SystemExit(f"{file.name} gave lcoins {version} at {place}; expected its own version in {commands.parent}")
    run(commands / "lcoins", "--help", cwd=folder)
    run(commands / "python", "-c", DRAW, "scene.jpg", cwd=folder)
    run(commands / "lcoins", "colorize", "scene.jpg", "a red pentagon", "-o", "color.jpg", cwd=folder)
    if not (folder / "color.jpg").is_file():
        raise SystemExit(f"{file.name}: lcoins colorize wrote no picture")


def run(*command: Path | str, cwd: Path) -> str:
    """The output of a command that runs outside the checkout and knows nothing of it."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} gave {done.returncode}:\n{done.stdout}")
    return done.stdout


def main(dist: Path) -> None:
    """Tries every file of a folder; SystemExit where it holds other than one wheel and one sdist."""
    files = sorted([*dist.glob("*.whl"), *dist.glob("*.tar.gz")])
    if sorted(file.suffix for file in files) != [".gz", ".whl"]:
        raise SystemExit(f"{dist} holds {[file.name for file in files]}; expected one wheel and one sdist")
    for file in files:
        with tempfile.TemporaryDirectory(prefix="lcoins-release-") as folder:
            try_file(file.resolve(), Path(folder))
        print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB, installed alone it colors a scene", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
