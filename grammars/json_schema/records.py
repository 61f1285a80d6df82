"""Records: conjunctions about one object or one array that a single pass over the document can follow.

A record is filled atom by atom. An *atom* is a literal (an integer: the whole value meets it) or a tuple that
says one thing about the value; an *option* is a tuple of atoms. The atoms of objects:

    ("require", name)  ("forbid", name)  ("size", least, most)  ("name", name, literal)
    ("all", class, literal)  ("some", class, literal of the key, literal of the value)
    ("imply", name, names)  ("keys", literal)

and of arrays:

    ("length", least, most)  ("at", index, literal)  ("from", index, literal)
    ("count", index, literal, least, most)  ("unique",)  ("repeat",)

A *key class* is a pattern (a string: the keys in which it is found) or a `Rest`: the keys that are none of
some names and match none of some patterns. `most` is UNLIMITED where there is no bound. Adding answers False
on a contradiction that is seen at once; others are found by `formula.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from ..expressions import UNLIMITED
from .nodes import FALSE, TRUE

Atom: TypeAlias = "int | tuple[Any, ...]"
Option: TypeAlias = "tuple[Atom, ...]"


class Rest(NamedTuple):
    """The keys that are none of `names`, match none of `patterns` and all of `matching`."""

    names: frozenset[str]
    patterns: tuple[str, ...] = ()
    matching: tuple[str, ...] = ()


KeyClass: TypeAlias = "str | Rest"
EVERY_KEY = Rest(frozenset())

SURPLUS = 64
"""Keys or items beyond those that are counted, while something is still required: with so many the cost to
the end still allows for one that differs from all of them."""


class Some(NamedTuple):
    """There is a key of a class that meets one literal and whose value meets another."""

    keys: KeyClass
    key: int
    value: int


class ObjectRecord:
    """What is demanded of one object.

    names: name -> literals of its value, in the order in which the names are declared. alls: (class,
    literal): the values of all its keys meet the literal. keys: literals that every key meets. implications:
    (name, names that it requires).
    """

    __slots__ = ("alls", "forbidden", "implications", "keys", "least", "most", "names", "required", "somes")

    def __init__(self) -> None:
        self.names: Any = {}  # a dict to add to, or what a schema declares (`DeclaredNames`)
        self.alls: dict[tuple[KeyClass, int], None] = {}
        self.required: dict[str, None] = {}
        self.forbidden: dict[str, None] = {}
        self.keys: dict[int, None] = {}
        self.implications: dict[tuple[str, tuple[str, ...]], None] = {}
        self.somes: dict[Some, None] = {}
        self.least, self.most = 0, UNLIMITED

    def copy(self) -> ObjectRecord:
        """An independent copy."""
        twin = ObjectRecord.__new__(ObjectRecord)
        for field in ObjectRecord.__slots__:
            value = getattr(self, field)
            setattr(twin, field, value if isinstance(value, int) else value.copy())
        return twin

    def add(self, atom: tuple[Any, ...]) -> bool:
        """Adds an atom that is no literal."""
        kind = atom[0]
        if kind == "require":
            self.required[atom[1]] = None
            return atom[1] not in self.forbidden
        if kind == "forbid":
            self.forbidden[atom[1]] = None
            return atom[1] not in self.required
        if kind == "name":
            known = self.names.get(atom[1], ())
            if atom[2] != TRUE or atom[1] not in self.names:
                self.names[atom[1]] = known if atom[2] in known or atom[2] == TRUE else (*known, atom[2])
            if atom[2] == FALSE:
                return self.add(("forbid", atom[1]))
        elif kind == "all":
            self.alls[atom[1], atom[2]] = None
        elif kind == "size":
            self.least = max(self.least, atom[1])
            self.most = smaller(self.most, atom[2])
            return self.most == UNLIMITED or self.least <= self.most
        elif kind == "some":
            self.somes[Some(*atom[1:])] = None
        elif kind == "imply":
            self.implications[atom[1], tuple(atom[2])] = None
        elif kind == "keys":
            self.keys[atom[1]] = None
        return True

    def entails(self, atom: tuple[Any, ...]) -> bool:
        """Whether the atom is already said."""
        kind = atom[0]
        if kind == "require":
            return atom[1] in self.required
        if kind == "forbid":
            return atom[1] in self.forbidden
        if kind == "name":
            return atom[2] == TRUE or atom[2] in self.names.get(atom[1], ()) or atom[1] in self.forbidden
        if kind == "all":
            return atom[2] == TRUE or (atom[1], atom[2]) in self.alls
        if kind == "size":
            return self.least >= atom[1] and smaller(self.most, atom[2]) == self.most
        return False

    def key(self) -> object:
        """Equal for records that say the same in the same order."""
        return (
            tuple(self.names.items()),
            frozenset(self.alls),
            tuple(self.required),
            frozenset(self.forbidden),
            frozenset(self.keys),
            frozenset(self.implications),
            frozenset(self.somes),
            self.least,
            self.most,
        )


class ArrayRecord:
    """What is demanded of one array.

    at: index -> literals of the item. tails: (index, literal): all items from there meet it. counts: (index,
    literal, least, most): how many items from there meet it.
    """

    __slots__ = ("at", "counts", "least", "most", "repeat", "tails", "unique")

    def __init__(self) -> None:
        self.at: dict[int, tuple[int, ...]] = {}
        self.tails: dict[tuple[int, int], None] = {}
        self.counts: dict[tuple[int, int, int, int], None] = {}
        self.least, self.most = 0, UNLIMITED
        self.unique = self.repeat = False

    def copy(self) -> ArrayRecord:
        """An independent copy."""
        twin = ArrayRecord.__new__(ArrayRecord)
        for field in ArrayRecord.__slots__:
            value = getattr(self, field)
            setattr(twin, field, value if isinstance(value, int) else value.copy())
        return twin

    def add(self, atom: tuple[Any, ...]) -> bool:
        """Adds an atom that is no literal."""
        kind = atom[0]
        if kind == "length":
            return self._bound(atom[1], atom[2])
        if kind == "at":
            if atom[2] == FALSE:
                return self._bound(0, atom[1])
            known = self.at.get(atom[1], ())
            if atom[2] not in known and atom[2] != TRUE:
                self.at[atom[1]] = (*known, atom[2])
        elif kind == "from":
            if atom[2] == FALSE:
                return self._bound(0, atom[1])
            if atom[2] != TRUE:
                self.tails[atom[1], atom[2]] = None
        elif kind == "count":
            return self._count(*atom[1:])
        elif kind == "unique":
            self.unique = True
            return not self.repeat
        elif kind == "repeat":
            self.repeat = True
            return not self.unique and self._bound(2, UNLIMITED)
        return True

    def _bound(self, least: int, most: int) -> bool:
        self.least = max(self.least, least)
        self.most = smaller(self.most, most)
        return self.most == UNLIMITED or self.least <= self.most

    def _count(self, start: int, literal: int, least: int, most: int) -> bool:
        if most != UNLIMITED and least > most:
            return False
        if literal == FALSE:
            return least == 0
        if literal == TRUE:
            return self._bound(
                start + least if least else 0, UNLIMITED if most == UNLIMITED else start + most
            )
        if most == 0:
            self.tails[start, literal ^ 1] = None
            return True
        if least:
            self._bound(start + least, UNLIMITED)
        if least or most != UNLIMITED:
            self.counts[start, literal, least, most] = None
        return self.most == UNLIMITED or self.least <= self.most

    def entails(self, atom: tuple[Any, ...]) -> bool:
        """Whether the atom is already said."""
        kind = atom[0]
        if kind == "length":
            return self.least >= atom[1] and smaller(self.most, atom[2]) == self.most
        if kind == "at":
            return atom[2] == TRUE or atom[2] in self.at.get(atom[1], ())
        if kind == "from":
            return atom[2] == TRUE or (atom[1], atom[2]) in self.tails
        return (kind == "unique" and self.unique) or (kind == "repeat" and self.repeat)

    def key(self) -> object:
        """Equal for records that say the same."""
        return (
            frozenset((index, frozenset(literals)) for index, literals in self.at.items()),
            frozenset(self.tails),
            frozenset(self.counts),
            self.least,
            self.most,
            self.unique,
            self.repeat,
        )


def smaller(first: int, second: int) -> int:
    """The smaller of two upper bounds, each possibly UNLIMITED."""
    if first == UNLIMITED:
        return second
    return first if second == UNLIMITED else min(first, second)
