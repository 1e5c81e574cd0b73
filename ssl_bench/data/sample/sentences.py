"""English sentences to be spoken: a small grammar of our own, so that text and speech are free of anyone's rights."""

import re

import numpy as np

MIN_WORDS, MAX_WORDS = 6, 25

# nonterminals are in angle brackets; the words were picked so that every letter and every English phone comes up
_TEMPLATES: dict[str, tuple[str, ...]] = {
    "sentence": (
        "<clause>",
        "<clause>",
        "<when>, <clause>",
        "<clause>, <joiner> <clause>",
        "<conjunction> <clause>, <clause>",
        "<clause> <conjunction> <clause>",
        "<clause>, and then <person> <left> <adverb>",
        "<exclaimed>, <aside>, <clause>",
        "<place phrase>, <clause>, <joiner> nobody <asked> why",
    ),
    "clause": (
        "<person> <did> <object>",
        "<person> <did> <object> <place phrase>",
        "<person> <adverb> <did> <object>",
        "<person> <left> <place phrase>",
        "<person> <left> <adverb> with <object>",
        "<person> and <person> <did> <object> <when>",
        "<object> <place phrase> was <quality>",
        "<object> looked <quality> and rather <quality>",
        "there were <number> <things> <place phrase>",
        "<pronoun> <negated> <infinitive> <object>",
        "<pronoun> <negated> <infinitive> the <people>'s <thing>",
        "<pronoun> thought that <person> <negated> <infinitive> <object>",
        "<pronoun> should <infinitive> <object> before <person> <did> it",
        "each of the <number> <peoples> chose <object>",
    ),
    "person": ("the <people>", "the <quality> <people>", "my <kin>", "<possessive> <kin>", "<name>", "<name>'s <kin>"),
    "object": (
        "the <thing>",
        "the <quality> <thing>",
        "<possessive> <quality> <thing>",
        "<number> <things>",
        "<number> <quality> <things>",
        "the <thing> of the <people>",
        "every <thing>",
    ),
    "place phrase": ("<preposition> the <place>", "<preposition> the <quality> <place>", "in <town>"),
}

