"""Strings, numbers, Booleans and null: from demands to languages.

In comes a demand, out come `Scalars`: the expression for null, Booleans and numbers, the finite set of string values, and the
languages of other strings with their lengths. Scalars are closed under the Boolean operations, so nothing has to be
branched here: each literal is evaluated bottom-up in an *algebra* (one for each type) whose elements are unions of
pieces; negation is pushed down to the keywords by the polarity of the literal. A piece of strings is a set of words, or a
content language with a range of lengths; a piece of numbers is an interval with divisors and exceptions, exact
fractions throughout. Joining pieces with equal lengths is a union of expressions, so that `not anyOf` over many patterns
stays one product and is never multiplied out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

from ..derivatives import matches
from ..emptiness import is_empty, shortest_length
from ..errors import LimitExceededError
from ..expressions import EMPTY, UNLIMITED, Expression, complement, intersect, literal, repeat, union
from ..regex import pattern_expression
from ..utf8 import ANY_CHARACTER, ANY_TEXT
from .formats import format_language
from .keywords import BOOLEAN, NULL, NUMBER, STRING
from .nodes import FALSE, TRUE, Demand, Node, Nodes, fraction
from .numbers import INTEGER, NUMBER as ANY_NUMBER, Spelling, number_language, number_values

MOST_PIECES = 256
"""How many pieces the union of one type may have."""

Element = TypeVar("Element")


class Scalars(NamedTuple):
    """What the scalars of a demand are.

    plain: null, Booleans and numbers (EMPTY: none). words: the strings of a finite set. texts: other strings, as
    (content, least, most). cost: the fewest bytes of any scalar, roughly (NEVER: there is none).
    """

    plain: Expression
    words: tuple[str, ...]
    texts: tuple[tuple[Expression, int, int], ...]
    plain_cost: int
    words_cost: int
    texts_cost: int


NEVER = 1 << 60
"""The cost of what does not exist."""


class Texts(NamedTuple):
    """Strings of a language whose length is from `least` to `most`."""

    content: Expression
    least: int
    most: int


class NumberSet(NamedTuple):
    """An interval with divisors and exceptions, or finitely many values."""

    lower: Fraction | None = None
    lower_open: bool = False
    upper: Fraction | None = None
    upper_open: bool = False
    multiples: frozenset[Fraction] = frozenset()
    non_multiples: frozenset[Fraction] = frozenset()
    integer: bool | None = None
    excluded: frozenset[Fraction] = frozenset()
    values: frozenset[Fraction] | None = None

    def contains(self, value: Fraction) -> bool:
        """Whether a value meets everything but `values`."""
        if self.lower is not None and (value < self.lower or (self.lower_open and value == self.lower)):
            return False
        if self.upper is not None and (value > self.upper or (self.upper_open and value == self.upper)):
            return False
        if self.integer is not None and (value.denominator == 1) != self.integer:
            return False
        if any((value / divisor).denominator != 1 for divisor in self.multiples):
            return False
        if any((value / divisor).denominator == 1 for divisor in self.non_multiples):
            return False
        return value not in self.excluded


ALL_NUMBERS = NumberSet()
ALL_STRINGS = Texts(ANY_TEXT, 0, UNLIMITED)
StringPieces = tuple["frozenset[str] | Texts", ...]
NumberPieces = tuple[NumberSet, ...]


@lru_cache(4096)
def pattern_language(pattern: str) -> Expression:
    """The texts in which an ECMA-262 pattern is found."""
    return pattern_expression(pattern, syntax="ecma", search=True)


@lru_cache(4096)
def text_complement(language: Expression) -> Expression:
    """All texts that a language does not contain."""
    return intersect(ANY_TEXT, complement(language))


@lru_cache(65536)
def text_in(language: Expression, text: str) -> bool:
    """Whether a text belongs to a language."""
    return matches(language, text.encode())


def writable(text: str) -> bool:
    """Whether a string can occur in a document: UTF-8 has no lone surrogates."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


class Algebra(Generic[Element]):
    """The sets of values of one type: `bit`, the whole, nothing, and what keywords mean, wanted and not wanted."""

    bit: int
    top: Element
    bottom: Element

    def meet(self, first: Element, second: Element) -> Element:
        """The values in both."""
        raise TypeError

    def join(self, first: Element, second: Element) -> Element:
        """The values in either."""
        raise TypeError

    def keyword(self, word: str, value: Any, wanted: bool, node: Node) -> Element | None:
        """The values that meet (or violate) a keyword; None if it does not concern this type."""
        return None

    def values(self, values: Iterable[Any], wanted: bool) -> Element:
        """The listed values of this type, or all others."""
        raise TypeError


