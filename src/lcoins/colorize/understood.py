"""What is said about a sentence beside its picture: the colors that were understood, and all that was not."""

from collections.abc import Sequence
from functools import cache

from lcoins.color.reading import read_sentence
from lcoins.color.spelling import misspelled, seems_english
from lcoins.models.backbones.bert_weights import bert_folder

NO_THING = "of nothing named"


def understood_line(sentence: str) -> str:
    """One line with the colors of a sentence, each with what it speaks of.

    >>> understood_line("a dark-red car, not a blue one")
    "'a dark-red car, not a blue one': understood as colors: dark-red (car)"
    """
    reading = read_sentence(sentence)
    pairs = zip(reading.colors, reading.things, strict=True)
    said = [f"{color.word} ({thing or NO_THING})" for color, thing in pairs]
    return f"{sentence!r}: understood as colors: {', '.join(said) or 'none'}"


def remarks(sentence: str) -> list[str]:
    """Lines on what the model reads in place of a word, what is left alone and why, and what was probably meant.

    >>> remarks("Mr Brown has a vermilion car and a coffee cup, not a red one")
    ... # doctest: +NORMALIZE_WHITESPACE
    ["'vermilion' is read as 'bright red' where no thing is found, the nearest color that the model learned",
     "not read as colors: 'Brown' (a name), 'coffee' (a thing), 'not a red' (negated)"]
    """
    return remarks_on_all([sentence])


def remarks_on_all(sentences: Sequence[str]) -> list[str]:
    """The remarks on many sentences, each word once.

    >>> remarks_on_all(["a yelow car", "a yelow bus"])
    ["'yelow' is not known as a color: did you mean yellow?"]
    """
    readings = [read_sentence(sentence) for sentence in sentences]
    lines = [
        f"{phrase.word!r} is read as {phrase.substitute!r} where no thing is found, the nearest color that the model "
        "learned"
        for reading in readings
        for phrase in reading.colors
        if phrase.substitute not in (None, phrase.color)
    ]
    parts = dict.fromkeys(f"{part.text!r} ({part.reason})" for reading in readings for part in reading.left_alone)
    if parts:
        lines.append(f"not read as colors: {', '.join(parts)}")
    foreign = list(dict.fromkeys(sentence for sentence in sentences if not seems_english(sentence)))
    if len(foreign) == 1:
        lines.append(f"{foreign[0]!r} does not look like English: only English is understood")
    elif foreign:
        lines.append(
            f"{len(foreign):,} sentences do not look like English, the first {foreign[0]!r}: only English is understood"
        )
    lines += [
        f"{word!r} is not known as a color: did you mean {color}?"
        for sentence in sentences
        if seems_english(sentence)
        for word, color in misspelled(sentence, _ordinary_words()).items()
    ]
    return list(dict.fromkeys(lines))


def without_colors(sentences: Sequence[str]) -> list[str]:
    """One line on the sentences in which no color word is known, or none where there is no such sentence.

    >>> without_colors(["a red car", "a tree"])
    ["no color word known in 'a tree' (such as red, blue, brown): the model has to guess"]
    """
    found = [sentence for sentence in sentences if not read_sentence(sentence).colors]
    if not found:
        return []
    where = (
        repr(found[0]) if len(found) == 1 else f"{len(found):,} of {len(sentences):,} sentences, the first {found[0]!r}"
    )
    return [f"no color word known in {where} (such as red, blue, brown): the model has to guess"]


@cache
def _ordinary_words() -> frozenset[str]:
    """The whole words of the text encoder's vocabulary, which are no misspelled colors."""
    pieces = (bert_folder("minilm") / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(piece for piece in pieces if not piece.startswith("##"))