# one line per part of speech; "|" parts entries of several words
_LEXICON = {
    "people": """miller sailor judge teacher butcher shepherd lawyer poet guard painter fisherman nurse captain weaver
        stranger merchant singer widow farmer king queen thief clerk baker gypsy youth soldier boy girl pilgrim cook
        choirmaster mathematician oarsman voyager jeweller watchmaker zookeeper beekeeper""",
    "peoples": "children neighbours sailors judges travellers voices women men officers boys shepherds strangers guests",
    "kin": "father mother brother sister uncle cousin nephew aunt grandmother employer friend partner niece husband",
    "name": """Arthur|Beatrice|Charles|Edith|Felix|George|Harriet|Isaac|Joyce|Keziah|Leonard|Margaret|Nathan|Oscar
        |Phoebe|Quentin|Ruth|Samuel|Theodora|Ursula|Vivian|Walter|Xavier|Yolanda|Zachary|Mister Boyd|Miss Hughes
        |Doctor Vaughan|old Roy""",
    "possessive": "his her our their your my nobody's somebody's",
    "pronoun": "he she we they you I",
    "negated": "couldn't|wouldn't|didn't|shouldn't|won't|will never|must not|could hardly|would gladly|may yet",
    "infinitive": """find open choose measure weigh describe enjoy remember destroy catch push pull wash borrow share
        finish judge join loosen polish explain forget reach mix examine quarrel_over usually_praise breathe_near""",
    "did": """carried found sold painted noticed measured lifted brought hid bought cleaned wrapped examined praised
        admired threw chose shook buried mended stole burned pushed watched joined doubted weighed enjoyed described
        caught guarded froze borrowed destroyed taught polished recognised questioned untied quietly_kissed heard
        cherished mixed exchanged forgave counted drew fetched oiled""",
    "left": """walked wandered waited vanished returned paused rejoiced shivered voyaged laughed coughed prayed stood
        slept sang whistled gazed stayed danced argued yawned worked rode jumped sneezed rested cried hurried""",
    "asked": "asked wondered knew understood explained said guessed remembered",
    "adverb": """quietly slowly joyfully loudly thoughtfully rarely always never often gently suddenly smoothly
        strangely unusually cautiously eagerly calmly earnestly anxiously truly""",
    "quality": """old quiet yellow frozen heavy narrow broken gentle curious azure foolish joyous thick smooth rough
        distant bright crooked ancient empty useful royal wooden cheap bitter humble vivid faded enormous dusty
        precious savage lonely rusty velvet purple grey noisy whole fresh zigzag extra beige thirsty warm young good
        casual southern northern worthy oily hoarse moist exact shy oblique unusual""",
    "thing": """lantern letter violin measure treasure box coin knife basket mirror bridge engine book map flag kettle
        wheel ladder feather ring jewel picture window door toy anchor garage machine vision bell joint thread cloth
        shovel jug quilt orange hat cushion onion voice fox zebra chair journal leather_bag oyster tooth clock mouse
        paper_crown judgement question watch oar vase prize""",
    "things": """letters lanterns coins books bridges pictures feathers horses jewels boxes oranges clouds wolves
        oysters maps wheels leaves ships songs quilts wishes churches noises fishes judges bees toys roses engines
        swords cakes shoes pages vases leashes mouths birds garages""",
    "number": """two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen twenty thirty
        forty fifty sixty seventy eighty ninety hundred_and_one several many few""",
    "place": """harbour mountain village kitchen river garden church market forest island castle station cave orchard
        valley library beach meadow tower attic bridge chapel quay road vineyard lighthouse azure_lake ocean barn
        theatre south_field graveyard courtyard hospital school ruins zoo hedge jungle""",
    "town": "Yorkshire London Boston Genoa Zanzibar Oxford Quebec Virginia Edinburgh Asia Geneva Illinois",
    "preposition": "near|behind|beyond|above|beneath|across|beside|outside|inside|under|through|round|toward|by",
    "when": """at noon|before dawn|on Thursday|long ago|in the evening|that very night|after the storm|in July|at last
        |every other year|once more|without a word|for a whole month|by chance|early in the spring|usually at four
        |just then|a week later""",
    "joiner": "and but so for yet",
    "conjunction": "because while although until whenever since after before unless as",
    "exclaimed": "alas oh well indeed hush yes no behold why",
    "aside": "surely|perhaps|to my joy|as usual|of course|I'm afraid|it's true that|I think|they say",
}

_SLOT = re.compile(r"<([a-z ]+)>")


def sentence(rng: np.random.Generator) -> str:
    """One sentence of 6 to 25 words as it is written, with capitals and punctuation: what a synthesiser wants."""
    while True:
        text = _SLOT.sub(lambda slot: _expand(slot[1], rng), "<sentence>")
        if MIN_WORDS <= len(text.split()) <= MAX_WORDS:
            return text[0].upper() + text[1:] + "."


def passage(rng: np.random.Generator, words: int) -> str:
    """Whole sentences, one after the other, until there are at least ``words`` words."""
    text = sentence(rng)
    while len(text.split()) < words:
        text += " " + sentence(rng)
    return text


def transcript(text: str) -> str:
    """The text as LibriSpeech writes it: capitals, apostrophes and single spaces."""
    return " ".join(re.sub(r"[^A-Z' ]", " ", text.upper()).split())


def _expand(symbol: str, rng: np.random.Generator) -> str:
    """A random expansion of one symbol of the grammar."""
    if symbol in _TEMPLATES:
        return _SLOT.sub(lambda slot: _expand(slot[1], rng), _choose(_TEMPLATES[symbol], rng))
    return _choose(_WORDS[symbol], rng)


def _choose(options: tuple[str, ...], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def _entries(line: str) -> tuple[str, ...]:
    """The entries of a line of the lexicon; an underscore joins the words of one entry where others are single words."""
    parts = line.split("|") if "|" in line else line.split()
    return tuple(" ".join(part.replace("_", " ").split()) for part in parts)


_WORDS = {symbol: _entries(line) for symbol, line in _LEXICON.items()}