class Subsets(Algebra[int]):
    """Null or the Booleans: a bit set of the few values."""

    def __init__(self, bit: int, members: tuple[bool | None, ...]) -> None:
        self.bit, self.members = bit, members
        self.top, self.bottom = (1 << len(members)) - 1, 0

    def meet(self, first: int, second: int) -> int:
        return first & second

    def join(self, first: int, second: int) -> int:
        return first | second

    def values(self, values: Iterable[Any], wanted: bool) -> int:
        found = 0
        for value in values:
            for index, member in enumerate(self.members):
                found |= (value is member) << index
        return found if wanted else self.top & ~found


class Strings(Algebra[StringPieces]):
    """Unions of sets of words and of languages with a range of lengths."""

    bit = STRING
    top = (ALL_STRINGS,)
    bottom = ()

    def meet(self, first: StringPieces, second: StringPieces) -> StringPieces:
        if first == self.top:
            return second
        if second == self.top:
            return first
        met = [piece for one in first for other in second if (piece := _meet_strings(one, other)) is not None]
        return _joined_strings(met)

    def join(self, first: StringPieces, second: StringPieces) -> StringPieces:
        return self.top if ALL_STRINGS in first or ALL_STRINGS in second else _joined_strings(first + second)

    def keyword(self, word: str, value: Any, wanted: bool, node: Node) -> StringPieces | None:
        if word == "minLength":
            if wanted:
                return (Texts(ANY_TEXT, int(value), UNLIMITED),)
            return (Texts(ANY_TEXT, 0, int(value) - 1),) if value > 0 else ()
        if word == "maxLength":
            return (
                (Texts(ANY_TEXT, 0, int(value)),) if wanted else (Texts(ANY_TEXT, int(value) + 1, UNLIMITED),)
            )
        if word == "pattern":
            language = pattern_language(value)
        elif word == "format":
            found = format_language(value)
            if found is None:  # not known: an annotation, which nothing violates
                return self.top if wanted else self.bottom
            language = found
        else:
            return None
        content = language if wanted else text_complement(language)
        return () if content is EMPTY else (Texts(content, 0, UNLIMITED),)

    def values(self, values: Iterable[Any], wanted: bool) -> StringPieces:
        words = frozenset(value for value in values if isinstance(value, str) and writable(value))
        if wanted:
            return (words,) if words else ()
        return (Texts(without_words(ANY_TEXT, words), 0, UNLIMITED),) if words else self.top


def without_words(content: Expression, words: Iterable[str]) -> Expression:
    """A language without some texts."""
    listed = union(*[literal(word) for word in words])
    return content if listed is EMPTY else intersect(content, complement(listed))


def _meet_strings(one: frozenset[str] | Texts, other: frozenset[str] | Texts) -> frozenset[str] | Texts | None:
    if isinstance(one, Texts) and isinstance(other, Texts):
        least = max(one.least, other.least)
        most = (
            max(one.most, other.most)
            if UNLIMITED in (one.most, other.most)
            else min(one.most, other.most)
        )
        if most != UNLIMITED and least > most:
            return None
        if one.content is ANY_TEXT:
            content = other.content
        elif other.content is ANY_TEXT:
            content = one.content
        else:
            content = intersect(one.content, other.content)
        return None if content is EMPTY else Texts(content, least, most)
    if isinstance(one, Texts):
        one, other = other, one
    if isinstance(other, Texts):
        words = frozenset(word for word in one if _fits(other, word))  # type: ignore[union-attr]
    else:
        words = one & other  # type: ignore[operator]
    return words or None


def _fits(texts: Texts, word: str) -> bool:
    if len(word) < texts.least or (texts.most != UNLIMITED and len(word) > texts.most):
        return False
    return texts.content is ANY_TEXT or text_in(texts.content, word)


def _joined_strings(pieces: Iterable[frozenset[str] | Texts]) -> StringPieces:
    words: frozenset[str] = frozenset()
    by_length: dict[tuple[int, int], list[Expression]] = {}
    for piece in pieces:
        if isinstance(piece, Texts):
            by_length.setdefault((piece.least, piece.most), []).append(piece.content)
        else:
            words |= piece
    if len(by_length) > MOST_PIECES:
        raise LimitExceededError("ranges of string lengths in one place", given=len(by_length), limit=MOST_PIECES)
    texts = tuple(
        Texts(contents[0] if len(contents) == 1 else union(*contents), least, most)
        for (least, most), contents in by_length.items()
    )
    words = frozenset(word for word in words if not any(_fits(text, word) for text in texts))
    return (words, *texts) if words else texts


