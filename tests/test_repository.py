"""The files around the code say what is there: container, workflow, forms, threat model, metadata."""

import os
import re
import shlex
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

import lcoins

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def instructions() -> list[list[str]]:
    """The words of each line of the Dockerfile that is no comment; lines that end with a backslash are joined."""
    lines = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line and not line.startswith("#")]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))


def test_the_container_copies_what_is_there_and_let_in() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copied = {name for words in instructions() if words[0] == "COPY" for name in words[1:-1]}
    assert "*" in ignored and copied == let_in
    assert all((ROOT / name).exists() for name in copied)
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    needed = {name.partition("/")[0] for name in build["targets"]["wheel"]["only-include"]}
    assert {*needed, "experiments", PROJECT["readme"], *PROJECT["license-files"], "pyproject.toml"} <= copied


def test_the_container_has_one_origin_both_devices_its_extras_and_another_user_than_root() -> None:
    words = instructions()
    defaults = dict(line[1].split("=") for line in words if line[0] == "ARG")
    assert [line[1:] for line in words if line[0] == "FROM"] == [["python:3.11-slim-bookworm"]]
    (torch,) = [" ".join(line) for line in words if line[:2] == ["RUN", "case"]]
    assert defaults["DEVICE"] == "cpu" and {"cpu)", "cuda)", "*)"} <= set(torch.split())
    # PyTorch's index has not every release of what torch needs, so nothing but the two comes from there.
    (from_index,) = [branch for branch in torch.split(";;") if "--index-url" in branch]
    assert "cpu)" in from_index and "--no-deps torch torchvision" in from_index
    assert set(defaults["EXTRAS"].split(",")) <= PROJECT["optional-dependencies"].keys()
    users = [line[1] for line in words if line[0] == "USER"]
    assert users == ["lcoins"] and any("useradd" in line and "lcoins" in line for line in words)
    secret = re.compile(r"TOKEN|PASSWORD|API_KEY", re.IGNORECASE)
    assert not [line for line in words if line[0] in ("ENV", "ARG") and secret.search(" ".join(line))]
    (entry,) = [line for line in words if line[0] == "ENTRYPOINT"]
    assert entry[1].strip('["]') in PROJECT["scripts"]


@pytest.mark.parametrize(
    ("given", "passed"), [([], []), (["CHECKPOINT=a b/best.ckpt"], ["--checkpoint", "a b/best.ckpt"])]
)
def test_make_colorize_takes_the_weights_of_lcoins_unless_others_are_named(
    tmp_path: Path, given: list[str], passed: list[str]
) -> None:
    command = tmp_path / "lcoins"
    command.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    command.chmod(0o755)
    ready = tmp_path / "ready"
    make = ["make", "-s", "-o", str(ready), f"BIN={tmp_path}", f"READY={ready}"]
    words = [*make, "colorize", "PHOTO=old.jpg", "CAPTION=a red car", *given]
    environment = {name: value for name, value in os.environ.items() if name != "CHECKPOINT"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["colorize", "old.jpg", "a red car", *passed]


def test_no_cell_of_the_model_card_is_half_empty() -> None:
    card = (ROOT / "src" / "lcoins" / "weights" / "MODEL_CARD.md").read_text(encoding="utf-8")
    table = card.partition("## Figures")[2].partition("\n\nBy the")[0].strip().splitlines()[2:]
    assert len(table) == 9
    for line in table:
        name, *figures = (cell.strip() for cell in line.strip("|").split("|"))
        assert name and all(figures) and not any("," in figure for figure in figures), line


def test_the_workflow_runs_what_continuous_integration_runs() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))
    runs = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    local = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert runs == re.findall(r"^make \w+$", local, flags=re.MULTILINE)
    assert {run.partition(" ")[2] for run in runs} <= make_targets()
    assert workflow["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_for_issues_has_what_github_asks_for(path: Path) -> None:
    form: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    if path.stem == "config":
        assert all({"name", "url", "about"} == link.keys() for link in form["contact_links"])
        return
    assert {"name", "description", "body"} <= form.keys()
    names = [part["id"] for part in form["body"] if part["type"] != "markdown"]
    assert len(names) == len(set(names)) > 0
    assert all(part["attributes"].get("label") for part in form["body"] if part["type"] != "markdown")


def test_each_claim_of_the_threat_model_names_a_test_that_is_there() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", text)
    rows = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line][1:]
    assert len(named) >= len(rows) > 10
    assert all("::test_" in row for row in rows)
    missing = [name for file, name in named if f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8")]
    assert missing == []


def test_addresses_of_the_project_agree_and_files_they_name_are_there() -> None:
    urls = PROJECT["urls"]
    home = urls["Repository"]
    assert all(url.startswith(home) for url in urls.values())
    files = [url.partition("/blob/main/")[2] for url in urls.values() if "/blob/main/" in url]
    files += re.findall(rf"{re.escape(home)}/blob/main/([\w./-]+)", "".join(p.read_text("utf-8") for p in FORMS))
    assert files and all((ROOT / file).is_file() for file in files)


def test_the_supported_pythons_are_those_that_are_tested() -> None:
    named = {line.rpartition(" ")[2] for line in PROJECT["classifiers"] if fnmatch(line, "Programming*:: 3.*")}
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    assert named == set(re.findall(r'python-version: "([\d.]+)"', workflow)) == {"3.11"}


def test_the_newest_release_of_the_changelog_is_the_version() -> None:
    """What comes next stands above it as Unreleased; before the first release there is nothing to compare."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    released = [
        re.fullmatch(r"(\S+) \(\d{4}-\d{2}-\d{2}\)", heading) for heading in headings if heading != "Unreleased"
    ]
    assert headings and "Unreleased" not in headings[1:] and all(released)
    assert not released or (released[0] and released[0][1] == lcoins.__version__)


def test_the_citation_has_the_version() -> None:
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == lcoins.__version__
