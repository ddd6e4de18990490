"""What has two colors that it goes over from and to: "the sky fades from orange to purple"."""

from collections.abc import Sequence

from lcoins.color.clauses import begin_of, ends_with
from lcoins.color.color_or_thing import is_from_to
from lcoins.color.phrases import ColorPhrase, Token
from lcoins.color.subjects import subject, words_named
from lcoins.color.word_kinds import PERSONS, RELATIVE, word_set

_GOING_OVER = word_set(
    """fade fades faded fading go goes went going change changes changed changing turn turns turned turning vary varies
    varied varying range ranges ranged ranging shift shifts shifted shifting blend blends blended blending"""
)
_BESIDE = word_set("is are was were slowly gradually softly smoothly")


def what_goes_over(index: int, tokens: Sequence[Token], phrases: Sequence[ColorPhrase], colors: set[int]) -> list[str]:
    """The words that name what goes over from one color to another; none where a color is not one of two such.

    What a clause begins with, or, without a verb and behind "that" or "fading", what is named last: "dress" of "a
    woman in a dress that goes from white to blue".

    Args:
        index: that of the color among ``phrases``.
        tokens: the words of the sentence.
        phrases: its color phrases.
        colors: the indices of all their words.
    """
    for first in (index - 1, index):
        pair = phrases[max(first, 0) : first + 2]
        if first >= 0 and len(pair) == 2 and is_from_to(tokens, *pair) and ends_with(pair[1], tokens, colors):
            break
    else:
        return []
    last = verb = phrases[first].first - 2
    while last >= 0 and tokens[last].text in _GOING_OVER | _BESIDE:
        last -= 1
    if last >= 0 and tokens[last].text in RELATIVE:
        last = verb = last - 1
    if last < 0:
        return []
    if last < verb and not tokens[verb].text.endswith("ing"):
        named = subject(begin_of(last, tokens, colors, clause=True), last, tokens, colors)
    else:
        begin = begin_of(last, tokens, colors, clause=False)
        named = words_named(tokens[at].text for at in range(begin, last + 1) if at not in colors)
    return named if PERSONS.isdisjoint(named) else []
