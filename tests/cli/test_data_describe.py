"""`lcoins data describe` and `agreement`: what they print, and that a training takes what is written."""

import json
import re
import sys
from pathlib import Path

import pytest
from described_photos import SCENES, write_photos

from lcoins.cli.main import main


def lcoins(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    """The command in this process; gives its exit status."""
    monkeypatch.setattr(sys, "argv", ["lcoins", *map(str, arguments)])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_describe_says_what_it_did_and_what_it_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files, output = write_photos(tmp_path, SCENES * 2), tmp_path / "sets" / "list.json"
    (files.root / "1.png").write_bytes(b"no photo")
    command = ("data", "describe", files.root, files.instances, "-o", output, "--captions", "2", "--processes", "1")
    assert lcoins(monkeypatch, *command) == 0
    printed = capsys.readouterr()
    assert re.search(r"list\.json: 5 photos, \d+ captions, \d+ things with a color; 0 photos with nothing", printed.out)
    assert "1 left out" in printed.out and "list_object_colors.json, list_instances.json" in printed.out
    assert printed.err.count("1.png") == 1
    assert {path.name for path in output.parent.iterdir()} == {
        "list.json",
        *(f"list_{name}" for name in ("object_colors.json", "instances.json", "left_out.jsonl", "manifest.json")),
    }
    assert lcoins(monkeypatch, *command) == 0
    assert "is finished, with the same options; nothing to do" in capsys.readouterr().out
    assert lcoins(monkeypatch, *command, "--seed", "1") == 2
    error = capsys.readouterr().err
    assert "lcoins: " in error and "made otherwise" in error and "Traceback" not in error


def test_describe_counts_the_photos_that_only_the_outlines_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files, output = write_photos(tmp_path, SCENES * 2), tmp_path / "list.json"
    (files.root / "1.png").unlink()
    (files.root / "2.png").unlink()
    (files.root / "3.png").write_bytes(b"no photo")
    assert lcoins(monkeypatch, "data", "describe", files.root, files.instances, "-o", output, "--processes", "1") == 0
    printed = capsys.readouterr().err
    assert f"{files.instances} names 2 photos that {files.root} lacks, of 6" in printed
    assert "missing photo" not in printed and "3.png" in printed


def test_agreement_prints_precision_and_coverage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files, captions = write_photos(tmp_path), tmp_path / "captions.json"
    captions.write_text(json.dumps({"0.png": ["a red bus on brown grass"], "2.png": ["a black and white person"]}))
    command = ("data", "agreement", files.root, files.instances, captions)
    assert lcoins(monkeypatch, *command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(re.match(r" *all +2 +2 +1 +0 +0\.500 +0\.500 +1\.000", line) for line in lines)
    assert lcoins(monkeypatch, *command, "--json") == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["all"]["asked"] == 2 and figures["red"]["precision"] == 1 and figures["brown"]["right"] == 0
