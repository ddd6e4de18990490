"""Keys, options and own files of conf/ that would change nothing: each is refused in one line, with what is meant."""

import re
import shutil
from pathlib import Path

import pytest
from called import Call, one_line
from hydra._internal.utils import get_args_parser

from lcoins.cli import conf_files, hydra_commands
from lcoins.cli.config_kinds import known_keys
from lcoins.cli.own_keys import OPTIONS

BROKEN = "# @package _global_\nmodel:\n  transformer:\n    n_groups: 4\n   depth: 5\n"


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of conf/, for files of one's own, that stands in for it; nothing is trained."""
    copy = tmp_path / "conf"
    shutil.copytree(conf_files.conf_folder(), copy)
    monkeypatch.setattr(conf_files, "__file__", str(tmp_path / "src" / "lcoins" / "cli" / "conf_files.py"))
    monkeypatch.setitem(hydra_commands.COMMANDS, "train", lambda cfg, folder: None)
    monkeypatch.setitem(hydra_commands.COMMANDS, "info", lambda cfg, folder: None)
    return copy


def test_the_global_groups_are_those_whose_files_all_say_so() -> None:
    folder = conf_files.conf_folder()
    said: dict[str, set[str | None]] = {}
    for path in folder.glob("*/*.yaml"):
        said.setdefault(path.parent.name, set()).add(conf_files.package_of(path))
    assert {group for group, packages in said.items() if packages == {"_global_"}} == set(conf_files.GLOBAL_GROUPS)


@pytest.mark.parametrize("group", conf_files.GLOBAL_GROUPS)
def test_a_file_without_its_package_is_refused(
    lcoins: Call, conf: Path, run_folder: Path, capsys: pytest.CaptureFixture[str], group: str
) -> None:
    file = conf / group / "own.yaml"
    said = "model: {transformer: {n_groups: 4}}\n"
    if group == "system":
        said = (conf / group / "lcoins_tiny.yaml").read_text().partition("\n")[2]
    file.write_text(f"# @package _global_\n{said}")
    assert lcoins("train", f"{group}=own", f"runs={run_folder}") == 0
    file.write_text(said)
    assert lcoins("train", f"{group}=own", f"runs={run_folder}") == 2
    assert f"conf/{group}/own.yaml: its first line must be `# @package _global_`, without which" in one_line(capsys)


@pytest.mark.parametrize("group", ["ablation", "system", "data"])
def test_a_broken_file_is_named_where_it_is_chosen_and_elsewhere_ignored(
    lcoins: Call, conf: Path, run_folder: Path, capsys: pytest.CaptureFixture[str], group: str
) -> None:
    (conf / group / "Bad.yaml").write_text(BROKEN)
    (conf / group / "latin.yaml").write_bytes("name: été\n".encode("latin-1"))
    (conf / group / "list.yaml").write_text("- a\n")
    assert lcoins("train", f"runs={run_folder}") == 0
    assert lcoins("train", f"{group}=Bad", f"runs={run_folder}") == 2
    message = one_line(capsys)
    assert f"conf/{group}/Bad.yaml, line 5: expected <block end>" in message and message.count("\n") == 1
    assert known_keys(conf)["recipe.epochs"].kinds == {int}


def test_a_system_of_ones_own_without_a_model_breaks_no_other(lcoins: Call, conf: Path, run_folder: Path) -> None:
    (conf / "system" / "own.yaml").write_text("# @package _global_\nseed: 1\n")
    assert lcoins("train", f"runs={run_folder}") == 0


