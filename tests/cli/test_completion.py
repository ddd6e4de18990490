"""Completion: what there is, in a real bash, without loading what is slow."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from lcoins.cli.completion import SCRIPTS, candidates
from lcoins.cli.conf_files import conf_folder, group_options, single_values
from lcoins.cli.config_kinds import known_keys
from lcoins.cli.main import app

CONF = conf_folder()


@pytest.fixture(scope="module")
def root() -> Any:
    return typer.main.get_command(app)


def test_commands_and_their_options_are_those_that_there_are(root: Any) -> None:
    commands = candidates(root, "lcoins ")
    assert {"train", "eval", "colorize", "data", "completion"} <= set(commands)
    assert candidates(root, "lcoins tra") == ["train"]
    assert "describe" in candidates(root, "lcoins data ")
    assert candidates(root, "lcoins colorize old.jpg --str") == ["--strength"]
    assert candidates(root, "lcoins colorize old") == []  # a file, which the shell finds
    assert candidates(root, "lcoins completion z") == ["zsh"]
    assert candidates(root, "lcoins nothing ") == [] and candidates(root, "lcoins") == []
    assert candidates(root, 'lcoins colorize "a red --') == []


def test_choices_are_the_files_of_conf(root: Any) -> None:
    assert candidates(root, "lcoins train experiment=pho") == ["experiment=photos_small"]
    for group, options in group_options(CONF, "train").items():
        assert candidates(root, f"lcoins train {group}=") == [f"{group}={option}" for option in options] != []
    assert candidates(root, "lcoins train 'system=lcode_") == ["system=lcode_tiny"]
    assert candidates(root, "lcoins train +experiment=pho") == ["+experiment=photos_small"]


def test_keys_are_those_of_the_configs(root: Any) -> None:
    assert candidates(root, "lcoins train recipe.epo") == ["recipe.epochs="]
    key = "evaluation.recolor="
    assert candidates(root, f"lcoins train {key}") == [f"{key}true", f"{key}false"]
    assert candidates(root, "lcoins bench warm") == ["warmup="]
    assert candidates(root, "lcoins train recipe.epochs=") == [] and candidates(root, "lcoins train warm") == []
    assert "--multirun" in candidates(root, "lcoins train --")
    found = single_values(CONF, "train")
    assert len(found) > 150 and found.keys() <= known_keys(CONF).keys()


def test_a_press_of_tab_loads_nothing_slow() -> None:
    code = (
        "import sys; sys.argv[1:] = ['complete-words', 'lcoins train experiment=pho']\n"
        "from lcoins.cli.main import main\nmain()\n"
        "slow = {'torch', 'hydra', 'omegaconf', 'numpy', 'lightning', 'PIL', 'rich', 'pydantic'}\n"
        "print(sorted(slow & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["experiment=photos_small", "[]"]


def in_bash(line: str, tmp_path: Path) -> list[str]:
    """What bash itself offers for a line, whose words it has taken apart as it does at the prompt."""
    command = tmp_path / "lcoins"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lcoins.cli.main "$@"\n')
    command.chmod(0o755)
    script = (
        'eval "$(lcoins completion bash)"\n'
        "COMP_LINE=$1; COMP_POINT=${#1}; COMP_WORDS=(lcoins); COMP_CWORD=1\n"
        'compopt() { echo "compopt $*"; }\n'
        'complete -p lcoins >/dev/null && _lcoins; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}
    bash = shutil.which("bash") or pytest.skip("there is no bash")
    done = subprocess.run(
        [bash, "--norc", "-c", script, "bash", line], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_bash_gets_what_stands_behind_the_equals_sign(tmp_path: Path) -> None:
    assert in_bash("lcoins train experiment=pho", tmp_path) == ["photos_small"]
    assert in_bash("lcoins train experiment", tmp_path) == ["compopt -o nospace", "experiment="]


@pytest.mark.parametrize("shell", SCRIPTS)
def test_each_script_is_one_that_its_shell_reads(shell: str) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"there is no {shell}")
    subprocess.run([found, "-n"], input=SCRIPTS[shell], text=True, check=True)
