"""The kinds of English words by which sentences about colors are read, each kind once.

They are drawn up from captions of photos and from sentences of people who have old photos. A word may be added where it
is missing.
"""


def word_set(text: str) -> frozenset[str]:
    """The words of a text, as a set that is read easily in the source."""
    return frozenset(text.split())


ARTICLES = word_set("a an the its his her their my our your this these that those")
JOINTS = word_set("and or but while whilst whereas then as that which who whose when where though although because")
RELATIVE = word_set("that which who")
PREPOSITIONS = word_set(
    """in on at by near next beside besides behind under over above below against with without of to from for
    into onto inside outside through across along around between among before after except down up off toward
    towards plus versus atop amid past beneath alongside within about"""
)
WEARING = word_set("wearing wears wear wore worn")
DRESSED = WEARING | word_set("dressed clad")
HAVING = WEARING | word_set("having has have had holding")
TO_BE = word_set(
    """is are was were be been isn't aren't wasn't weren't it's they're he's she's that's there's here's who's
    look looks looked appears seem seems become becomes turned turns turning stay stays stayed remain remains"""
)
FUNCTION_WORDS = ARTICLES | JOINTS | PREPOSITIONS | HAVING | TO_BE  # which name no thing
# After these no noun of the same phrase follows.
NO_NOUN = FUNCTION_WORDS | word_set(
    """nor do does did it he she they we i you what there here than so if during out together
    like not no very too also sits sit sitting lies lie lying standing hangs hang hanging grows grow growing
    resting looking seen shown cut sliced being can will would could should may might"""
)
COLORING = word_set("make paint color colour colorize colourise recolor turn change dye")
COMMANDS = COLORING | word_set("let give keep use please add want have")
# Between a thing and its color, and before a color; they name nothing.
DEGREES = word_set(
    """very really all mostly quite so rather completely entirely almost partly nearly too now just only even
    both slightly fairly somewhat totally fully extremely actually probably mainly partially simply definitely
    backwards backward"""
)
PAINTED = word_set("painted colored coloured dyed")
PRONOUNS = word_set("i it they them everything we you he she it's they're he's she's")
INDEFINITE = word_set("something anything nothing")  # "something green" says of nothing what it is
COUNTS = word_set("two three four five six seven eight nine ten both several some most many few pair")
STANDING_FOR = word_set("one ones other others another first second third last latter former")
# Adjectives, of which several stand before a noun, with commas between: "a big, red, old car".
DESCRIBING = word_set(
    """big bigger small smaller large larger little huge tiny giant tall short long low high wide narrow thin thick
    slim fat skinny chubby heavy old older new newer young younger ancient antique vintage modern elderly aged wooden
    metal woolen leather plastic rubber shiny glossy matte rusty dusty dirty muddy clean wet dry soft hard smooth rough
    fluffy furry hairy shaggy curly wavy straight fuzzy woolly bushy leafy grassy mossy rocky sandy snowy icy sunny
    cloudy clear stormy foggy calm steep round square oval flat pointed pointy curved curvy striped spotted dotted
    checkered plaid patterned floral flowery ruffled sleeveless loose tight baggy fancy plain simple pretty beautiful
    lovely cute elegant ugly nice fast sleek sporty empty full open closed fresh ripe juicy happy sad sleepy playful
    strong quiet expensive cheap broken worn torn faded weathered ornate decorative colorful colourful hot cold warm"""
)
PERSONS = word_set(
    """man men woman women boy boys girl girls lady ladies guy guys person people someone child children kid
    kids baby babies player players couple toddler toddlers teenager teenagers adult adults male female bride
    bridesmaid bridesmaids he she they him her them dancer skier surfer everyone everybody mother father mom mum
    dad parents grandma grandpa grandmother grandfather grandparents sister brother aunt uncle cousin son
    daughter wife husband groom bridegroom soldier soldiers sailor sailors nurse nurses teacher priest policeman
    officer officers brunette sisters brothers twins nephew niece grandson granddaughter snowboarder rider biker
    footballer cheerleader runner jockey goalie catcher goalkeeper"""
)
# What persons in captions do, which no color behind "in" or "wearing" is said of: "a woman in green skates".
DOING = word_set(
    """rides jumps stands runs holds sits swings walks looks plays climbs dances slides gets does tries kicks
    takes throws smiles smokes surfs attempts balances makes lays lies picks grins hits keeps catches kneels
    flies falls clings twirls bends gives prepares laughs pulls chases enjoys crawls crouches talks exercises
    collides bounces attacks dives carries reads crosses reaches grabs performs poses leans pushes swims skis
    skates stares waits rests sings eats works leads leaps follows stops serves watches drives paddles licks
    contains features raises sniffs barks greets jump run stand sit walk play ride climb look pose hold dance
    smile splashes shakes bites relaxes travels chews goes retrieves frolics begins digs emerges wades floats
    passes opens fetches wrestles returns hikes hangs trots rubs pounces growls dribbles puts sprints spins
    stretches grazes pokes sleeps examines lunges tosses lifts snarls presses bares"""
)

# What is worn, by the part of the body that it is worn on.
WORN_ABOVE = word_set(
    """shirt shirts tshirt tshirts sweater sweaters jacket jackets coat coats vest vests dress dresses top tops jersey
    jerseys uniform uniforms hoodie hoodies sweatshirt sweatshirts blouse robe robes gown gowns bathrobe cardigan outfit
    outfits suit suits costume kimono parka raincoat tunic poncho apron pullover sari cloak"""
)
WORN_BELOW = word_set("trousers pants jeans shorts skirt skirts leggings tights trunks sweatpants slacks")
WORN_ON_FEET = word_set("shoes boots socks sneakers sandals shoe boot")
WORN_ON_HEAD = word_set("hat hats cap caps helmet helmets hair headscarf beanie hood bandanna")
WORN = WORN_ABOVE | WORN_BELOW | WORN_ON_FEET | WORN_ON_HEAD
PLURALS_WORN = (
    WORN_BELOW
    | WORN_ON_FEET
    | word_set(
        "overalls glasses sunglasses goggles gloves mittens pajamas pyjamas sleeves dungarees flippers skates skis"
    )
)
# What has no outlines.
GRASSES = word_set("grass grasses lawn field fields meadow meadows turf pasture hay reeds")
PLANTS = GRASSES | word_set(
    """tree trees leaf leaves foliage bush bushes hedge forest forests woods jungle plant plants moss ivy vine vines
    hill hills"""
)
SKIES = word_set("sky skies")
WATERS = word_set("water waters sea ocean lake river pool pond waves")
SANDS = word_set("sand beach")
NATURE = PLANTS | SKIES | WATERS | SANDS | word_set("sunset mountain mountains snow")
# What is wide, and seldom found in full.
SURFACES = word_set(
    """wall walls floor floors ceiling ceilings ground road roads street streets sidewalk sidewalks pavement path paths
    carpet carpets building buildings bridge bridges slide slides"""
)
