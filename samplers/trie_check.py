"""Whether a trie belongs to a model and a constraint: both in, an error out where it does not.

A trie keeps the laws of the prefixes that it has seen, so it can be compared with what the model says now.
Its likeliest text is walked from the root, and all places of it are run as one batch, at most `MOST_PLACES`.
One place would not do: a JSON document begins with the same bracket whatever was asked for. At each place the
same tokens must be allowed, must have the same share of the law, and the same law among themselves; what is
let pass is the rounding of half precision and of another device.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ..decoding.errors import ArgumentValueError, TokenRejectedError
from .constraint import Constraint, ConstraintState, allowed_by_grammar
from .language_model import LanguageModel
from .tasks import begin_rows
from .trie import ROOT, Trie, TrieNode

MOST_PLACES = 32
MOST_DISTANCE = 0.1
"""Total variation between two computations of one law, among the tokens that are allowed."""
MOST_LOG_RATIO = 0.5
"""Difference between two computations of the logarithm of what is allowed."""


def check_trie(trie: Trie, model: LanguageModel, constraint: Constraint) -> None:
    """Compare a trie with a model and a constraint, by one forward pass. An empty trie fits all.

    Raises:
        ArgumentValueError: it was learnt with others.
    """
    if not trie.nodes:
        return
    nodes, states = _likeliest_places(trie, constraint)
    rows = begin_rows(model, constraint, [state.token_ids for state in states])
    allowed = allowed_by_grammar(states, rows.log_probs.shape[1])
    laws = rows.log_probs.double().exp().cpu()
    for node, state, is_allowed, law in zip(nodes, states, allowed, laws, strict=True):
        tokens = is_allowed.nonzero().squeeze(1)
        if not np.array_equal(tokens.numpy(), node.tokens):
            raise _stranger(state, "another grammar, predicate or budget")
        if not _is_same_law(node.probs, law[tokens].numpy()):
            raise _stranger(state, "another model, prompt, temperature or truncation")


def _likeliest_places(trie: Trie, constraint: Constraint) -> tuple[list[TrieNode], list[ConstraintState]]:
    """The nodes of the trie's likeliest text, and the states of the constraint there."""
    entry, state = trie.nodes[ROOT], constraint.start()
    nodes, states = [entry], [state]
    while entry.children and len(nodes) < MOST_PLACES:
        shares = entry.probs * entry.bounds
        token_id = max(entry.children, key=lambda token: shares[np.searchsorted(entry.tokens, token)])
        try:
            is_right = state.predicate_allows(token_id)
            state = state.after(token_id)
        except TokenRejectedError:
            is_right = False
        if not is_right:
            raise _stranger(state, "another grammar, predicate or budget")
        entry = trie.nodes[entry.children[token_id]]
        nodes.append(entry)
        states.append(state)
    return nodes, states


def _is_same_law(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> bool:
    """one, other: probabilities of the tokens that are allowed."""
    masses = float(one.sum()), float(other.sum())
    if min(masses) <= 0:
        return max(masses) <= 0
    distance = 0.5 * float(np.abs(one / masses[0] - other / masses[1]).sum())
    return distance <= MOST_DISTANCE and abs(math.log(masses[0] / masses[1])) <= MOST_LOG_RATIO


def _stranger(state: ConstraintState, reason: str) -> ArgumentValueError:
    return ArgumentValueError(
        f"trie must have been learnt with this model, prompt and constraint: after {state.text!r} it has "
        f"the law of {reason}",
        advice="load the one that was saved for them, or begin anew without use_trie",
    )
