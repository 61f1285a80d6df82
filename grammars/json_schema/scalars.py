"""Strings, numbers, Booleans and null: from demands to languages.

In comes a demand, out come `Scalars`: the expression for null, Booleans and numbers, the finite set of string
values, and the languages of other strings with their lengths. Scalars are closed under the Boolean
operations, so nothing has to be branched here: each literal is evaluated bottom-up in an *algebra* (one for
each type) whose elements are unions of pieces; negation is pushed down to the keywords by the polarity of the
literal. A piece of strings is a set of words, or a content language with a range of lengths; a piece of
numbers is an interval with divisors and exceptions, exact fractions throughout. Joining pieces with equal
lengths is a union of expressions, so that `not anyOf` over many patterns stays one product and is never
multiplied out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from ..expressions import EMPTY, Expression, complement, intersect, literal, union
from ..remembered import Results
from .algebra import BOOLEANS, NEVER, NULLS, Algebra
from .formats import is_approximated
from .keywords import BOOLEAN, NULL, NUMBER, STRING
from .nodes import FALSE, SCALARS, TRUE, Demand, Node, Nodes
from .number_sets import NUMBERS, NumberSet, surely_inhabited
from .numbers import FINITE_NUMBER, INTEGER, Spelling, number_language, number_values
from .numbers import NUMBER as ANY_NUMBER
from .rules import ARRAY_RULES, OBJECT_RULES
from .string_sets import (
    ALL_STRINGS,
    POSSIBLE_STRINGS,
    STRINGS,
    StringPieces,
    Texts,
    as_expression,
    some_length_of,
)


class Scalars(NamedTuple):
    """What the scalars of a demand are.

    plain: null, Booleans and numbers (EMPTY: none). words: the strings of a finite set. texts: other strings,
    as (content, least, most). cost: the fewest bytes of any scalar, roughly (NEVER: there is none).
    """

    plain: Expression
    words: tuple[str, ...]
    texts: tuple[tuple[Expression, int, int], ...]
    plain_cost: int
    words_cost: int
    texts_cost: int


_PLAIN_WORDS = (literal("false"), literal("true"))
_NULL = literal("null")

NO_SCALARS = Scalars(EMPTY, (), (), NEVER, NEVER, NEVER)
BARE_SCALARS: dict[str, Scalars] = {
    "null": NO_SCALARS._replace(plain=_NULL, plain_cost=4),
    "boolean": NO_SCALARS._replace(plain=union(*_PLAIN_WORDS), plain_cost=4),
    "number": NO_SCALARS._replace(plain=FINITE_NUMBER, plain_cost=1),
    "integer": NO_SCALARS._replace(plain=INTEGER, plain_cost=1),
    "string": NO_SCALARS._replace(texts=(ALL_STRINGS,), texts_cost=2),
    "array": NO_SCALARS,
    "object": NO_SCALARS,
}
"""What `ScalarLanguages.of` finds for a type by itself, numbers in their plain spelling."""


Result = TypeVar("Result")

# By what a node says, the types, the draft and the spelling of numbers: what was found, and whether a format
# in it is not known exactly.
_SCALARS: dict[tuple[Any, ...], tuple[Scalars, bool]] = Results()
_COSTS: dict[tuple[Any, ...], tuple[int, bool]] = Results()
_MOST_REMEMBERED = 4096
_OF_COMPOSITES = frozenset(
    (*OBJECT_RULES, *ARRAY_RULES, "dependentSchemas", "minContains", "maxContains")
) | {
    "unevaluatedProperties",
    "unevaluatedItems",
}
_MOST_LISTED = 100  # members of an `enum`


@lru_cache
def any_scalars(numbers: Spelling) -> Scalars:
    """Every scalar: what the empty demand allows, in every grammar."""
    return ScalarLanguages(Nodes(), numbers).of((), SCALARS)


class ScalarLanguages:
    """Evaluates demands for one grammar; results are kept.

    numbers: how numbers are spelled, see `numbers.py`; what `type` calls an integer in draft 4 is digits only
    all the same. approximates: whether a format was met that is not known exactly.
    """

    def __init__(self, nodes: Nodes, numbers: Spelling) -> None:
        self.nodes = nodes
        self.spelling: Spelling = numbers
        self._elements: dict[tuple[int, Algebra[Any]], Any] = {}
        self._demands: dict[tuple[Demand, Algebra[Any]], Any] = {}
        self._in_progress: set[tuple[int, Algebra[Any]]] = set()
        self.approximates = False

    def of(self, demand: Demand, types: int) -> Scalars:
        """The scalars of a demand; `types`: the types that are still possible."""
        return self._remembered(_SCALARS, demand, types, self._make)

    def _remembered(
        self,
        known: dict[tuple[Any, ...], tuple[Result, bool]],
        demand: Demand,
        types: int,
        make: Callable[[Demand, int], Result],
    ) -> Result:
        """What is found for a demand; that of a single node is kept for other grammars that say the same."""
        if len(demand) != 1 or demand[0] & 1 or demand[0] <= TRUE:
            return make(demand, types)
        node = self.nodes.all[demand[0] >> 1]
        assert node is not None
        said = _said(node)
        if said is None:
            return make(demand, types)
        key = (said, types, node.context.draft, self.spelling)
        found = known.get(key)
        if found is None:
            approximates, self.approximates = self.approximates, False
            try:
                result = make(demand, types)
                found = (result, self.approximates)
            finally:
                self.approximates |= approximates
            if len(known) >= _MOST_REMEMBERED:
                known.clear()
            known[key] = found
        self.approximates |= found[1]
        return found[0]

    def _make(self, demand: Demand, types: int) -> Scalars:
        plain: list[Expression] = []
        plain_cost = words_cost = texts_cost = NEVER
        if types & NULL and self.element(demand, NULLS):
            plain.append(_NULL)
            plain_cost = 4
        if types & BOOLEAN:
            booleans = self.element(demand, BOOLEANS)
            plain.extend(word for index, word in enumerate(_PLAIN_WORDS) if booleans >> index & 1)
            if booleans:
                plain_cost = min(plain_cost, 4)
        if types & NUMBER:
            numbers, cost = self.number_expression(demand)
            if numbers is not EMPTY:
                plain.append(numbers)
                plain_cost = min(plain_cost, cost)
        words: tuple[str, ...] = ()
        texts: list[tuple[Expression, int, int]] = []
        for piece in self.element(demand, STRINGS) if types & STRING else ():
            if not isinstance(piece, Texts):
                words = tuple(sorted(piece))
                words_cost = 2 + min(len(word) for word in words)
            elif (length := some_length_of(piece)) is not None:
                texts.append(piece)
                texts_cost = min(texts_cost, 2 + length)
        return Scalars(
            union(*plain) if plain else EMPTY, words, tuple(texts), plain_cost, words_cost, texts_cost
        )

    def number_expression(self, demand: Demand) -> tuple[Expression, int]:
        """The spellings of the numbers of a demand, and roughly the length of the shortest."""
        pieces = self.element(demand, NUMBERS)
        if pieces == NUMBERS.top:
            return (FINITE_NUMBER if self.spelling == "plain" else ANY_NUMBER), 1
        options: list[Expression] = []
        cost = NEVER
        for piece in pieces:
            spelling = self.spelling if piece.digits is None else "plain" if piece.digits else "standard"
            n_before = len(options)
            if piece.values is not None:
                options.append(
                    number_values(
                        piece.values,
                        numbers=spelling,
                        integers_plain=not piece.decimal or bool(piece.integer),
                    )
                )
                cost = min(cost, *(len(str(value)) for value in piece.values))
            elif spelling == "plain" and piece._replace(digits=None) == NumberSet(integer=True):
                options.append(INTEGER)
                cost = 1
            else:
                found = _interval_language(piece, spelling, len(pieces) - 1)
                if found is not EMPTY:
                    options.append(found)
                    cost = min(cost, 1)
            if piece.digits is False:
                options[n_before:] = [intersect(found, complement(INTEGER)) for found in options[n_before:]]
        return union(*options), cost

    def string_expression(self, demand: Demand) -> Expression:
        """All strings of a demand as one expression, lengths included."""
        return as_expression(self.element(demand, STRINGS))

    def cost(self, demand: Demand, types: int) -> int:
        """The fewest bytes, roughly, of a scalar of one of the types; NEVER if there is none. Builds no
        expression of numbers where existence is plain."""
        return self._remembered(_COSTS, demand, types, self._make_cost)

    def _make_cost(self, demand: Demand, types: int) -> int:
        if types & NULL and self.element(demand, NULLS):
            return 4
        if types & BOOLEAN and self.element(demand, BOOLEANS):
            return 4
        if types & NUMBER:
            pieces = self.element(demand, NUMBERS)
            if any(surely_inhabited(piece) for piece in pieces):
                return 1
            if pieces and self.number_expression(demand)[0] is not EMPTY:
                return 1
        cost = NEVER
        return min(cost, _string_cost(self.element(demand, STRINGS))) if types & STRING else cost

    def exists(self, demand: Demand, types: int) -> bool:
        """Whether the demand has a scalar of one of the types."""
        return self.cost(demand, types) < NEVER

    def possible(self, demand: Demand, types: int) -> bool:
        """False if it is certain that the demand has no scalar of one of the types.

        It differs from `exists` by what only may be of a format, or not of it.
        """
        if self.exists(demand, types):
            return True
        if not (self.approximates and types & STRING):
            return False
        return _string_cost(self.element(demand, POSSIBLE_STRINGS)) < NEVER

    def element(self, demand: Demand, algebra: Algebra[Any]) -> Any:
        """The values of one type that meet a demand, in the algebra of the type."""
        if len(demand) == 1:
            return self._evaluate(demand[0], algebra)
        key = (demand, algebra)
        known = self._demands.get(key)
        if known is None:
            known = algebra.top
            for member in demand:
                known = algebra.meet(known, self._evaluate(member, algebra))
            self._demands[key] = known
        return known

    def _evaluate(self, member: int, algebra: Algebra[Any]) -> Any:
        if member <= TRUE:
            return algebra.bottom if member == FALSE else algebra.top
        key = (member, algebra)
        known = self._elements.get(key)
        if known is not None:
            return known
        wanted = not member & 1
        node = self.nodes.all[member >> 1]
        assert node is not None
        if key in self._in_progress:  # a schema that refers to itself in place adds nothing
            return algebra.top if wanted else algebra.bottom
        if not node.types & algebra.bit:
            return algebra.bottom if wanted else algebra.top
        self._in_progress.add(key)
        try:
            result = algebra.top if wanted else algebra.bottom
            combine = algebra.meet if wanted else algebra.join
            for word, value in node.rules.items():
                part = self._part(node, word, value, wanted, algebra)
                if part is not None:
                    result = combine(result, part)
                    if result == (algebra.bottom if wanted else algebra.top):
                        break
        finally:
            self._in_progress.discard(key)
        self._elements[key] = result
        return result

    def _part(self, node: Node, word: str, value: Any, wanted: bool, algebra: Algebra[Any]) -> Any:
        """The values that meet (or violate) one keyword; None if it says nothing about this type."""
        if word == "enum" or word == "const" or word == "$same":
            return algebra.values((value,) if word == "const" else value, wanted)
        operation = _OPERATIONS.get(word)
        if operation is None:
            self.approximates |= word == "format" and is_approximated(value)
            return algebra.keyword(word, value, wanted, node)
        return operation(self, node, value, wanted, algebra)

    def _members(self, node: Node, schemas: Iterable[Any], wanted: bool, algebra: Algebra[Any]) -> list[Any]:
        flip = 0 if wanted else 1
        return [self._evaluate(self.nodes.child(node, schema) ^ flip, algebra) for schema in schemas]

    def _reference(self, node: Node, value: str, wanted: bool, algebra: Algebra[Any]) -> Any:
        return self._evaluate(self.nodes.target(node, "$ref") ^ (not wanted), algebra)

    def _dynamic_reference(self, node: Node, value: str, wanted: bool, algebra: Algebra[Any]) -> Any:
        return self._evaluate(self.nodes.target(node, "$dynamicRef") ^ (not wanted), algebra)

    def _recursive_reference(self, node: Node, value: str, wanted: bool, algebra: Algebra[Any]) -> Any:
        return self._evaluate(self.nodes.target(node, "$recursiveRef") ^ (not wanted), algebra)

    def _all(self, node: Node, value: tuple[int, ...], wanted: bool, algebra: Algebra[Any]) -> Any:
        flip = not wanted
        return _folded([self._evaluate(literal ^ flip, algebra) for literal in value], algebra, wanted)

    def _all_of(self, node: Node, value: list[Any], wanted: bool, algebra: Algebra[Any]) -> Any:
        return _folded(self._members(node, value, wanted, algebra), algebra, wanted)

    def _any_of(self, node: Node, value: list[Any], wanted: bool, algebra: Algebra[Any]) -> Any:
        return _folded(self._members(node, value, wanted, algebra), algebra, not wanted)

    def _one_of(self, node: Node, value: list[Any], wanted: bool, algebra: Algebra[Any]) -> Any:
        """Counts to two: the values that meet none of the branches, exactly one, more.

        Pair by pair, then pairs of pairs: so that what comes out is nested only as deep as the logarithm of
        the number of branches, and each branch stands in it as often.
        """
        counts = []
        for schema in value:
            member = self.nodes.child(node, schema)
            met = self._evaluate(member, algebra)
            if met != algebra.bottom or self.approximates:
                counts.append((self._evaluate(member ^ 1, algebra), met, algebra.bottom))
        while len(counts) > 1:
            pairs = zip(counts[::2], counts[1::2], strict=False)
            odd = counts[-1:] if len(counts) % 2 else []
            counts = [_counted_together(*pair, algebra, not wanted) for pair in pairs] + odd
        none, one, more = counts[0] if counts else (algebra.top, algebra.bottom, algebra.bottom)
        return one if wanted else algebra.join(none, more)

    def _not(self, node: Node, value: Any, wanted: bool, algebra: Algebra[Any]) -> Any:
        return self._evaluate(self.nodes.child(node, value) ^ wanted, algebra)

    def _if(self, node: Node, value: Any, wanted: bool, algebra: Algebra[Any]) -> Any:
        condition = self.nodes.child(node, value)
        flip = not wanted
        branches = []
        for literal_, word in ((condition, "then"), (condition ^ 1, "else")):
            outcome = self.nodes.child(node, node.rules.get(word, True)) ^ flip
            branches.append(algebra.meet(self._evaluate(literal_, algebra), self._evaluate(outcome, algebra)))
        return algebra.join(*branches)


def _counted_together(
    first: tuple[Any, Any, Any], second: tuple[Any, Any, Any], algebra: Algebra[Any], counts_more: bool
) -> tuple[Any, Any, Any]:
    """The values that meet none, one, more of two groups of branches together; counts_more: whether `more` is
    asked for."""
    meet, join = algebra.meet, algebra.join
    more = algebra.bottom
    if counts_more:
        more = join(join(first[2], second[2]), meet(first[1], second[1]))
    one = join(meet(first[1], second[0]), meet(first[0], second[1]))
    return meet(first[0], second[0]), one, more


@lru_cache(4096)
def _interval_language(piece: NumberSet, spelling: Spelling, n_others: int) -> Expression:
    """The spellings of an interval with divisors and exceptions."""
    return number_language(
        lower=piece.lower,
        lower_open=piece.lower_open,
        upper=piece.upper,
        upper_open=piece.upper_open,
        multiples=tuple(piece.multiples),
        non_multiples=tuple(piece.non_multiples),
        integer=piece.integer,
        excluded=piece.excluded,
        numbers=spelling,
        n_others=n_others,
    )


def _said(node: Node) -> tuple[Any, ...] | None:
    """What a node says, as a key that is the same in every grammar; None for one that refers to others."""
    said: list[object] = []
    for word, value in node.rules.items():
        if word in _OF_COMPOSITES:
            continue
        kind = type(value)
        if kind is list and word == "enum" and len(value) <= _MOST_LISTED:
            for member in value:
                if type(member) is not str:
                    return None
            value = tuple(value)
        elif (kind is not str and kind is not int and kind is not float) or word[0] == "$":
            return None
        said += (word, kind, value)  # 1 and 1.0 may be spelled differently
    return tuple(said)


def _string_cost(pieces: StringPieces) -> int:
    cost = NEVER
    for piece in pieces:
        if not isinstance(piece, Texts):
            cost = min(cost, 2 + min(map(len, piece)))
        elif (length := some_length_of(piece)) is not None:
            cost = min(cost, 2 + length)
    return cost


def _folded(elements: list[Any], algebra: Algebra[Any], all_of_them: bool) -> Any:
    result = algebra.top if all_of_them else algebra.bottom
    combine = algebra.meet if all_of_them else algebra.join
    for element in elements:
        result = combine(result, element)
    return result


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "$ref": ScalarLanguages._reference,
    "allOf": ScalarLanguages._all_of,
    "anyOf": ScalarLanguages._any_of,
    "oneOf": ScalarLanguages._one_of,
    "not": ScalarLanguages._not,
    "if": ScalarLanguages._if,
    "$dynamicRef": ScalarLanguages._dynamic_reference,
    "$recursiveRef": ScalarLanguages._recursive_reference,
    "$all": ScalarLanguages._all,
}
