"""Names that are a color's and a thing's, the compounds in which they are no color, and what has a color of its own.

The lists behind :mod:`lcoins.color.color_or_thing`, drawn up from captions of photos. A word may be added where it is
missing.
"""

from lcoins.color.word_kinds import word_set

ADJECTIVES = word_set("orange silver gold tan navy khaki lavender lilac ivory charcoal turquoise violet")
THINGS = word_set(
    """rose peach plum salmon lime lemon coffee chocolate wine sand copper bronze olive mint cream coral rust
    slate camel caramel emerald jade ruby cherry tomato eggplant apricot mustard amber orchid sapphire saffron
    marigold chestnut mahogany pistachio pumpkin cranberry raspberry mulberry merlot bordeaux claret tangerine
    wheat eggshell linen thistle amethyst wisteria heliotrope goldenrod fawn petrol cornflower sienna umber sage
    maize aubergine buff"""
)
# What a color speaks of in "a red-haired girl", "a yellow-billed duck" and "a blue-shirted man". What is striped,
# hooded or tiled has the color itself.
PARTS_OF_ONE = {"haired": "hair", "eyed": "eyes", "bearded": "beard", "roofed": "roof"}
PARTS = PARTS_OF_ONE | {
    "cheeked": "cheeks",
    "nosed": "nose",
    "faced": "face",
    "headed": "head",
    "lipped": "lips",
    "eared": "ears",
    "necked": "neck",
    "throated": "throat",
    "breasted": "breast",
    "bellied": "belly",
    "billed": "bill",
    "beaked": "beak",
    "crested": "crest",
    "maned": "mane",
    "winged": "wings",
    "tailed": "tail",
    "legged": "legs",
    "footed": "feet",
    "clawed": "claws",
    "horned": "horns",
    "hatted": "hat",
    "helmeted": "helmet",
    "shirted": "shirt",
    "jacketed": "jacket",
    "vested": "vest",
    "suited": "suit",
    "robed": "robe",
    "gowned": "gown",
    "uniformed": "uniform",
    "skirted": "skirt",
    "trousered": "trousers",
    "gloved": "gloves",
    "booted": "boots",
    "clad": "clothes",
    "walled": "walls",
    "floored": "floor",
    "shuttered": "shutters",
    "framed": "frame",
    "wheeled": "wheels",
    "handled": "handle",
    "petaled": "petals",
    "leaved": "leaves",
}
# Names, and the words behind them, in the singular, that make a compound in which they are no color, or not that of
# the thing.
_COMPOUNDS = {
    "orange": """juice slice peel tree wedge half halves segment section zest grove piece marmalade sorbet sherbet
        county rind blossom""",
    "silver": "medal screen lining dollar mine",
    "gold": "medal mine rush coin",
    "tan": "line",
    "navy": "officer ship seal base pilot plane yard personnel sailor",
    "lavender": "field bush bushes plant oil soap sprig farm",
    "lilac": "bush bushes tree",
    "ivory": "tusk tower coast trade",
    "charcoal": "grill drawing sketch fire briquette pencil",
    "violet": "plant",
    "coffee": "table mug bar house room bag",
    "wine": "bar cabinet room rack house bag",
    "chocolate": "bar house room",
    "sand": "bag bucket box",
    "copper": "roof lamp vase",
    "bronze": "lamp bell vase",
    "rose": "bed",
    "camel": "rug saddle",
    "cherry": "cabinet door table desk floor",
    "mahogany": "cabinet door table desk floor",
    "wheat": "grass field",
    "lime": "light",
    "petrol": "tank station car",
    "white": "wine noise chocolate",
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
    sweatshirt cardigan vest suit tie bowtie scarf hat cap helmet glove mitten sock shoe boot sneaker sandal
    heel gown robe kimono sari uniform jersey tank bikini swimsuit trunks outfit costume clothing clothes apron
    belt bag handbag purse backpack suitcase luggage umbrella blanket sheet pillow cushion curtain drape towel
    rug carpet mat bedspread comforter quilt tablecloth cloth fabric silk satin velvet cotton wool leather lace
    ribbon bow yarn thread couch sofa loveseat table desk armchair chair stool bench ottoman bed dresser cabinet
    cupboard drawer door wall ceiling floor tile tiles counter bathroom kitchen bedroom room house building barn
    roof shutter fence paint trim stripe car van truck bus train bike bicycle motorcycle scooter vehicle
    convertible sedan airplane plane jet boat kayak canoe surfboard skateboard snowboard frisbee kite balloon
    ball racket phone laptop hair beard fur mane feather eyes nails lipstick sky sunset light lights dog cat
    horse cow bear bird colored coloured color colour tint tone hue shade background grass backsplash wallpaper
    frame lampshade lamp vase mug tent awning bathrobe pajamas overalls jumpsuit leotard turban veil headband
    bandana beanie wig trashcan sign"""
)
