"""A hole of a program that is being written: the model's scores in, a token or the end of the hole out.

What may come is said by a matcher. The hole may first owe bytes: the last token of the fixed text before it
is given back (token healing), and the first tokens have to spell it again and may go on behind it, as the
tokenizer would have cut the whole text. Where the grammar may end, one more outcome stands beside the allowed
tokens, the end. Its probability is that of the tokens that end a text (`ends="eos"`, as in `generate()`), or
of everything that the grammar does not take (`ends="other"`): a hole in the middle of a text is over when the
model would go on with something else.

Cost of a step: a mask of the core, and one pass over the scores. Which tokens may go on behind owed bytes is
found by a walk of the matcher for each token that begins with them, some microseconds, and kept for the
grammar.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..decoding.bitmask import allocate_bitmask, unpack_bitmask
from ..decoding.errors import NoAllowedTokenError
from ..decoding.prompt_ends import some_token_goes_on, sorted_tokens, tokens_beginning
from ..decoding.rule_temperatures import bounded_temperature, rule_temperature, tempered
from ..decoding.vocabulary import Vocabulary
from .causal_model import score_warpers

Ends = Literal["other", "eos"]


class TokenLaw:
    """How a token is chosen among scores: the likeliest, or drawn.

    generator: on the CPU; None: the likeliest. The options are those of `generate()`.
    """

    def __init__(
        self,
        generator: torch.Generator | None,
        temperature: float | None,
        top_k: int | None,
        top_p: float | None,
        min_p: float | None = None,
    ) -> None:
        self._generator = generator
        self._is_drawn = generator is not None
        self._warpers = score_warpers(temperature, top_k, top_p, min_p)
        self._temperature = 1.0 if temperature is None else bounded_temperature(temperature)

    def choose(self, scores: Tensor, rule: float | None = None) -> int:
        """An index by log-probabilities, float32 on the CPU, shape [n], which need not be normalised.

        rule: the temperature of a rule in which it is; in such a rule it is drawn in any case.
        """
        if not self._is_drawn and rule is None:
            return int(scores.argmax())
        if self._generator is None:
            self._generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
        if rule is not None:
            scores = tempered(scores, rule, self._temperature)
        warped: Any = self._warpers(torch.zeros(1, 0, dtype=torch.long), scores[None])  # type: ignore[arg-type]
        return int(torch.multinomial(torch.softmax(warped[0], -1), 1, generator=self._generator))


class TokensByText:
    """The text tokens of a vocabulary in the order of their bytes, to find those that begin alike."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._going_on: WeakKeyDictionary[Any, dict[bytes, npt.NDArray[np.int64]]] = WeakKeyDictionary()
        self._tokens = vocabulary.tokens
        self._ids, self._texts = sorted_tokens(vocabulary)

    def beginning_with(self, data: bytes) -> list[int]:
        """Ids of the tokens that begin with these bytes and have more."""
        found = tokens_beginning(self._texts, data)
        return [self._ids[i] for i in found if len(self._texts[i]) > len(data)]

    def going_on(self, compiled: Any, data: bytes) -> npt.NDArray[np.int64]:
        """Ids of the tokens that begin with these bytes and go on with the beginning of a text of a grammar.
        They are kept as long as the grammar lives.
        """
        known = self._going_on.setdefault(compiled, {})
        found = known.get(data)
        if found is None:
            matcher, at = compiled.matcher(), len(data)
            next_bytes = matcher.next_bytes()
            ids = [
                token_id
                for token_id in self.beginning_with(data)
                if self._tokens[token_id][at] in next_bytes
                and matcher.try_read(self._tokens[token_id][at:]) == len(self._tokens[token_id]) - at
            ]
            found = known[data] = np.array(ids, dtype=np.int64)
        return found

    def goes_on(self, data: bytes) -> bool:
        """Whether some token begins with these bytes and has more."""
        return some_token_goes_on(self._texts, data)

    def beginnings_of(self, data: bytes) -> list[int]:
        """Ids of the tokens that are the first bytes of these, or all of them."""
        found = []
        for length in range(1, len(data) + 1):
            text = data[:length]
            at = bisect_left(self._texts, text)
            while at < len(self._texts) and self._texts[at] == text:
                found.append(self._ids[at])
                at += 1
        return found


