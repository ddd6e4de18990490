"""What a sentence says about colors: phrases with their forms, and what is left alone, by a table of sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcoins.color.names import KNOWN_LAB, PAINTED_LAB
from lcoins.color.reading import NAME, NEGATED, PHOTO, SKIN, THING, read_sentence

# Each sentence with the names that it asks for.
ASKED = [
    # forms
    ("a light blue car", "light blue"),
    ("a dark-red sofa", "dark red"),
    ("a sky-blue wall", "sky blue"),
    ("a Sky Blue wall", "sky blue"),
    ("a reddish dog", "reddish"),
    ("a bluish-green vase", "bluish green"),
    ("a reddish brown horse", "reddish brown"),
    ("the sky in reds and blues", "red, blue"),
    ("a grey cat", "gray"),
    ("a light grey wall", "light gray"),
    ("a greyish wall", "greyish"),
    ("a salmon-colored dress", "salmon"),
    ("a salmon coloured dress", "salmon"),
    ("an off-white curtain", "off white"),
    ("a pale crimson door", "pale crimson"),
    ("a vivid green frog", "bright green"),
    ("a pastel pink room", "pale pink"),
    ("a medium blue van", "blue"),
    ("a darker green hedge", "dark green"),
    ("a deep sea green boat", "deep sea green"),
    ("a bright light-turquoise lamp", "bright light turquoise"),
    ("a fire engine red truck", "fire engine red"),
    ("a robin's egg blue door", "robin's egg blue"),
    ("a blonde girl", "blond"),
    ("a navy blue suit", "navy blue"),
    ("a blue-green lake", "blue, green"),
    ("a black-and-white cow", "black, white"),
    ("a blue-and-white-striped shirt", "blue, white"),
    ("a red-painted door", "red"),
    ("RED BUS", "red"),
    ("a red/yellow kite", "red, yellow"),
    ("red, orange and yellow flowers", "red, orange, yellow"),
    ("a vermilion gate", "vermilion"),
    ("a vermillion gate", "vermilion"),
    ("a celadon bowl", "celadon"),
    ("a khaki jacket", "khaki"),
    ("a teal bus", "teal"),
    ("a light brown dog", "light brown"),
    ("an indigo scarf", "indigo"),
    ("a crimson rug and a scarlet cushion", "crimson, scarlet"),
    # things that are colors here
    ("an orange cat", "orange"),
    ("an orange and white cat", "orange, white"),
    ("a white and orange train", "white, orange"),
    ("the cone is orange", "orange"),
    ("the truck is bright orange and new", "bright orange"),
    ("a man in orange has a ball", "orange"),
    ("a silver car", "silver"),
    ("a black and silver knife", "black, silver"),
    ("gold letters on a sign", "gold"),
    ("a tan and white dog", "tan, white"),
    ("a brown and tan house", "brown, tan"),
    ("the couch is tan", "tan"),
    ("a lavender dress", "lavender"),
    ("a violet umbrella", "violet"),
    ("a man in khaki", "khaki"),
    ("a woman in a rose dress", "rose"),
    ("a peach shirt", "peach"),
    ("the bus is salmon", "salmon"),
    ("the sand is tan", "tan"),
    ("a silver stand", "silver"),
    ("a woman in salmon", "salmon"),
    ("the walls are mint", "mint"),
    ("the door is painted olive", "olive"),
    ("an olive jacket", "olive"),
    ("a pale peach wall", "pale peach"),
    ("a light olive hedge", "light olive"),
    ("a cream sofa", "cream"),
    ("a wall in cream color", "cream"),
    ("a cream and brown cow", "cream, brown"),
    ("a coral silk blouse", "coral"),
    ("an emerald gown", "emerald"),
    ("make the sofa emerald", "emerald"),
    ("a rust-colored roof", "rust"),
    ("a chocolate dog", "chocolate"),
    ("a charcoal suit", "charcoal"),
    ("an ivory wedding gown", "ivory"),
    ("a copper colored lid", "copper"),
    ("she is wearing lilac", "lilac"),
    ("a mustard sweater", "mustard"),
    ("a plum coat", "plum"),
    ("the vase is jade", "jade"),
    ("shades of rose", "rose"),
    ("a lime green chair", "lime green"),
    ("a coffee colored table", "coffee"),
    ("a wine dress", "wine"),
    ("a sand-colored tent", "sand"),
    ("a chestnut horse", "chestnut"),
    ("a man with a blue collar", "blue"),
    ("the sky fades from orange to purple", "orange, purple"),
    ("a snow-white dress and jet-black hair", "white, black"),
    # beside what is left alone
    ("a house with no roof is red", "red"),
    ("no doubt the car is red", "red"),
    ("none of the men who wear hats has a red car", "red"),
    ("none of the dogs are brown, but the cat is white", "white"),
    ("the Green family's red car", "red"),
    ("a green family car", "green"),
    ("a car that isn't red but blue", "blue"),
    ("not only red but blue", "red, blue"),
    ("nothing but red", "red"),
    ("instead of red use teal", "teal"),
    ("no man in red", "red"),
    ("no, red!", "red"),
    ("Mr Brown in a brown coat", "brown"),
    ("a white house", "white"),
    ("a green house with a red cross", "green, red"),
    ("a Red car and a Blue Bus", "red, blue"),
    ("Red Car And Blue Bus In Heavy Rain", "red, blue"),
    ("Black and White Dog runs across a lawn", "black, white"),
    ("A BLACK AND WHITE CAT", "black, white"),
    ("a white photo frame", "white"),
    ("orange juice in a red glass", "red"),
    ("The Car Was Red", "red"),
    ("the leaves turn from green to red", "green, red"),
    ("a boy who does not have a helmet rides a red bike", "red"),
    ("make it silver", "silver"),
    ("use olive green for the coat and silver for the medals", "olive green, silver"),
    ("Dress Blue", "blue"),
    ("the house far from the red barn", "red"),
    ("everything but the car is gray except for a red umbrella", "gray, red"),
    ("a red-tiled roof and a red-brick wall", "red, red"),
    ("a plain white shirt and a solid red tie", "white, red"),
    ("a darkbrown horse under a lightgray sky", "dark brown, light gray"),
    ("the car is white. Young men stand beside it", "white"),
]
# Each sentence that asks for no color, with what is left alone in it and why.
LEFT_ALONE = [
    ("the car is not red", "not red", NEGATED),
    ("not a red car", "not a red", NEGATED),
    ("the car isn't red", "isn't red", NEGATED),
    ("the car isn\u2019t very red", "isn\u2019t very red", NEGATED),
    ("no blue", "no blue", NEGATED),
    ("no blue or green cars", "no blue or green", NEGATED),
    ("neither red nor blue", "neither red nor blue", NEGATED),
    ("a park without any green", "without any green", NEGATED),
    ("never red", "never red", NEGATED),
    ("a park w/o any green", "w/o any green", NEGATED),
    ("a car that is no longer red", "no longer red", NEGATED),
    ("anything but purple", "anything but purple", NEGATED),
    ("a hat other than dark-red", "other than dark-red", NEGATED),
    ("don't make the car red", "red", NEGATED),
    ("please do not paint the old car orange", "orange", NEGATED),
    ("do not change the car to red", "red", NEGATED),
    ("don't dye her hair red", "red", NEGATED),
    ("don't keep the car red", "red", NEGATED),
    ("I don't want red", "don't want red", NEGATED),
    ("Mr Brown sits", "Brown", NAME),
    ("Mrs. Green sits", "Green", NAME),
    ("dr gray sits", "gray", NAME),
    ("a man before the White House", "White House", NAME),
    ("White House on a hill", "White House", NAME),
    ("shoppers on Black Friday", "Black Friday", NAME),
    ("a Red Cross tent", "Red Cross", NAME),
    ("a Green Bay Packers player", "Green Bay", NAME),
    ("a Boston Red Sox pitcher", "Red Sox", NAME),
    ("Charlie Brown and Lucy", "Brown", NAME),
    ("a girl named Snow White", "White", NAME),
    ("olive oil", "olive", THING),
    ("none of the dogs are brown", "none of the dogs are brown", NEGATED),
    ("none of my cars was ever painted red", "none of my cars was ever painted red", NEGATED),
    ("neither of the two cars is red or blue", "neither of the two cars is red or blue", NEGATED),
    ("nobody in the picture wears red", "nobody in the picture wears red", NEGATED),
    ("no dog on the left is brown", "no dog on the left is brown", NEGATED),
    ("not a single red car", "not a single red", NEGATED),
    ("the car of the Green family", "Green", NAME),
    ("an orange from Spain to eat", "orange", THING),
    ("nobody wears blue", "nobody wears blue", NEGATED),
    ("no one wears red", "no one wears red", NEGATED),
    ("the sky is far from blue", "far from blue", NEGATED),
    ("bread and wine for the guests", "wine", THING),
    ("cherry tables", "cherry", THING),
    ("an orange without a peel", "orange", THING),
    ("a tan-skinned child", "tan", THING),
    ("a glass of orange juice", "orange", THING),
    ("an orange slice", "orange", THING),
    ("two oranges", "oranges", THING),
    ("an orange on a plate", "orange", THING),
    ("the orange is on a plate", "orange", THING),
    ("apples and oranges", "oranges", THING),
    ("a rose bush", "rose", THING),
    ("a rose", "rose", THING),
    ("a rose in a vase", "rose", THING),
    ("a peach", "peach", THING),
    ("salmon on a plate", "salmon", THING),
    ("grilled salmon with rice", "salmon", THING),
    ("a plum", "plum", THING),
    ("a lime in a drink", "lime", THING),
    ("the violet on the sill", "violet", THING),
    ("a coffee cup", "coffee", THING),
    ("a coffee table", "coffee", THING),
    ("a copper pot", "copper", THING),
    ("a dog on the sand", "sand", THING),
    ("there is sand in the shoe", "sand", THING),
    ("there's sand in the shoe", "sand", THING),
    ("a wine glass", "wine", THING),
    ("goods of the black market", "black", THING),
    ("a chocolate cake", "chocolate", THING),
    ("dark chocolate", "dark chocolate", THING),
    ("tan lines", "tan", THING),
    ("a woman with a tan", "tan", THING),
    ("an ice cream cone", "cream", THING),
    ("an ice-cream", "cream", THING),
    ("whipped cream", "cream", THING),
    ("a mint leaf", "mint", THING),
    ("a bronze statue", "bronze", THING),
    ("a gold medal", "gold", THING),
    ("a navy officer", "navy", THING),
    ("rust on the rails", "rust", THING),
    ("a coral reef", "coral", THING),
    ("a camel in the desert", "camel", THING),
    ("a tomato", "tomato", THING),
    ("tomato soup", "tomato", THING),
    ("a lemon tree", "lemon", THING),
    ("a cherry on a cake", "cherry", THING),
    ("an ivory tusk", "ivory", THING),
    ("leafy greens", "greens", THING),
    ("a red-hot stove", "red", THING),
    ("a blue-collar worker", "blue", THING),
    ("a blue-chip stock", "blue", THING),
    ("a black man", "black", SKIN),
    ("a black mother and her children", "black", SKIN),
    ("a white policeman", "white", SKIN),
    ("two white young women", "white", SKIN),
    ("a white baby in a chair", "white", SKIN),
    ("a white, middle-aged woman", "white", SKIN),
    ("blue cheese on bread", "blue", THING),
    ("a cup of green tea", "green", THING),
    ("a black and white photo of a man", "black and white", PHOTO),
    ("a black & white picture", "black & white", PHOTO),
    ("a photo in black and white", "black and white", PHOTO),
    ("the photo is black and white", "black and white", PHOTO),
]
# Nothing in these is even a color's name.
PLAIN = [
    "a greenhouse",
    "a goldfish",
    "a blueberry",
    "a redwood",
    "a light",
    "a dark room",
    "a deep bowl",
    "",
    "a red2",
]


@pytest.mark.parametrize(("sentence", "names"), ASKED)
def test_a_sentence_asks_for_these_colors(sentence: str, names: str) -> None:
    assert ", ".join(phrase.color for phrase in read_sentence(sentence).colors) == names


@pytest.mark.parametrize(("sentence", "text", "reason"), LEFT_ALONE)
def test_what_asks_for_no_color_is_left_alone(sentence: str, text: str, reason: str) -> None:
    reading = read_sentence(sentence)
    assert reading.colors == ()
    assert [(part.text, part.reason) for part in reading.left_alone] == [(text, reason)]


@pytest.mark.parametrize("sentence", PLAIN)
def test_other_words_are_not_even_looked_at(sentence: str) -> None:
    reading = read_sentence(sentence)
    assert (reading.colors, reading.left_alone) == ((), ())


@pytest.mark.parametrize("name", KNOWN_LAB)
def test_every_name_of_the_table_is_understood_before_a_shirt_in_every_form(name: str) -> None:
    for text in (name, name.replace(" ", "-"), name.capitalize(), f"{name}-colored"):
        (phrase,) = read_sentence(f"a woman in a {text} shirt").colors
        assert (phrase.word, phrase.color, phrase.lab) == (text, name, KNOWN_LAB[name])
        assert (phrase.substitute is None) or phrase.substitute in PAINTED_LAB


@pytest.mark.parametrize("name", PAINTED_LAB)
def test_what_is_painted_reaches_the_model_as_it_is(name: str) -> None:
    sentence = f"a woman in a {name} shirt and gray shoes"
    assert read_sentence(sentence).for_model() == sentence


@pytest.mark.parametrize(
    ("sentence", "read"),
    [
        ("a vermilion car", "a bright red car"),
        ("an Auburn dog", "a Rust dog"),
        ("the car is not red", "the car is"),
        ("not red", "a photo"),
        ("a snow-white dress", "a white dress"),
        ("the car is half red and half blue", "the car is red and blue"),
        ("a car, not red, on grass", "a car, , on grass"),
        ("the car is not red but blue", "the car is blue"),
        ("blue (not purple) flowers", "blue flowers"),
        ("a vermilion&white car w/o green", "a bright red&white car"),
        ("change the wall from white to green", "change the wall to green"),
        ("a car instead of red use teal", "a car use teal"),
        ("Mr Brown before the White House", "Mr before the House"),
        ("a  vivid green frog", "a bright green frog"),
        ("orange juice and a wine glass", "orange juice and a wine glass"),
        ("a blonde girl in reds", "a blonde girl in reds"),
    ],
)
def test_the_model_reads_painted_names_and_neither_negations_nor_names(sentence: str, read: str) -> None:
    assert read_sentence(sentence).for_model() == read


WORDS = st.sampled_from(
    ["a", "not", "no", "red", "Blue", "light", "dark-red", "orange", "and", "or", ",", "is", "White", "House", "-ish",
     "reds", "greyish", "salmon-colored", "in", "Mr", "don't", "make", "without", "vermilion", "black", "photo", "."]
)  # fmt: skip


@given(st.one_of(st.lists(WORDS, max_size=12).map(" ".join), st.text(max_size=30)))
def test_spans_point_at_what_they_hold_and_the_model_always_reads_something(sentence: str) -> None:
    reading = read_sentence(sentence)
    end = 0
    for phrase in reading.colors:
        assert sentence[phrase.start : phrase.end] == phrase.word
        assert phrase.start >= end
        end = phrase.end
    for part in reading.left_alone:
        assert sentence[part.start : part.end] == part.text
    assert len(reading.things) == len(reading.colors)
    assert reading.for_model() or not sentence
    assert not any(phrase.substitute for phrase in read_sentence(reading.for_model()).colors)
