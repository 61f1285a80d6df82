"""Subject matters of the made-up texts, each with its properties and hundreds of ways to say them."""

from .people import PEOPLE
from .roles import ROLES
from .services import SERVICES
from .trade import ORDER, TRADE
from .world import WORLD

DOMAINS = PEOPLE + ROLES + TRADE + SERVICES + WORLD

__all__ = ["DOMAINS", "ORDER"]
