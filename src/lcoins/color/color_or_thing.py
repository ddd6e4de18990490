"""Whether a name that is also a thing's names a color where it stands: "an orange cat", but "an orange on a plate".

Three kinds of names. Most are colors wherever they stand, but in a few compounds ("white wine"). ADJECTIVES are things,
too: they name a color before a word that may be a noun and is not one of their compounds ("orange juice"). THINGS are
mostly things ("sand", "coffee"): they name a color only before what people wear, paint or build.
Both name a color also after "is", "painted", "wearing" and the like ("the bus is salmon"), in clothes ("in tan"), with
another color ("tan and white"), after a shade ("pale peach"), and before "colored" or "color".
These rules look at a few words around the name; they do not parse.
"""

from collections.abc import Sequence

from lcoins.color.ambiguous_names import ADJECTIVES, COMPOUNDS, PAINTABLE, THINGS
from lcoins.color.phrases import ColorPhrase, Token, word_at
from lcoins.color.shades import SHADE_WORDS
from lcoins.color.word_kinds import (
    ARTICLES,
    COLORING,
    COMMANDS,
    COUNTS,
    DEGREES,
    NO_NOUN,
    PAINTED,
    PERSONS,
    TO_BE,
    WEARING,
    word_set,
)
from lcoins.color.words import HYPHENS

_SHADED_THINGS = frozenset(("chocolate", "coffee", "wine", "cherry", "salmon"))  # "dark chocolate"
_BEING = (
    TO_BE
    | WEARING
    | PAINTED
    | word_set(
        """being paint color colour colors colours shade shades tone tones hue
    hues"""
    )
)
_MAKING = COLORING | word_set("makes paints turns want making painting coloring")
_WORN_BY = PERSONS | word_set("dressed clad one all both")  # before "in" and a color


def is_color(phrase: ColorPhrase, tokens: Sequence[Token], phrases: Sequence[ColorPhrase], known: bool) -> bool:
    """Whether a phrase names a color where it stands.

    Args:
        phrase: one of ``phrases``.
        tokens: the words of its sentence.
        phrases: all phrases of the sentence that may name a color, in order.
        known: whether the phrase that "and", "or", a comma or a stroke joins to it, before it, names one.
    """
    following = word_at(tokens, phrase.last + 1)
    if _makes_compound(phrase, tokens):
        return False
    if phrase.colored or (following in ("color", "colour") and _close(tokens, phrase.last + 1)):
        return True
    if phrase.plural:
        return phrase.base not in ADJECTIVES and (known or _predicate(phrase, tokens, phrases) or _worn(phrase, tokens))
    if phrase.base not in ADJECTIVES | THINGS or (" " in phrase.color and not _is_shaded_thing(phrase)):
        return True
    if _before_a_noun(phrase, tokens) or _before_another(phrase, tokens, phrases):
        return True
    if _is_given(phrase, tokens) or _is_gone_over(phrase, tokens, phrases):
        return True
    if _predicate(phrase, tokens, phrases) or _worn(phrase, tokens):
        return not _close(tokens, phrase.last + 1) or following in NO_NOUN
    return _ends(tokens, phrase.last + 1) and (known or _made(phrase, tokens) or _in_a_list(phrase, tokens, phrases))


def _is_given(phrase: ColorPhrase, tokens: Sequence[Token]) -> bool:
    """Whether it is what a demand gives a thing: "use silver for the door", "and cream for the walls"."""
    after = phrase.last + 1
    if word_at(tokens, after) != "for" or word_at(tokens, phrase.first - 1) not in COMMANDS | {"and"}:
        return False
    demands = COLORING | {"use", "give", "add"}
    is_demand = any(token.text in demands for token in tokens[: phrase.first])
    return is_demand and word_at(tokens, after + 1) in ARTICLES and word_at(tokens, after + 2) not in PERSONS


def _is_gone_over(phrase: ColorPhrase, tokens: Sequence[Token], phrases: Sequence[ColorPhrase]) -> bool:
    """Whether it is an adjective and one of two colors, the other beyond doubt: "fades from orange to purple"."""
    pairs = [(phrase, other) if phrase.first < other.first else (other, phrase) for other in phrases]
    if phrase.base not in ADJECTIVES or not _ends(tokens, phrase.last + 1):
        return False
    others = (pair[pair[0] is phrase] for pair in pairs if is_from_to(tokens, *pair))
    return any(other.base not in ADJECTIVES | THINGS for other in others)


def _in_a_list(phrase: ColorPhrase, tokens: Sequence[Token], phrases: Sequence[ColorPhrase]) -> bool:
    """Whether an adjective stands behind its thing in a list of pairs: "hat: orange", "shirt orange, pants blue"."""
    if phrase.base not in ADJECTIVES:
        return False
    if _is_labeled(phrase, tokens):
        return True
    others = (other for other in phrases if other is not phrase)
    return _follows_its_noun(phrase, tokens) and any(
        _follows_its_noun(other, tokens) and _ends(tokens, other.last + 1) for other in others
    )


def _is_labeled(phrase: ColorPhrase, tokens: Sequence[Token]) -> bool:
    """Whether a colon or the like stands between a word and the phrase."""
    return phrase.first > 0 and tokens[phrase.first].gap.strip() in (":", "=", "(")


def _follows_its_noun(phrase: ColorPhrase, tokens: Sequence[Token]) -> bool:
    """Whether a word that may be a noun stands directly before, and the phrase does not begin like "a ripe orange"."""
    index = phrase.first - 1
    if index < 0 or not tokens[phrase.first].joined or tokens[index].text in NO_NOUN:
        return False
    while index > 0 and tokens[index].joined and tokens[index].text not in NO_NOUN:
        index -= 1
    return tokens[index].text not in ("a", "an", "of", "some", "with")


