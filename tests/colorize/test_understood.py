"""What is said about a sentence: understood, substituted, left alone, misspelled, not English."""

from pathlib import Path

import pytest
import torch
from drawn_photos import FakeColorizer, gray_ramp
from typer.testing import CliRunner

from lcoins.cli.main import app
from lcoins.colorize.batch import PhotoOptions, colorize_files
from lcoins.colorize.understood import remarks, understood_line
from lcoins.colorize.word_effect import word_effects


@pytest.mark.parametrize(
    ("sentence", "lines"),
    [
        ("a red car before a dark-blue wall", []),
        ("a car", []),
        ("a man with a mitt in a corral", []),
        (
            "a celadon door",
            ["'celadon' is read as 'pale green' where no thing is found, the nearest color that the model learned"],
        ),
        (
            "Mr Brown drinks orange juice, not red wine",
            ["not read as colors: 'Brown' (a name), 'orange' (a thing), 'not red' (negated), 'wine' (a thing)"],
        ),
        ("a yelow car", ["'yelow' is not known as a color: did you mean yellow?"]),
        ("ein gelbes Auto", ["'ein gelbes Auto' does not look like English: only English is understood"]),
    ],
)
def test_only_what_is_unusual_is_remarked(sentence: str, lines: list[str]) -> None:
    assert remarks(sentence) == lines


def test_the_first_line_names_the_colors_as_written() -> None:
    assert (
        understood_line("Sky-blue and reddish")
        == "'Sky-blue and reddish': understood as colors: Sky-blue (of nothing named), reddish (of nothing named)"
    )
    assert understood_line("a rose").endswith("colors: none")


def test_the_model_reads_the_substitute_and_the_person_is_told(tmp_path: Path) -> None:
    gray_ramp().save(tmp_path / "a.png")
    colorizer = FakeColorizer()
    options = PhotoOptions(tmp_path / "b.png")
    result = colorize_files(colorizer, [tmp_path / "a.png"], ["a fire engine red car, not blue"], options)
    captions = [caption for _, caption in colorizer.asked]
    assert captions == ["a bright red car,", "a blue car,"]  # for the picture, and to see what its color does
    assert not any("not" in caption or "engine" in caption for caption in captions)
    assert result.notices[:2] == [
        "'fire engine red' is read as 'bright red' where no thing is found, the nearest color that the model learned",
        "not read as colors: 'not blue' (negated)",
    ]
    assert result.effects == [f"{tmp_path / 'b.png'}: of the picture, 'fire engine red' 100%"]


def test_a_phrase_is_tested_as_a_whole() -> None:
    colorizer = FakeColorizer()
    effects = word_effects(colorizer, torch.zeros(1, 1, 8, 8), "a dark-red car and a salmon-colored wall")
    assert [word.word for word, _ in effects] == ["dark-red", "salmon-colored"]
    captions = [caption for _, caption in colorizer.asked]
    assert captions[1].endswith("car and a salmon-colored wall") and captions[2].startswith("a dark-red car and a ")
    assert "-" not in captions[1].split("car")[0] and "colored" not in captions[2]


def test_the_command_says_it(tmp_path: Path) -> None:
    gray_ramp().save(tmp_path / "a.png")
    done = CliRunner().invoke(app, ["colorize", str(tmp_path / "a.png"), "a celadon, not a red door, and a yelow car"])
    assert done.exit_code == 0, done.output
    assert "understood as colors: celadon (door)\n" in done.output
    for line in ("'celadon' is read as 'pale green'", "'not a red' (negated)", "did you mean yellow?"):
        assert line in done.output
