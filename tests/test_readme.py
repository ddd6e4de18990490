"""Every command in README.md and docs/ is real: commands exist, options parse, overrides compose, targets are there."""

import re
from pathlib import Path

import pytest
import typer
from documented_commands import (
    COMPOSED,
    PAGES,
    ROOT,
    all_commands,
    composed,
    expect_options,
    lcoins_commands,
    make_targets,
)
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict

from lcoins.cli.main import app
from lcoins.training.run import plain_config
from lcoins.training.run_folder import open_run_folder

COMMANDS = lcoins_commands()
WITH_CONFIG = [(file, words) for file, words in COMMANDS if words[0] in COMPOSED and words[:2] != ["bench", "infer"]]
OTHERS = [one for one in COMMANDS if one not in WITH_CONFIG]
# Results retell commands without the paths that were there, and an evaluation takes the model's values from a file.
IN_GUIDES = [
    (file, words) for file, words in WITH_CONFIG if not file.startswith("docs/results/") and words[0] != "eval"
]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def named(value: object) -> str:
    return " ".join(value)[:80] if isinstance(value, list) else str(value)


def as_started(command: list[str]) -> tuple[DictConfig, DictConfig]:
    """The config of a command and Hydra's own, as they are when the command starts."""
    HydraConfig.instance().set_config(cfg := composed(command, return_hydra_config=True))
    with open_dict(cfg):
        return cfg, cfg.pop("hydra")


def test_every_command_of_lcoins_is_shown_somewhere() -> None:
    shown = {words[0] for _, words in COMMANDS}
    assert set(typer.main.get_command(app).commands) <= shown  # type: ignore[attr-defined]


def test_the_readme_names_how_to_train_and_how_to_test() -> None:
    in_readme = [words for file, words in all_commands() if file == "README.md"]
    assert ["make", "train"] in in_readme and ["make", "test"] in in_readme


@pytest.mark.parametrize(("file", "command"), WITH_CONFIG, ids=named)
def test_overrides_compose(file: str, command: list[str]) -> None:
    assert composed(command) is not None, file


@pytest.mark.parametrize(("file", "command"), IN_GUIDES, ids=named)
def test_the_commands_of_the_guides_lack_no_value(file: str, command: list[str]) -> None:
    assert OmegaConf.missing_keys(as_started(command)[0]) == set(), file


def test_no_two_commands_of_the_guides_train_other_things_into_one_folder(tmp_path: Path) -> None:
    for _, command in IN_GUIDES:
        if command[0] == "train":
            cfg, hydra = as_started(command)
            open_run_folder(tmp_path / hydra.run.dir, plain_config(cfg))  # which refuses what another config has begun


@pytest.mark.parametrize(("file", "command"), OTHERS, ids=named)
def test_options_parse(file: str, command: list[str]) -> None:
    expect_options(command)


def test_an_option_that_does_not_exist_is_found() -> None:
    with pytest.raises(Exception, match="--colour"):
        expect_options(["colorize", "old.jpg", "a red car", "--colour"])
    with pytest.raises(Exception, match="invent"):
        expect_options(["data", "invent"])


@pytest.mark.parametrize("target", sorted(make_targets()))
def test_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_every_file_that_the_readme_links_exists() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)", README) if "://" not in link]
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_gain_over_gray_is_that_of_the_model_card() -> None:
    card = (ROOT / "src" / "lcoins" / "weights" / "MODEL_CARD.md").read_text(encoding="utf-8")
    rows = card[card.index("| COCO val2017, 676 other pairs |") :].splitlines()
    ours, gray = (float(row.split("|")[2]) for row in (rows[0], next(row for row in rows if "gray picture" in row)))
    said = re.search(r"the weights are ([\d.]+) \[([\d.]+), ([\d.]+)\] dB above gray", README)
    assert said is not None
    gain, low, high = map(float, said.groups())
    assert gain == pytest.approx(ours - gray, abs=0.0101) and low < gain < high  # each figure is rounded


def test_no_line_of_a_page_is_longer_than_120_characters() -> None:
    for page in PAGES:
        text = re.sub(r"^```math\n.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        assert [line for line in text.splitlines() if len(line) > 120 and not line.startswith("|")] == [], page