class Numbers(Algebra[NumberPieces]):
    """Unions of `NumberSet`s."""

    bit = NUMBER
    top = (ALL_NUMBERS,)
    bottom = ()

    def meet(self, first: NumberPieces, second: NumberPieces) -> NumberPieces:
        if first == self.top:
            return second
        if second == self.top:
            return first
        met = [piece for one in first for other in second if (piece := _meet_numbers(one, other)) is not None]
        return self._limited(met)

    def join(self, first: NumberPieces, second: NumberPieces) -> NumberPieces:
        return self.top if ALL_NUMBERS in first or ALL_NUMBERS in second else self._limited([*first, *second])

    @staticmethod
    def _limited(pieces: list[NumberSet]) -> NumberPieces:
        distinct = tuple(dict.fromkeys(pieces))
        if len(distinct) > MOST_PIECES:
            raise LimitExceededError("ranges of numbers in one place", given=len(distinct), limit=MOST_PIECES)
        return distinct

    def keyword(self, word: str, value: Any, wanted: bool, node: Node) -> NumberPieces | None:
        if word == "minimum":
            bound = fraction(value)
            return (NumberSet(lower=bound),) if wanted else (NumberSet(upper=bound, upper_open=True),)
        if word == "maximum":
            bound = fraction(value)
            return (NumberSet(upper=bound),) if wanted else (NumberSet(lower=bound, lower_open=True),)
        if word == "exclusiveMinimum":
            bound = fraction(value)
            return (NumberSet(lower=bound, lower_open=True),) if wanted else (NumberSet(upper=bound),)
        if word == "exclusiveMaximum":
            bound = fraction(value)
            return (NumberSet(upper=bound, upper_open=True),) if wanted else (NumberSet(lower=bound),)
        if word == "multipleOf":
            divisors = frozenset((fraction(value),))
            return (NumberSet(multiples=divisors),) if wanted else (NumberSet(non_multiples=divisors),)
        if word == "type" and node.only_integer:
            return (NumberSet(integer=wanted),)
        return None

    def values(self, values: Iterable[Any], wanted: bool) -> NumberPieces:
        listed = frozenset(
            fraction(value)
            for value in values
            if not isinstance(value, (str, bool, list, dict)) and value is not None
        )
        if wanted:
            return (NumberSet(values=listed),) if listed else ()
        return (NumberSet(excluded=listed),) if listed else self.top


def _meet_numbers(one: NumberSet, other: NumberSet) -> NumberSet | None:
    if one.values is not None or other.values is not None:
        values = one.values if one.values is not None else other.values
        assert values is not None
        kept = frozenset(v for v in values if _number_in(one, v) and _number_in(other, v))
        integer = True if True in (one.integer, other.integer) else None
        return NumberSet(values=kept, integer=integer) if kept else None
    lower, lower_open = one.lower, one.lower_open
    if other.lower is not None and (lower is None or (other.lower, other.lower_open) > (lower, lower_open)):
        lower, lower_open = other.lower, other.lower_open
    upper, upper_open = one.upper, one.upper_open
    if other.upper is not None and (upper is None or (other.upper, not other.upper_open) < (upper, not upper_open)):
        upper, upper_open = other.upper, other.upper_open
    if lower is not None and upper is not None and (lower > upper or (lower == upper and (lower_open or upper_open))):
        return None
    integers = {one.integer, other.integer} - {None}
    if len(integers) > 1:
        return None
    return NumberSet(
        lower,
        lower_open,
        upper,
        upper_open,
        one.multiples | other.multiples,
        one.non_multiples | other.non_multiples,
        integers.pop() if integers else None,
        one.excluded | other.excluded,
    )


def _number_in(numbers: NumberSet, value: Fraction) -> bool:
    return (numbers.values is None or value in numbers.values) and numbers.contains(value)


STRINGS, NUMBERS = Strings(), Numbers()
NULLS, BOOLEANS = Subsets(NULL, (None,)), Subsets(BOOLEAN, (False, True))
_PLAIN_WORDS = (literal("false"), literal("true"))
_NULL = literal("null")


