"""What a person changes on the page beside the sentence's text: hints, a color word, a step back in the history."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field, FiniteFloat, ValidationError

from lcoins.app.studio import MAX_LETTERS, MAX_SENTENCES, InputError
from lcoins.color.names import Lab
from lcoins.color.reading import Reading, read_sentence
from lcoins.color.words import replaced
from lcoins.colorize.by_hand import MOST, StrokeHint, color_named

MOST_POINTS = 200  # of a line that is brushed
LONGEST_NAME = 60  # letters of a color's name
NOT_UNDERSTOOD = "This page and its server do not fit together. Load the page again."
Share = Annotated[FiniteFloat, Field(ge=0, le=1)]


class _SentHint(BaseModel):
    points: list[tuple[Share, Share]] = Field(min_length=1, max_length=MOST_POINTS)
    color: str = Field(min_length=1, max_length=LONGEST_NAME)


class _SentWord(BaseModel):
    sentence: str = Field(min_length=1, max_length=MAX_LETTERS)
    index: int = Field(ge=0, le=MAX_LETTERS)
    color: str = Field(min_length=1, max_length=LONGEST_NAME)


class _Sent(BaseModel):
    text: str | None = Field(None, max_length=MAX_SENTENCES * MAX_LETTERS)
    strength: Annotated[FiniteFloat, Field(ge=0, le=1.5)] | None = None
    hints: list[_SentHint] | None = Field(None, max_length=MOST)
    word: _SentWord | None = None


@dataclass(frozen=True)
class Change:
    """What is to be different; None for what stays.

    ``word`` is a sentence, the index of one of its color phrases, and the color that this becomes. The sentence may be
    another one than the page shows by then.
    """

    text: str | None = None
    strength: float | None = None
    hints: tuple[StrokeHint, ...] | None = None
    word: tuple[str, int, str] | None = None


def read_change(sent: str) -> Change:
    """Reads what changes.js sends, which may be anything; raises InputError where it is no change or names no color.

    >>> read_change('{"word": {"sentence": "a blue car", "index": 0, "color": "Dark  red"}}')
    Change(text=None, strength=None, hints=None, word=('a blue car', 0, 'dark red'))
    """
    try:
        read = _Sent.model_validate_json(sent)
    except ValidationError as error:
        raise InputError(NOT_UNDERSTOOD) from error
    hints = None if read.hints is None else tuple(map(_hint, read.hints))
    word = None if read.word is None else (read.word.sentence, read.word.index, _known(read.word.color)[0])
    return Change(read.text, read.strength, hints, word)


def _hint(sent: _SentHint) -> StrokeHint:
    return StrokeHint(tuple(sent.points), *_known(sent.color))


def _known(color: str) -> tuple[str, Lab]:
    """A color's name in one spelling, and its CIELAB; raises InputError where none is known by that name."""
    name = " ".join(color.lower().split())
    try:
        return name, color_named(name)
    except ValueError as error:
        raise InputError(str(error)) from error


def reworded(sentence: str, index: int, color: str) -> str:
    """The sentence with its color phrase of that index exchanged; raises InputError where that cannot be.

    All its colors must still speak of the same things. So a color that would be read as a thing, as in "an olive bowl",
    gets "-colored", and one that a hyphen joins to another gets hyphens itself.

    >>> reworded("A dark-red car, not an orange one", 0, "olive")
    'An olive car, not an orange one'
    >>> reworded("a red bowl", 0, "olive")
    'an olive-colored bowl'
    >>> reworded("a blue-and-white shirt", 1, "light blue")
    'a blue-and-light-blue shirt'
    """
    read = read_sentence(sentence)
    if index >= len(read.colors) or color.startswith("#"):
        raise InputError(NOT_UNDERSTOOD)
    for name in (color, f"{color}-colored", color.replace(" ", "-")):
        made = replaced(sentence, read.colors[index], name)
        if _speaks_alike(read, read_sentence(made), index):
            return made
    raise InputError(f"With “{color}” there, the sentence would speak of something else. Write it anew.")


def _speaks_alike(before: Reading, after: Reading, index: int) -> bool:
    """Whether two sentences speak of the same things, in the same colors but for the one of that index."""
    others = [[one.lab for at, one in enumerate(read.colors) if at != index] for read in (before, after)]
    return len(before.colors) == len(after.colors) and before.things == after.things and others[0] == others[1]


def with_line(text: str, before: str, after: str) -> str:
    """The field's text with ``after`` in place of its line ``before``; other lines stay, for they are pictures, too.

    >>> with_line("a red car\\na blue  car", "a blue car", "a green car")
    'a red car\\na green car'
    >>> with_line("a red car\\na blue car", "a blue car", "a red car")
    'a red car\\na blue car'
    >>> with_line("a red", "a blue car", "a green car")
    'a green car'
    """
    lines = text.splitlines()
    if after not in lines:
        lines = [after if " ".join(line.split()) == before else line for line in lines]
    return "\n".join(lines) if after in lines else after
