"""Which room may import which, read from import statements: mathematics below, Hydra and wandb at the edge."""

import ast
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

import lcoins

PACKAGE = Path(lcoins.__file__).parent
PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
FILES = {path.relative_to(PACKAGE.parent).with_suffix("").as_posix(): path for path in PACKAGE.rglob("*.py")}
# What the modules of each room may import: rooms above them in this table, or the modules named. `cli` may import all.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "locks": (),
    "files": ("locks",),
    "code_version": (),
    "wording": (),
    "progress": (),
    "color": (),
    "imaging": ("files", "color"),
    "data": ("wording", "progress", "files", "locks", "color", "imaging"),
    "models": ("files", "color"),
    "evaluation": ("wording", "progress", "files", "color", "data", "models"),
    "training": ("wording", "progress", "files", "locks", "code_version", "color", "data", "models", "evaluation"),
    "colorize": (
        "wording",
        "files",
        "locks",
        "color",
        "imaging",
        "data.caption_lists",
        "data.pairs",
        "data.scenes",
        "models",
        "evaluation.contact_sheet",
    ),
    "benchmark": ("progress", "files", "color", "imaging", "data", "models", "training", "colorize"),
    "reports": ("wording", "files", "color", "imaging", "data", "models", "evaluation", "training", "colorize"),
    "app": (
        "wording",
        "files",
        "locks",
        "color",
        "imaging",
        "data.caption_lists",
        "models",
        "evaluation.contact_sheet",
        "colorize",
    ),
    "study": (
        "wording",
        "files",
        "code_version",
        "color",
        "imaging",
        "data.caption_lists",
        "data.pairs",
        "models",
        "colorize",
        "app.guard",
    ),
}
MATHEMATICS = (
    "color",
    "models",
    "training/losses",
    "training/compared_losses",
    "data/augment",
    "evaluation/quality",
    "evaluation/obedience",
    "evaluation/lpips",
)
FRAMEWORKS = {"lightning", "pytorch_lightning", "hydra", "omegaconf", "wandb"}


def module_name(file: str) -> str:
    return file.removesuffix("/__init__").replace("/", ".")


MODULES = {module_name(file): path for file, path in FILES.items()}


def in_part(module: str, parts: tuple[str, ...]) -> bool:
    """Whether a module lies in one of the rooms or files, which are named as paths below the package."""
    path = "/".join(module.split(".")[1:])
    return any(path == part or path.startswith(f"{part}/") for part in parts)


@cache
def imported_names(module: str) -> set[str]:
    """Dotted names that a module's file imports anywhere, also inside functions; `from a import b` gives `a.b`."""
    names = set()
    package = module.split(".") if MODULES[module].name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            names |= {f"{source}.{alias.name}" for alias in node.names}
    return names


def own_modules(names: set[str]) -> set[str]:
    """The modules of this package that importing the names would run, parent packages among them."""
    prefixes = {".".join(name.split(".")[:end]) for name in names for end in range(1, name.count(".") + 2)}
    return prefixes & MODULES.keys()


def third_party(module: str) -> set[str]:
    roots = {name.split(".")[0] for name in imported_names(module)}
    return roots - set(sys.stdlib_module_names) - {"lcoins"}


def reached_from(module: str) -> set[str]:
    """The module and all of this package that it imports, directly or through others."""
    reached: set[str] = set()
    waiting = own_modules({module})
    while waiting:
        current = waiting.pop()
        reached.add(current)
        waiting |= own_modules(imported_names(current)) - reached
    return reached


def imported_modules(module: str) -> set[str]:
    """The modules of other rooms that a module imports, named below the package, as precisely as its imports do."""
    found = set()
    for name in imported_names(module):
        known = own_modules({name})
        found |= {max(known, key=len)} if known else set()
    return {name.removeprefix("lcoins.") for name in found if name != "lcoins" and room(name) != room(module)}


def room(module: str) -> str:
    return module.split(".")[1]


def below(module: str, part: str) -> bool:
    return module == part or module.startswith(f"{part}.")


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_a_room_imports_what_it_may(name: str) -> None:
    wrong = {
        (module.removeprefix("lcoins."), imported)
        for module in MODULES
        if below(module, f"lcoins.{name}")
        for imported in imported_modules(module)
        if not any(below(imported, part) for part in MAY_IMPORT[name])
    }
    assert wrong == set()


