"""Names and words that the made-up texts are filled with, split into a training part and an unseen part.

What goes in is a random source and a flag; what goes out is a name, a place, a word. The lists come from
the Faker library (eighteen locales, so accents, hyphens and apostrophes appear) and from syllables put
together, so that the model has to copy rather than to remember. The split is by a hash of the word: about
one in eight is kept for evaluation and never seen in training. Cost: a list look-up.
"""

from __future__ import annotations

import importlib.util
import random
import zlib
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TypeVar

# fmt: off
LOCALES = [
    "en_US", "en_GB", "en_US", "en_GB", "en_IN", "de_DE", "fr_FR", "es_ES", "it_IT", "pt_BR", "nl_NL",
    "pl_PL", "cs_CZ", "sv_SE", "fi_FI", "hu_HU", "ro_RO", "da_DK", "hr_HR"
]
CITIES = [
    "London", "Paris", "Berlin", "Madrid", "Rome", "Lisbon", "Porto", "Vienna", "Prague", "Warsaw", "Dublin",
    "New York", "Los Angeles", "San Francisco", "Chicago", "Boston", "Seattle", "Austin", "Denver", "Miami",
    "Toronto", "Montreal", "Vancouver", "Mexico City", "São Paulo", "Buenos Aires", "Lima", "Bogotá", "Tokyo",
    "Osaka", "Seoul", "Beijing", "Shanghai", "Singapore", "Bangkok", "Jakarta", "Manila", "Mumbai", "Delhi",
    "Karachi", "Istanbul", "Cairo", "Lagos", "Nairobi", "Cape Town", "Johannesburg", "Sydney", "Melbourne",
    "Auckland", "Oslo", "Bergen", "Copenhagen", "Helsinki", "Zürich", "Geneva", "Basel", "Brussels",
    "Antwerp", "Amsterdam", "Rotterdam", "Utrecht", "Lyon", "Marseille", "Nice", "Bordeaux", "Turin", "Milan",
    "Naples", "Florence", "Seville", "Bilbao", "Valencia", "Granada", "Athens", "Sofia", "Bucharest",
    "Budapest", "Zagreb", "Ljubljana", "Riga", "Vilnius", "Tallinn", "Kyiv", "Edinburgh", "Glasgow",
    "Cardiff", "Belfast", "Leeds", "Manchester", "Bristol", "York", "Bath", "Cork", "Galway", "Portland",
    "Houston", "Dallas", "Phoenix", "Atlanta", "Philadelphia", "Salt Lake City", "New Orleans",
    "Saint-Étienne", "Aix-en-Provence", "Hamburg", "Munich", "Cologne"
]
PLAIN = [
    "solar", "river", "stone", "copper", "garden", "window", "mountain", "paper", "silver", "forest",
    "bridge", "winter", "summer", "coffee", "market", "engine", "harbor", "rocket", "signal", "planet",
    "desert", "shadow", "mirror", "velvet", "marble", "lantern", "anchor", "feather", "thunder", "crystal",
    "pepper", "saffron", "cotton", "wooden", "leather", "golden", "hidden", "silent", "broken", "little",
    "northern", "electric", "modern", "ancient", "clever", "gentle", "bright", "crimson", "frozen", "lucky",
    "rapid", "secret", "sunny", "wild", "brave", "quiet", "noble", "royal", "urban", "vintage", "magic",
    "orange", "purple"
]
NOUNS = [
    "lamp", "chair", "desk", "kettle", "backpack", "keyboard", "monitor", "headset", "notebook", "bottle",
    "jacket", "blender", "camera", "speaker", "tent", "bicycle", "helmet", "watch", "printer", "router",
    "toaster", "pillow", "blanket", "drill", "hammer", "ladder", "vase", "mug", "plate", "knife", "pan",
    "sofa", "shelf", "mirror", "clock", "charger", "cable", "tablet", "phone", "mouse", "stand", "case",
    "bag", "wallet", "umbrella", "scarf", "glove", "boot", "sandal", "racket", "guitar", "piano", "drum",
    "puzzle", "robot", "kite", "scooter", "stroller", "mattress", "curtain", "rug", "fan", "heater", "filter",
    "pump", "battery", "adapter"
]
COMPANY_ENDINGS = [
    "Inc", "Inc.", "Ltd", "Ltd.", "LLC", "GmbH", "AG", "S.A.", "Group", "Holdings", "Partners", "& Sons",
    "& Co.", "Labs", "Systems", "Industries", "Logistics", "Media", "Foods", "Energy", "Bank", "Studio",
    "Works", "Solutions", "Technologies", "Consulting", "Motors", "Pharma", "Design", "Software", "Bakery"
]
JOBS = [
    "nurse", "teacher", "software engineer", "plumber", "electrician", "graphic designer", "accountant",
    "chef", "lawyer", "architect", "pilot", "carpenter", "data scientist", "project manager", "photographer",
    "journalist", "pharmacist", "dentist", "translator", "librarian", "mechanic", "baker", "sales manager",
    "product manager", "civil engineer", "research assistant", "marketing director", "barista",
    "truck driver", "web developer", "HR specialist", "financial analyst", "gardener", "firefighter",
    "biologist", "tailor", "consultant"
]
ONSETS = [
    "b", "br", "c", "ch", "d", "dr", "f", "g", "gr", "h", "j", "k", "kl", "l", "m", "n", "p", "pr", "qu", "r",
    "s", "sh", "st", "t", "th", "tr", "v", "w", "z", ""
]
# fmt: on
VOWELS = ["a", "e", "i", "o", "u", "a", "e", "i", "o", "ai", "ea", "ou", "é", "ö", "ä", "y"]
CODAS = ["", "", "", "n", "r", "s", "l", "m", "t", "ck", "x", "nd", "rt", "sh", "v"]
STREET_SUFFIXES = (
    "Street",
    "St",
    "Road",
    "Rd",
    "Avenue",
    "Ave",
    "Lane",
    "Drive",
    "Way",
    "Court",
    "Square",
    "Terrace",
)
HELD_OUT_SHARE = 8
Choice = TypeVar("Choice")


