"""Labels for variants: sentences cut so that they still differ."""

from collections.abc import Sequence

LONGEST = 56  # letters of a label
CUT = "…"


def labels(sentences: Sequence[str], longest: int = LONGEST) -> list[str]:
    """A label of at most about ``longest`` letters for each sentence: its beginning and end, or where it differs.

    >>> labels(["a red cat", "a brown cat in a box on the left", "a brown cat in a box on the right"], 20)
    ['a red cat', 'a brown cat … left', 'a brown cat … right']
    >>> labels(["a big cat on a red mat in a very old house", "a big cat on a blue mat in a very old house"], 20)
    ['… red mat in a …', '… blue mat in a …']
    """
    made = [_ends(sentence.split(), longest) for sentence in sentences]
    for label in {label for label in made if made.count(label) > 1}:
        same = {index: sentences[index].split() for index, one in enumerate(made) if one == label}
        for index, own in same.items():
            first = max(_first_difference(own, other) for at, other in same.items() if at != index)
            made[index] = _window(own, first, longest)
    return made


def _ends(words: Sequence[str], longest: int) -> str:
    """The first words and the last ones; three fifths of the letters go to the first."""
    if len(" ".join(words)) <= longest:
        return " ".join(words)
    head = _fitting(words, longest * 3 // 5)
    tail = _fitting(words[::-1], longest - longest * 3 // 5 - 3)[::-1]
    return " ".join([*head, CUT, *tail])


def _window(words: Sequence[str], first: int, longest: int) -> str:
    """The words from ``first`` on."""
    inside = _fitting(words[first:], longest - 4)
    before, after = [CUT] * (first > 0), [CUT] * (first + len(inside) < len(words))
    return " ".join([*before, *inside, *after])


def _fitting(words: Sequence[str], longest: int) -> list[str]:
    """As many words from the first on as fit; at least one, cut if it is too long."""
    taken: list[str] = []
    for word in words:
        if len(" ".join([*taken, word])) > longest:
            return taken or [word[: longest - 1] + CUT]
        taken.append(word)
    return taken


def _first_difference(one: Sequence[str], other: Sequence[str]) -> int:
    """The first place at which two sentences have different words."""
    shortest = min(len(one), len(other))
    return next((place for place in range(shortest) if one[place] != other[place]), max(0, shortest - 1))