@pytest.mark.parametrize(
    ("command", "override", "message"),
    [
        ("train", "recipe.epoch=2", "no key recipe.epoch; did you mean recipe.epochs?\n"),
        ("train", "recip.epoch=2", "no key recip.epoch; did you mean recipe.epochs?\n"),
        ("train", "epochs=2", "no key epochs; did you mean recipe.epochs?\n"),
        ("train", "sytem=lcode", "no key sytem; did you mean system?\n"),
        ("train", "Seed=1", "no key Seed; did you mean seed?\n"),
        ("info", "sytem=lcode", "no key sytem; did you mean system?\n"),
        ("info", "zzz=1", "no key zzz; lcoins info --help shows its keys\n"),
        ("train", "trainer.limit_train_batch=2", "limit_train_batches? Else add the key with +trainer.limit_train_b"),
        ("train", "trainer.zzz=2", "no key trainer.zzz; add the key with +trainer.zzz=...\n"),
        ("train", "recipe.frozen=[x]", "no key recipe.frozen; add the key with +recipe.frozen=...\n"),
        ("train", "data.train.root=x", "data.train.root, which belongs to data=photos; choose that, or add"),
        ("train", "+seeed=1", "seeed is a key that nothing reads; did you mean seed?\n"),
        ("train", "+evaluation.recolour=false", "evaluation.recolour is a key that nothing reads; did you mean eval"),
        ("train", "+tracker.zzz=1", "tracker.zzz is a key that nothing reads; leave it out\n"),
        ("train", "ablation=no_la,no_ga", "ablation=no_la,no_ga names several values, and -m runs each in turn; as"),
        ("train", "--data=photos", "write data=photos, as KEY=VALUE, not --data\n"),
        ("eval", "data.tests.clear.length=8", "choose the data too, as in data=scenes data.tests.clear.length=..."),
    ],
)
def test_a_key_that_does_not_exist_says_which_is_meant(
    lcoins: Call,
    conf: Path,
    run_folder: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    override: str,
    message: str,
) -> None:
    place = {"train": [f"runs={run_folder}"], "eval": [f"run={run_folder}"], "info": []}[command]
    assert lcoins(command, override, *place) == 2
    said = one_line(capsys)
    assert message in said and said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [(["--epochs", "2"], "recipe.epochs=2"), (["--seed=3"], "seed=3"), (["--zzz", "a=b"], "zzz=...")],
)
def test_an_option_is_answered_by_its_key(
    lcoins: Call, run_folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], meant: str
) -> None:
    assert lcoins("train", *arguments, f"runs={run_folder}") == 2
    assert f"write {meant}, as KEY=VALUE, not {arguments[0].partition('=')[0]}\n" in one_line(capsys)


def test_what_other_values_refer_to_is_a_key_of_ones_own(lcoins: Call, conf: Path, run_folder: Path) -> None:
    (conf / "experiment" / "own.yaml").write_text("# @package _global_\nlonger: 2\nrecipe:\n  epochs: ${longer}\n")
    assert lcoins("train", "experiment=own", f"runs={run_folder}") == 0


def test_no_option_of_hydra_is_refused() -> None:
    theirs = {name for action in get_args_parser()._actions for name in action.option_strings}
    assert theirs | {"--json"} == OPTIONS


def test_a_file_that_another_file_chooses_is_looked_at_too(
    lcoins: Call, conf: Path, run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (conf / "ablation" / "own.yaml").write_text("model: {transformer: {n_groups: 4}}\n")
    (conf / "experiment" / "own.yaml").write_text("# @package _global_\ndefaults:\n  - override /ablation: own\n")
    assert lcoins("train", "experiment=own", f"runs={run_folder}") == 2
    assert "conf/ablation/own.yaml: its first line must be" in one_line(capsys)


@pytest.mark.parametrize("command", hydra_commands.COMMANDS)
def test_help_says_what_a_command_does_and_which_choices_there_are(
    lcoins: Call, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert lcoins(command, "--help") == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"lcoins {command} ") and shown.count(f"  lcoins {command} ") == 2  # two examples
    assert "powered by Hydra" not in shown and "docs/reference" in shown
    for group, options in conf_files.group_options(conf_files.conf_folder(), command).items():
        assert re.search(rf"^  {group} +{', '.join(options)}$", shown, re.MULTILINE)
    assert "\nseed: 0\n" in shown or command in ("info", "bench")
