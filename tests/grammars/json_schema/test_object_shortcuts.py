"""The short ways through objects give what the general ways give: records without atoms, what listed
names and undeclared keys have to meet, legal names without a search."""

from __future__ import annotations

from copy import copy
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from tokentrellis.grammars.errors import ConstraintError
from tokentrellis.grammars.json_schema import from_json_schema
from tokentrellis.grammars.json_schema.algebra import NEVER
from tokentrellis.grammars.json_schema.keywords import OBJECT
from tokentrellis.grammars.json_schema.objects import ObjectShape

_NAMES = st.sampled_from("abcdef")
_VALUES = st.sampled_from(
    [True, False, {}, {"type": "string"}, {"type": "object", "required": ["q"]}, {"enum": [1, "x"]}]
)
_PLAIN = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(_NAMES, _VALUES, max_size=6)},
    optional={"required": st.lists(_NAMES, unique=True, max_size=2), "additionalProperties": _VALUES},
)
_IMPLYING = st.fixed_dictionaries(
    {"dependentRequired": st.dictionaries(_NAMES, st.lists(_NAMES, unique=True, max_size=3), min_size=1)},
    optional={"minProperties": st.integers(0, 6)},
)


def _shapes(schema: dict[str, Any]) -> tuple[Any, list[ObjectShape]]:
    try:
        values = from_json_schema(schema, property_order="any")._values
    except ConstraintError:
        assume(False)
    demand = (values.nodes.literal(schema, values.context),)
    return values, values.value(demand).objects


@given(_PLAIN)
def test_plain_objects(schema: dict[str, Any]) -> None:
    values, shapes = _shapes(schema)
    demand = (values.nodes.literal(schema, values.context),)
    assume(demand[0] > 1)
    (general,) = values.formulas.records(demand, OBJECT)
    (shape,) = shapes
    assert shape.record.key() == general.key()
    for label, name in enumerate(shape.table.literals):
        assert shape.demand(label) == values.formulas.value_of(general, name)
    general_others = shape._merge([s for s in shape.signatures if values.cost(s.demand) < NEVER])
    assert shape.others == general_others


@given(_PLAIN, _IMPLYING)
def test_legal_names_without_a_search(plain: dict[str, Any], implying: dict[str, Any]) -> None:
    _, shapes = _shapes({**plain, **implying})
    for shape in shapes:
        waiting = [shape.start]
        for state in waiting:
            names = shape.usable(state[0])
            usable = [label for label in range(6) if names >> label & 1 and shape.after_name(state, label)]
            assert shape.legal(state) == sum(1 << label for label in usable)
            waiting += [after for label in usable[:2] for _, after in shape.after_name(state, label)]


@given(_PLAIN, st.sampled_from(["any", "schema"]))
def test_expansions_of_simple_shapes(plain: dict[str, Any], order: Any) -> None:
    try:
        grammar = from_json_schema(plain, property_order=order)
    except ConstraintError:
        assume(False)
    values = grammar._values
    for shape in values.value((values.nodes.literal(plain, values.context),)).objects:
        general = copy(shape)
        general.simple = False
        waiting = [shape.start]
        for state in waiting[:40]:
            assert grammar._expand_object(shape, state, 0) == grammar._expand_object(general, state, 0)
            labels = [label for label in range(6) if shape.legal(state) >> label & 1]
            waiting += [after for label in labels for _, after in shape.after_name(state, label)]
            waiting += [after for _, after in shape.after_other(state, 0)]