class Hole:
    """One hole on its way; its tokens are kept by the program.

    matcher: at the beginning of the hole. owed: bytes to be spelled before it begins. max_tokens: most tokens
    after these bytes.
    """

    def __init__(
        self, matcher: Any, tokens_by_text: TokensByText, *, owed: bytes, max_tokens: int, ends: Ends
    ) -> None:
        self.owed = owed
        self._matcher = matcher
        self._tokens_by_text = tokens_by_text
        self._left = max_tokens  # tokens
        self._ends = ends
        self._vocabulary: Vocabulary = matcher.compiled.vocabulary

    def copy(self) -> Hole:
        """A hole in the same state, to look ahead with."""
        twin = object.__new__(Hole)
        twin.__dict__.update(self.__dict__, _matcher=self._matcher.copy())
        return twin

    def forced_bytes(self) -> bytes:
        """The bytes that must come next, what is owed included."""
        return self.owed + bytes(self._matcher.forced_bytes())

    @property
    def is_over(self) -> bool:
        """Whether nothing but the end may come."""
        if self.owed:
            return False
        forced = self._matcher.forced_tokens()
        return not self._left or (len(forced) == 1 and forced[0] in self._vocabulary.eos_token_ids)

    @property
    def can_finish(self) -> bool:
        """Whether the tokens that are left suffice for the shortest end."""
        return self._left >= 0 and int(self._matcher.tokens_to_finish) <= self._left + 1

    def accept(self, token_id: int) -> None:
        """Go on by a token that is allowed."""
        data = self._vocabulary.token_bytes(token_id)
        if self.owed and len(data) <= len(self.owed):
            self.owed = self.owed[len(data) :]
            return
        self._left -= 1
        if self.owed:
            self._matcher.read_bytes(data[len(self.owed) :])
            self.owed = b""
        else:
            self._matcher.accept_token(token_id)

    def choose(self, logits: Tensor, law: TokenLaw) -> int | None:
        """The next token; None: the hole is over. logits: shape [n], of the model alone.

        Raises:
            NoAllowedTokenError: the model gives a finite score to nothing that is allowed.
        """
        scores = torch.log_softmax(logits.float(), dim=-1).cpu()
        eos = list(self._vocabulary.eos_token_ids)
        allowed = torch.from_numpy(self._allowed(len(scores)))
        kept = scores.masked_fill(~allowed, -torch.inf)
        if self._ends == "other" and bool(allowed[eos[0]]):
            kept[eos] = -torch.inf
            outside = scores.masked_fill(allowed, -torch.inf)
            outside[eos] = scores[eos]
            kept[eos[0]] = outside.logsumexp(0)
        rule = None if self.owed else rule_temperature(self._matcher)
        token_id = law.choose(_with_some(kept), rule)
        while self.owed and not self._can_finish_after(token_id):
            # A draw from the others, until one is right, is a draw from the right ones.
            kept[token_id] = -torch.inf
            token_id = law.choose(_with_some(kept))
        return None if token_id in eos else token_id

    def _allowed(self, n_logits: int) -> npt.NDArray[np.bool_]:
        """Which tokens may come next; those of the end where the hole may be over."""
        if self.owed:
            allowed = np.zeros(n_logits, dtype=np.bool_)
            allowed[self._tokens_by_text.beginnings_of(self.owed)] = True
            allowed[self._tokens_by_text.going_on(self._matcher.compiled, self.owed)] = True
            return allowed
        bitmask = allocate_bitmask(1, n_logits)
        self._matcher.fill_bitmask(bitmask, budget=self._left + 1)  # the end counts as one
        return unpack_bitmask(bitmask[0], n_logits)

    def _can_finish_after(self, token_id: int) -> bool:
        """Whether the budget suffices after a token that spells what is owed, or goes on behind it."""
        rest = self._vocabulary.token_bytes(token_id)[len(self.owed) :]
        if not rest:
            return True
        ahead = self._matcher.copy()
        return ahead.read_bytes(rest) and ahead.tokens_to_finish <= self._left


def _with_some(scores: Tensor) -> Tensor:
    """The scores; raises NoAllowedTokenError if none is finite."""
    if float(scores.max()) == -torch.inf:
        raise NoAllowedTokenError(message="every token that the grammar allows has the score -inf")
    return scores
