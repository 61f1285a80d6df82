"""Subject matters of the made-up texts, each with its properties and hundreds of ways to say them."""

from ..phrases import add_phrases
from .people import PEOPLE
from .roles import ROLES
from .services import SERVICES
from .trade import ORDER, TRADE
from .world import WORLD

DOMAINS = PEOPLE + ROLES + TRADE + SERVICES + WORLD
for NAME in ("people", "roles", "trade", "services", "world"):
    add_phrases(DOMAINS, NAME)

__all__ = ["DOMAINS", "ORDER"]