def _makes_compound(phrase: ColorPhrase, tokens: Sequence[Token]) -> bool:
    following, nouns = word_at(tokens, phrase.last + 1), COMPOUNDS.get(phrase.base, ())
    return (
        not phrase.colored
        and _close(tokens, phrase.last + 1)
        and (following in nouns or following.removesuffix("s") in nouns)
    )


def _is_shaded_thing(phrase: ColorPhrase) -> bool:
    return phrase.base in _SHADED_THINGS and phrase.color.split()[0] in SHADE_WORDS.values()


def _close(tokens: Sequence[Token], index: int) -> bool:
    """Whether there is a word at the index, joined to the one before."""
    return 0 < index < len(tokens) and tokens[index].joined


def _ends(tokens: Sequence[Token], index: int) -> bool:
    """Whether the phrase before the index ends there: with the sentence, punctuation, or a word that begins another."""
    if not _close(tokens, index):
        return True
    return tokens[index].text in NO_NOUN and tokens[index].text not in ("is", "are", "was", "were", "has", "have")


def _before_a_noun(phrase: ColorPhrase, tokens: Sequence[Token]) -> bool:
    """An adjective before any word that is not the beginning of another phrase; a thing before a paintable noun."""
    index = phrase.last + 1
    if phrase.base not in THINGS:
        return _close(tokens, index) and tokens[index].text not in NO_NOUN
    return _before_paintable(index, tokens)


def _before_paintable(index: int, tokens: Sequence[Token]) -> bool:
    """Whether one of the three words from the index on is paintable, in the same phrase."""
    for token in tokens[index : index + 3]:
        if not token.joined or token.text in NO_NOUN:
            return False
        if is_paintable(token.text):
            return True
    return False


def is_paintable(word: str) -> bool:
    """Whether a word, perhaps a plural, names what people wear, paint or build, hair, or an animal."""
    return any(form in PAINTABLE for form in (word, word.removesuffix("s"), word.removesuffix("es")))


def _before_another(phrase: ColorPhrase, tokens: Sequence[Token], phrases: Sequence[ColorPhrase]) -> bool:
    """Whether "and", "or", a comma or nothing joins it to a color that stands before a noun: "tan and white dog"."""
    other = next((one for one in phrases if one.first > phrase.last), None)
    if other is None or joined_by(tokens, phrase, other) is None:
        return False
    if _makes_compound(other, tokens):
        return False
    if not joined_by(tokens, phrase, other) and other.base not in ADJECTIVES | THINGS:  # "chestnut brown"
        is_named = phrase.base in THINGS and word_at(tokens, phrase.first - 1) == "the"  # "and the sand brown"
        return not (is_named and _ends(tokens, other.last + 1))
    if other.base in THINGS or phrase.base in THINGS:
        return _before_paintable(other.last + 1, tokens) or _before_another(other, tokens, phrases)
    return True


def joined_by(tokens: Sequence[Token], phrase: ColorPhrase, other: ColorPhrase) -> str | None:
    """What joins a phrase to the one after it: "" (nothing), "and", "or", ",", "/" and the like, or None."""
    between = tokens[phrase.last + 1 : other.first]
    marks = "".join(token.gap.strip() for token in tokens[phrase.last + 1 : other.first + 1])
    if len(between) > 1 or marks not in ("", ",", "/", "&", *HYPHENS, *(hyphen * 2 for hyphen in HYPHENS)):
        return None
    if between and between[0].text not in ("and", "or", "nor"):
        return None
    return between[0].text if between else marks


def is_from_to(tokens: Sequence[Token], one: ColorPhrase, other: ColorPhrase) -> bool:
    """Whether two phrases are those of "from red to blue"."""
    if word_at(tokens, one.first - 1) != "from" or other.first != one.last + 2:
        return False
    return tokens[one.last + 1].text in ("to", "into")


def _predicate(phrase: ColorPhrase, tokens: Sequence[Token], phrases: Sequence[ColorPhrase]) -> bool:
    """Whether "is", "painted", "wearing" and the like stand before it, perhaps with "very" or "all" between.

    Not so in "there is sand", and in "tan colored sand", where the word belongs to another color.
    """
    index = phrase.first - 1
    while index >= 0 and _is_degree(tokens[index].text) and tokens[index + 1].joined:
        index -= 1
    if index < 0 or tokens[index].text not in _BEING or not tokens[index + 1].joined:
        return False
    owners = {end for other in phrases for end in (other.last, other.last + 1) if other.last < phrase.first}
    taken = index in owners and tokens[index].text.startswith("colo")
    is_there = tokens[index].text in ("there's", "here's") or word_at(tokens, index - 1) == "there"
    return not is_there and not taken


def _is_degree(word: str) -> bool:
    return word in DEGREES | {"solid", "of"} or word.endswith("ly")


def _worn(phrase: ColorPhrase, tokens: Sequence[Token]) -> bool:
    """In clothes of the color: an adjective after "in", a thing only where a person stands before "in"."""
    if word_at(tokens, phrase.first - 1) != "in":
        return False
    return phrase.base not in THINGS or word_at(tokens, phrase.first - 2) in _WORN_BY


def _made(phrase: ColorPhrase, tokens: Sequence[Token]) -> bool:
    """The last word of "make the sofa emerald"."""
    index = phrase.first - 1
    if word_at(tokens, index) in ("it", "them") and word_at(tokens, index - 1) in _MAKING:
        return True
    if word_at(tokens, index) in NO_NOUN:
        return False
    while index >= 0 and tokens[index + 1].joined:
        if tokens[index].text in _MAKING:
            return word_at(tokens, index + 1) in ARTICLES | COUNTS | {"each", "every", "it", "them"}
        index -= 1
    return False