class ScalarLanguages:
    """Evaluates demands for one grammar; results are kept.

    numbers: how numbers are spelled, see `numbers.py`.
    """

    def __init__(self, nodes: Nodes, numbers: Spelling) -> None:
        self.nodes = nodes
        self.spelling: Spelling = numbers
        self._elements: dict[tuple[int, int], Any] = {}
        self._demands: dict[tuple[Demand, int], Any] = {}
        self._in_progress: set[tuple[int, int]] = set()

    def of(self, demand: Demand, types: int) -> Scalars:
        """The scalars of a demand; `types`: the types that are still possible."""
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
            elif piece.content is ANY_TEXT:
                texts.append(piece)
                texts_cost = min(texts_cost, 2 + piece.least)
            else:
                length = shortest_length(piece.content, piece.least, piece.most)
                if length is not None:
                    texts.append(piece)
                    texts_cost = min(texts_cost, 2 + length)
        return Scalars(
            union(*plain) if plain else EMPTY, words, tuple(texts), plain_cost, words_cost, texts_cost
        )

    def number_expression(self, demand: Demand) -> tuple[Expression, int]:
        """The spellings of the numbers of a demand, and roughly the length of the shortest."""
        pieces = self.element(demand, NUMBERS)
        if pieces == NUMBERS.top:
            return ANY_NUMBER, 1
        options, cost = [], NEVER
        for piece in pieces:
            if piece.values is not None:
                options.append(number_values(piece.values, numbers=self.spelling))
                cost = min(cost, *(len(str(value)) for value in piece.values))
            elif self.spelling == "plain" and piece == NumberSet(integer=True):
                options.append(INTEGER)
                cost = 1
            else:
                found = number_language(
                    lower=piece.lower,
                    lower_open=piece.lower_open,
                    upper=piece.upper,
                    upper_open=piece.upper_open,
                    multiples=tuple(piece.multiples),
                    non_multiples=tuple(piece.non_multiples),
                    integer=piece.integer,
                    excluded=piece.excluded,
                    numbers=self.spelling,
                )
                if found is not EMPTY:
                    options.append(found)
                    cost = min(cost, 1)
        return union(*options), cost

    def string_expression(self, demand: Demand) -> Expression:
        """All strings of a demand as one expression, lengths included."""
        options = []
        for piece in self.element(demand, STRINGS):
            if not isinstance(piece, Texts):
                options.append(union(*[literal(word) for word in piece]))
            elif piece.least == 0 and piece.most == UNLIMITED:
                options.append(piece.content)
            else:
                options.append(intersect(piece.content, repeat(ANY_CHARACTER, piece.least, piece.most)))
        return union(*options)

    def exists(self, demand: Demand, types: int) -> bool:
        """Whether the demand has a scalar of one of the types."""
        if types & NULL and self.element(demand, NULLS):
            return True
        if types & BOOLEAN and self.element(demand, BOOLEANS):
            return True
        if types & STRING and any(
            not isinstance(piece, Texts) or not is_empty(piece.content, piece.least, piece.most)
            for piece in self.element(demand, STRINGS)
        ):
            return True
        return bool(types & NUMBER) and self.number_expression(demand)[0] is not EMPTY

    def element(self, demand: Demand, algebra: Algebra[Any]) -> Any:
        """The values of one type that meet a demand, in the algebra of the type."""
        if len(demand) == 1:
            return self._evaluate(demand[0], algebra)
        key = (demand, algebra.bit)
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
        key = (member, algebra.bit)
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
        if word == "enum" or word == "const":
            return algebra.values(value if word == "enum" else (value,), wanted)
        operation = _OPERATIONS.get(word)
        if operation is None:
            return algebra.keyword(word, value, wanted, node)
        return operation(self, node, value, wanted, algebra)

    def _members(self, node: Node, schemas: Iterable[Any], wanted: bool, algebra: Algebra[Any]) -> list[Any]:
        flip = 0 if wanted else 1
        return [self._evaluate(self.nodes.child(node, schema) ^ flip, algebra) for schema in schemas]

    def _reference(self, node: Node, value: str, wanted: bool, algebra: Algebra[Any]) -> Any:
        schema, context = node.context.resolve(value)
        return self._evaluate(self.nodes.literal(schema, context) ^ (not wanted), algebra)

    def _all_of(self, node: Node, value: list[Any], wanted: bool, algebra: Algebra[Any]) -> Any:
        return _folded(self._members(node, value, wanted, algebra), algebra, wanted)

    def _any_of(self, node: Node, value: list[Any], wanted: bool, algebra: Algebra[Any]) -> Any:
        return _folded(self._members(node, value, wanted, algebra), algebra, not wanted)

    def _one_of(self, node: Node, value: list[Any], wanted: bool, algebra: Algebra[Any]) -> Any:
        """Counts to two along the branches: values that met none so far, exactly one, more."""
        none, one, more = algebra.top, algebra.bottom, algebra.bottom
        for schema in value:
            member = self.nodes.child(node, schema)
            met = self._evaluate(member, algebra)
            if met == algebra.bottom:
                continue
            missed = self._evaluate(member ^ 1, algebra)
            more = algebra.join(more, algebra.meet(one, met))
            one = algebra.join(algebra.meet(one, missed), algebra.meet(none, met))
            none = algebra.meet(none, missed)
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
}