def is_held_out(text: str, share: int = HELD_OUT_SHARE) -> bool:
    """Say whether a word or phrase belongs to the part that training never sees (one in `share`)."""
    return zlib.crc32(text.encode()) % share == 0


@cache
def _pool(name: str) -> tuple[str, ...]:
    """All the words of one kind; loaded once."""
    if name == "city":
        return tuple(CITIES * 6) + tuple(_from_faker("address", "cities"))
    if name == "job":
        short = [
            job.lower() for job in _from_faker("job", "jobs", ["en_US"]) if "," not in job and "/" not in job
        ]
        return tuple(JOBS * 12) + tuple(short)
    if name == "country":
        return tuple(_short(_from_faker("address", "countries", ["en_US"])))
    if name == "state":
        return tuple(_from_faker("address", "states", ["en_US", "en_IN", "es_ES"]))
    if name == "street suffix":
        return STREET_SUFFIXES
    if name == "word":
        words = [word for word in _from_faker("lorem", "word_list", ["en_US"]) if len(word) > 3]
        return tuple(words + PLAIN * 4 + NOUNS * 4)
    return tuple(_from_faker("person", name))


def _from_faker(module: str, attribute: str, locales: Iterable[str] = LOCALES) -> list[str]:
    words: list[str] = []
    for locale in locales:
        try:
            provider = importlib.import_module(f"faker.providers.{module}.{locale}").Provider
        except ImportError:  # not every locale has every kind of word
            if importlib.util.find_spec("faker") is None:
                raise RuntimeError("the made-up texts need Faker: pip install Faker") from None
            continue
        # Only lists of the locale itself: what is inherited are English placeholders, but for the countries.
        found = provider.countries if attribute == "countries" else provider.__dict__.get(attribute, ())
        # Sorted, since Faker makes some lists from sets, whose order differs by run; then thinned.
        plain = sorted({word for word in found if isinstance(word, str)})
        words += plain[:: -(-len(plain) // 400) or 1]
    return words


def _short(words: list[str]) -> list[str]:
    return [word for word in words if len(word) < 20 and "(" not in word]


class Words:
    """Draws words of many kinds: from the training part, or from the unseen part."""

    def __init__(self, source: random.Random, held_out: bool = False) -> None:
        self.source = source
        self.held_out = held_out
        # How many phrasings evaluation took from its own part, and how many it had to take from training.
        self.phrases_unseen = 0
        self.phrases_seen = 0
        self._parts: dict[str, list[str]] = {}

    def draw(self, kind: str) -> str:
        part = self._parts.get(kind)
        if part is None:
            part = self._parts[kind] = [word for word in _pool(kind) if is_held_out(word) == self.held_out]
        return self.source.choice(part)

    def choose(self, options: Sequence[Choice]) -> Choice:
        return self.source.choice(options)

    def invented(self, syllables: int = 2) -> str:
        """A word that no list has, such as `Drovash`."""
        choice = self.source.choice
        while True:
            word = "".join(choice(ONSETS) + choice(VOWELS) + choice(CODAS) for _ in range(syllables))
            if is_held_out(word) == self.held_out:
                return word.capitalize()

    def first_name(self) -> str:
        if self.source.random() < 0.12:
            return self.invented(self.source.randint(1, 3))
        name = self.draw("first_names")
        return f"{name}-{self.draw('first_names')}" if self.source.random() < 0.03 else name

    def last_name(self) -> str:
        roll = self.source.random()
        if roll < 0.2:
            return self.invented(self.source.randint(2, 3))
        name = self.draw("last_names")
        if roll < 0.24:
            return f"{name}-{self.draw('last_names')}"
        if roll < 0.28:
            return f"O'{name}"
        if roll < 0.33:
            return f"{self.source.choice(['van', 'de', 'von', 'van der', 'da', 'Mc', 'Le', 'bin'])} {name}"
        return name

    def full_name(self) -> str:
        roll = self.source.random()
        first, last = self.first_name(), self.last_name()
        if roll < 0.07:
            return f"{first} {self.source.choice('ABCDEFGHJKLMNPRST')}. {last}"
        if roll < 0.12:
            return f"{self.source.choice(['Dr.', 'Prof.', 'Mr.', 'Ms.', 'Mrs.', 'Dr', 'Sir'])} {first} {last}"
        if roll < 0.17:
            return f"{first} {self.first_name()} {last}"
        return f"{first} {last}"

    def title(self, least: int = 1, most: int = 4) -> str:
        """A few words in title case, such as `The Silent Bridge`."""
        count = self.source.randint(least, most)
        words = [self.draw("word") if self.source.random() < 0.9 else self.invented() for _ in range(count)]
        style = self.source.random()
        if style < 0.75:
            words = [word[:1].upper() + word[1:] for word in words]
        elif style < 0.9:
            words[0] = words[0][:1].upper() + words[0][1:]
        if self.source.random() < 0.12:
            words.insert(0, self.source.choice(["The", "A", "My", "New", "Old"]))
        return " ".join(words)

    def company(self) -> str:
        roll = self.source.random()
        stem = self.last_name() if roll < 0.3 else self.invented(2) if roll < 0.5 else self.title(1, 2)
        return stem if self.source.random() < 0.35 else f"{stem} {self.source.choice(COMPANY_ENDINGS)}"

    def code(self) -> str:
        """A reference such as `KX-2214` or `INV-2024-018`."""
        choice = self.source.choice
        letters = "".join(choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(self.source.randint(1, 3)))
        digits = "".join(choice("0123456789") for _ in range(self.source.randint(2, 6)))
        shape = self.source.random()
        if shape < 0.35:
            return f"{letters}-{digits}"
        if shape < 0.5:
            return f"{letters}{digits}"
        if shape < 0.6:
            return f"#{digits}"
        if shape < 0.75:
            return digits
        if shape < 0.85:
            return f"{letters}-20{choice('12')}{choice('0123456789')}-{digits[:4]}"
        return f"{digits[:2]}{letters}{digits[2:]}{choice('ABCDEFXYZ')}"
