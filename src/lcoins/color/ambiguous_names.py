"""Names that are a color's and a thing's, the compounds in which they are no color, and what has a color of its own.

The lists behind :mod:`lcoins.color.color_or_thing`, drawn up from captions of photos. A word may be added where it is
missing; nothing else depends on them.
"""


def word_set(text: str) -> frozenset[str]:
    """The words of a text, as a set that is read easily in the source."""
    return frozenset(text.split())


ADJECTIVES = word_set("orange silver gold tan navy khaki lavender lilac ivory charcoal turquoise violet")
THINGS = word_set(
    """rose peach plum salmon lime lemon coffee chocolate wine sand copper bronze olive mint cream coral rust slate
    camel caramel emerald jade ruby cherry tomato eggplant apricot mustard amber orchid sapphire saffron marigold
    chestnut mahogany pistachio pumpkin cranberry raspberry mulberry merlot bordeaux claret tangerine wheat eggshell
    linen thistle amethyst wisteria heliotrope goldenrod fawn petrol cornflower sienna umber sage maize aubergine
    buff"""
)
# What a color speaks of in "a red-haired girl".
PARTS = {"haired": "hair", "eyed": "eyes", "bearded": "beard", "roofed": "roof"}
# What persons in captions do, which no color behind "in" or "wearing" is said of: "a woman in green skates".
VERBS = word_set(
    """rides jumps stands runs holds sits swings walks looks plays climbs dances slides gets does tries kicks takes
    throws smiles smokes surfs attempts balances makes lays lies picks grins hits keeps catches kneels flies falls
    clings twirls bends gives prepares laughs pulls chases leaves enjoys crawls crouches talks exercises collides
    bounces attacks dives carries reads crosses reaches grabs performs poses leans pushes swims skis skates stares
    waits rests sings eats drinks works leads leaps follows stops serves watches has jump run stand sit walk play
    ride climb look pose hold dance smile"""
)
# Names, and the words behind them that make a compound in which they are no color, or not that of the thing.
_COMPOUNDS = {
    "orange": """juice juices slice slices peel peels tree trees wedge wedges half halves segment segments section
        sections zest grove groves piece pieces marmalade sorbet sherbet county rind blossom blossoms""",
    "silver": "medal medals screen lining dollar mine",
    "gold": "medal medals mine rush coin coins",
    "tan": "line lines",
    "navy": "officer officers ship ships seal seals base pilot pilots plane planes yard personnel sailor sailors",
    "lavender": "field fields bush bushes plant plants oil soap sprig sprigs farm",
    "lilac": "bush bushes tree trees",
    "ivory": "tusk tusks tower coast trade",
    "charcoal": "grill grills drawing drawings sketch fire briquettes pencil",
    "violet": "plant plants",
    "coffee": "table tables mug mugs bar house room bag",
    "wine": "bar cabinet room rack house bag",
    "chocolate": "bar house room",
    "sand": "bag bucket box",
    "copper": "roof lamp vase",
    "bronze": "lamp bell vase",
    "rose": "bed",
    "camel": "rug saddle",
    "cherry": "cabinet cabinets door table desk floor floors",
    "mahogany": "cabinet cabinets door table desk floor floors",
    "wheat": "grass field",
    "lime": "light lights",
    "petrol": "tank station car",
    "white": "wine wines noise chocolate",
    "black": "friday market hole magic",
    "green": "tea thumb energy card peace",
    "blue": "cheese ray tooth",
    "yellow": "pages fever",
    "brown": "sugar",
    "burgundy": "wine",
    "golden": "gate globe rule",
    "scarlet": "fever",
}
COMPOUNDS = {name: word_set(nouns) for name, nouns in _COMPOUNDS.items()}
# What is worn, painted, woven or built, and hair and animals: what has a color of its own in a sentence.
PAINTABLE = word_set(
    """shirt tshirt tee t top blouse dress skirt pants trousers shorts jeans leggings coat jacket sweater hoodie
    sweatshirt cardigan vest suit tie bowtie scarf hat cap helmet glove mitten sock shoe boot sneaker sandal heel
    gown robe kimono sari uniform jersey tank bikini swimsuit trunks outfit costume clothing clothes apron belt
    bag handbag purse backpack suitcase luggage umbrella blanket sheet pillow cushion curtain drape towel rug
    carpet mat bedspread comforter quilt tablecloth cloth fabric silk satin velvet cotton wool leather lace ribbon
    bow yarn thread couch sofa loveseat table desk armchair chair stool bench ottoman bed dresser cabinet cupboard
    drawer door wall ceiling floor tile tiles counter bathroom kitchen bedroom room house building barn roof
    shutter fence paint trim stripe car van truck bus train bike bicycle motorcycle scooter vehicle convertible
    sedan airplane plane jet boat kayak canoe surfboard skateboard snowboard frisbee kite balloon ball racket
    phone laptop hair beard fur mane feather eyes nails lipstick sky sunset light lights dog cat horse cow bear
    bird colored coloured color colour tint tone hue shade background grass backsplash wallpaper frame lampshade
    lamp vase mug tent awning bathrobe pajamas overalls jumpsuit leotard turban veil headband bandana beanie wig
    trashcan sign"""
)
