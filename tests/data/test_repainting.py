"""Sentences about repainted things: the forms in which people write colors."""

import random
import re
from collections import Counter

import numpy as np
import pytest

from lcoins.color.names import BASIC_LAB, NAMED_LAB, SHADE_LAB, NamedColor
from lcoins.data.repainting import ISH, describe, spoken
from lcoins.data.things import Thing


@pytest.mark.parametrize("name", [*BASIC_LAB, *NAMED_LAB, *SHADE_LAB])
def test_every_form_of_a_color_keeps_its_words(name: str) -> None:
    """So that nobody reads another color; most often the name stays as it is."""
    forms = Counter(spoken(name, random.Random(seed)) for seed in range(300))
    assert forms.most_common(1)[0][0] == name
    for form in forms:
        plain = form.replace("-colored", "").replace("-coloured", "").replace("grey", "gray")
        assert plain.replace("-", " ") == name or form == ISH.get(name)
    assert len(forms) > 1


def test_another_color_changes_nothing_else_in_the_sentence() -> None:
    """The views of a crop differ in their colors only, whatever form a color is written in."""
    thing = Thing("bus", np.ones((4, 4), bool), unique=True)
    for seed in range(100):
        said = []
        for name in ("red", "purple", "gray"):
            words, _ = describe([(thing, NamedColor(name, BASIC_LAB[name]))], [thing], [], random.Random(seed))
            forms = "|".join((name, name.replace("gray", "grey"), ISH.get(name, name)))
            rest = re.sub(rf"(?i)\b({forms})(-colou?red)?\b", "COLOR", words)
            said.append(rest.replace("an COLOR", "a COLOR").replace("An COLOR", "A COLOR"))
        assert len(set(said)) == 1, said
