"""What is said about a sentence beside its picture: the colors that were understood, and all that was not."""

from functools import cache

from lcoins.color.phrases import tokens_of
from lcoins.color.reading import read_sentence
from lcoins.color.spelling import misspelled, seems_english
from lcoins.color.spoken_of import things_spoken_of
from lcoins.models.backbones.bert_weights import bert_folder


def understood_line(sentence: str) -> str:
    """One line with the colors of a sentence, each with what it speaks of.

    >>> understood_line("a dark-red car, not a blue one")
    "'a dark-red car, not a blue one': understood as colors: dark-red (car)"
    """
    phrases = read_sentence(sentence).colors
    things = things_spoken_of(tokens_of(sentence), phrases)
    said = [f"{one.word} ({thing})" if thing else one.word for one, thing in zip(phrases, things, strict=True)]
    return f"{sentence!r}: understood as colors: {', '.join(said) or 'none'}"


def remarks(sentence: str) -> list[str]:
    """Lines on what the model reads in place of a word, what is left alone and why, and what was probably meant.

    >>> remarks("Mr Brown has a vermilion car and a coffee cup, not a red one")
    ... # doctest: +NORMALIZE_WHITESPACE
    ["'vermilion' is read as 'bright red', the nearest color that the model learned",
     "not read as colors: 'Brown' (a name), 'coffee' (a thing), 'not a red' (negated)"]
    """
    reading = read_sentence(sentence)
    substitutes = {phrase.word: phrase.substitute for phrase in reading.colors if phrase.substitute}
    lines = [
        f"{word!r} is read as {other!r}, the nearest color that the model learned"
        for word, other in substitutes.items()
    ]
    if reading.left_alone:
        parts = dict.fromkeys(f"{part.text!r} ({part.reason})" for part in reading.left_alone)
        lines.append(f"not read as colors: {', '.join(parts)}")
    if not seems_english(sentence):
        return [*lines, f"{sentence!r} does not look like English: only English is understood"]
    return lines + [
        f"{word!r} is not known as a color: did you mean {color}?"
        for word, color in misspelled(sentence, _ordinary_words()).items()
    ]


@cache
def _ordinary_words() -> frozenset[str]:
    """The whole words of the text encoder's vocabulary, which are no misspelled colors."""
    pieces = (bert_folder("minilm") / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(piece for piece in pieces if not piece.startswith("##"))
