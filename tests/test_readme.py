"""Every command in README.md is real: commands exist, overrides compose, make targets are in the Makefile."""

import re
import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from typer.testing import CliRunner

from lcoins.cli.hydra_commands import conf_folder, label
from lcoins.cli.main import app
from lcoins.cli.overrides import hydra_override

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = [shlex.split(line, comments=True) for block in BLOCKS for line in block.replace("\\\n", " ").splitlines()]
LCOINS = [command[1:] for command in COMMANDS if command and Path(command[0]).name == "lcoins"]
MAKE = [command[1] for command in COMMANDS if command and command[0] == "make"]


PLAIN = ("colorize", "data", "demo", "export", "frames", "report", "study")  # the commands that take no Hydra config
OTHERS = [c for c in LCOINS if c[0] in PLAIN or c[:2] == ["bench", "infer"]]


def test_the_readme_shows_commands():
    shown = {command[0] for command in LCOINS}
    assert {"train", "eval", "colorize", "demo", "frames", "export", "info", "bench", "data"} <= shown
    assert {"train", "test"} <= set(MAKE)


@pytest.mark.parametrize("command", [c for c in LCOINS if c not in OTHERS], ids=" ".join)
def test_overrides_compose(command: list[str]):
    name, *arguments = command
    given = [re.sub(r",.*", "", a) if "-m" in arguments else a for a in arguments if not a.startswith("-")]
    single = [hydra_override(argument) for argument in given]
    OmegaConf.register_new_resolver("label", label, replace=True)
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        assert compose(name, overrides=single) is not None


@pytest.mark.parametrize("command", OTHERS, ids=" ".join)
def test_other_commands_take_the_options_that_the_readme_gives(command: list[str]):
    deep = (
        3
        if command[:2] == ["data", "build"]
        else 2
        if command[0] in ("data", "study") or command[1:2] in (["figures"], ["infer"])
        else 1
    )
    shown = CliRunner().invoke(app, [*command[:deep], "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    options = {argument for argument in command if argument.startswith("-")}
    assert all(option in shown.output for option in options)


@pytest.mark.parametrize("target", sorted(set(MAKE)))
def test_make_targets_exist(target: str):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_every_linked_file_exists():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