def test_the_table_has_every_room_and_no_circles() -> None:
    rooms = {room(module) for module in MODULES if module != "lcoins"}
    assert rooms == {*MAY_IMPORT, "cli"}
    order = list(MAY_IMPORT)
    for name, parts in MAY_IMPORT.items():
        assert all(order.index(part.split(".")[0]) < order.index(name) for part in parts)


@pytest.mark.parametrize("module", sorted(module for module in MODULES if below(module, "lcoins.training")))
def test_training_reaches_no_photo_tool(module: str) -> None:
    """Not through other rooms either."""
    assert not [reached for reached in reached_from(module) if in_part(reached, ("colorize", "app", "cli"))]


@pytest.mark.parametrize("module", sorted(module for module in MODULES if in_part(module, MATHEMATICS)))
def test_mathematics_knows_no_framework(module: str) -> None:
    found = {through: third_party(through) & FRAMEWORKS for through in reached_from(module)}
    assert not {through: names for through, names in found.items() if names}


@pytest.mark.parametrize("module", sorted(module for module in MODULES if in_part(module, ("color",))))
def test_color_imports_no_other_room(module: str) -> None:
    assert {name for name in own_modules(imported_names(module)) if not in_part(name, ("color",))} <= {"lcoins"}


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("hydra", ("cli", "training/build")),
        ("lightning", ("training", "data/datamodule")),
        ("matplotlib", ("reports",)),
        ("gradio", ("app",)),
        ("huggingface_hub", ("colorize/hub", "colorize/model_card", "models/backbones")),
        ("sqlalchemy", ("study",)),
        ("pyarrow", ("study/result_tables",)),
        ("uvicorn", ("app/guard",)),
        ("tensorboard", ("training/tensorboard_tracker",)),
        ("mlflow", ("training/mlflow_tracker",)),
        ("wandb", ("training/wandb_tracker", "reports")),
    ],
)
def test_library_stays_at_the_edge(library: str, allowed: tuple[str, ...]) -> None:
    users = {module for module in MODULES if library in third_party(module)}
    assert {module for module in users if not in_part(module, allowed)} == set()


def test_every_import_is_declared() -> None:
    """What the code imports is named in pyproject.toml, not just brought along by something else."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = project["dependencies"] + [line for extra in extras if extra != "dev" for line in extras[extra]]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    distributions = packages_distributions()
    missing = {}
    for module in MODULES:
        for name in third_party(module):
            owners = {canonicalize_name(owner) for owner in distributions.get(name, [name])}
            if not owners & declared:
                missing[f"{module} imports {name}"] = owners
    assert not missing


def test_importing_lcoins_loads_no_torch() -> None:
    command = "import sys, lcoins; print(sorted({'torch', 'lightning', 'hydra', 'wandb'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_reader_sees_every_kind_of_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the tests above against passing because they read nothing."""
    source = "import wandb.sdk\nfrom . import lab\nfrom ..data import types\ndef f():\n    from hydra import main\n"
    (tmp_path / "x.py").write_text(source)
    monkeypatch.setitem(MODULES, "lcoins.models.x", tmp_path / "x.py")
    names = imported_names("lcoins.models.x")
    assert names == {"wandb.sdk", "lcoins.models.lab", "lcoins.data.types", "hydra.main"}
    assert third_party("lcoins.models.x") == {"wandb", "hydra"}
    assert {"lcoins", "lcoins.data", "lcoins.data.types"} <= own_modules(names)


def test_coloring_a_photo_loads_nothing_that_only_training_and_reports_need(tmp_path: Path) -> None:
    """Each of these takes from a third of a second to seconds to import, whenever the command starts."""
    Image.new("RGB", (40, 30), (90, 120, 60)).save(tmp_path / "photo.png")
    command = (
        "import sys; from lcoins.cli.main import app\n"
        "app(['colorize', sys.argv[1], 'a red car'], standalone_mode=False);"
        "print(sorted(set(sys.argv[2:]) & sys.modules.keys()))"
    )
    slow = (
        *FRAMEWORKS,
        "timm",
        "torchvision",
        "torch._dynamo",
        "sympy",
        "transformers",
        "huggingface_hub",
        "torchmetrics",
        "skimage",
        "scipy",
        "sklearn",
        "matplotlib",
        "pandas",
        "ijson",
    )
    done = subprocess.run(
        [sys.executable, "-c", command, str(tmp_path / "photo.png"), *slow], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert (tmp_path / "photo_colorized.png").is_file()


def test_help_loads_no_torch() -> None:
    command = (
        "import sys\nfrom lcoins.cli.main import app\n"
        "try: app(['--help'])\nexcept SystemExit: print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("False")
