"""The tokens of a program on their way: fixed texts and holes in, logits where the program has to choose out.

A tape holds the tokens that are certain and, behind them, guesses: tokens of text that is known, where it is
not known yet whether the model would spell it so. A reading takes both to the model, compares the guesses
with what is chosen at their places, and goes on only if all were right; a wrong one is replaced by what was
chosen, and what follows is guessed anew. The text itself is never changed by that, so a program may go on
while its last tokens are guesses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from ..decoding.errors import ArgumentValueError
from .program_choice import OptionTree
from .program_hole import Hole, TokenLaw
from .program_rows import Reader, Reading
from .program_setting import ProgramSetting


class Span:
    """The tokens of one hole.

    n_owed: bytes that are spelled before it begins. ahead: the state behind all of its tokens, the guessed
    ones too. committed, data: the tokens that are certain, and their bytes.
    """

    def __init__(self, hole: Hole) -> None:
        self.n_owed = len(hole.owed)
        self.ahead = hole
        self.committed: list[int] = []
        self.data = bytearray()

    def commit(self, token_id: int, data: bytes) -> None:
        """Add a token that is certain."""
        self.committed.append(token_id)
        self.data += data

    def find(self, stops: Sequence[bytes]) -> int | None:
        """Where the first of these texts begins in `data`, behind what is owed; None: nowhere."""
        found = [at for at in (self.data.find(stop, self.n_owed) for stop in stops) if at >= 0]
        return min(found) if found else None


@dataclass(frozen=True)
class _Guess:
    """A token behind the certain ones; `hole` is the state before it, None in fixed text."""

    token_id: int
    span: Span | None = None
    hole: Hole | None = None


class Tape:
    """The tokens of one program.

    Attributes:
        reader: where the passes of the model come from.
        logits: of the model after the last token, shape [vocabulary]; None: that is not read, or a guess.
    """

    def __init__(self, setting: ProgramSetting, law: TokenLaw, reader: Reader) -> None:
        self.reader = reader
        self.logits: Tensor | None = None
        self._setting = setting
        self._law = law
        self._token_ids: list[int] = []
        self._guesses: list[_Guess] = []  # behind these
        self._n_read = 0  # of `_token_ids`, in the cache
        self._kept: list[int] = []  # nodes of the last reading that belong to the text

    def __len__(self) -> int:
        return len(self._token_ids) + len(self._guesses)

    @property
    def token_ids(self) -> list[int]:
        """All tokens, guesses included."""
        return [*self._token_ids, *(guess.token_id for guess in self._guesses)]

    def encoded(self, text: str) -> list[int]:
        """The tokens of fixed text behind all others."""
        return self._setting.encoder.later(text) if len(self) else self._setting.encoder.first(text)

    def write(self, text: str) -> bytes:
        """Go on with fixed text before a hole; the bytes of its last token, if that is to be cut anew.

        Raises:
            ArgumentValueError: there is no token at all.
        """
        is_first = not len(self)
        token_ids = self.encoded(text)
        if is_first and not token_ids:
            raise ArgumentValueError(
                "a program needs a text before its first hole", advice="begin with: program += ..."
            )
        owed = b""
        if self._setting.healing and len(token_ids) > is_first:
            last = self._setting.vocabulary.token_bytes(token_ids[-1])
            if last and self._setting.tokens_by_text.goes_on(last):
                owed = last
                token_ids = token_ids[:-1]
        if self._guesses:
            self._guesses += [_Guess(token_id) for token_id in token_ids]
        else:
            self._token_ids += token_ids
            self.logits = None if token_ids else self.logits
        return owed

    def guess(self, span: Span) -> None:
        """Put tokens for the text that is forced behind a span, which is the last one or all certain."""
        self._guesses += self._forced_guesses(span)

    def _forced_guesses(self, span: Span) -> list[_Guess]:
        guesses = []
        ahead = span.ahead.copy()
        for token_id in self._setting.encoder.spell(ahead.forced_bytes()):
            guesses.append(_Guess(token_id, span, ahead.copy()))
            ahead.accept(token_id)
        if not ahead.can_finish:  # spelled with more tokens than the budget has
            return []
        span.ahead = ahead
        return guesses

    def read(self) -> bool:
        """Have the logits after all tokens; False: a guess was wrong, and others stand there now."""
        return self.read_tree(OptionTree([])) is not None

    def read_tree(self, tree: OptionTree) -> Tensor | None:
        """Have the logits after all tokens, and those of the nodes of a tree behind them, shape [nodes,
        vocabulary]; None: a guess was wrong, and others stand there now.
        """
        if self.logits is None and self._n_read == len(self._token_ids):
            self._n_read -= 1  # what was behind it was taken back
        pending = self._token_ids[self._n_read :]
        chain = pending + [guess.token_id for guess in self._guesses]
        if not chain and not tree.tokens:
            assert self.logits is not None
            return self.logits[:0].reshape(0, len(self.logits))
        n_chain = len(chain)
        first = len(pending) - 1  # the node before the first guess
        compared = [first + index for index, guess in enumerate(self._guesses) if guess.hole is not None]
        wanted = sorted({node for node in [*compared, n_chain - 1] if node >= 0})
        wanted += range(n_chain, n_chain + len(tree.tokens))
        read = self.reader.read(
            Reading(
                self._n_read,
                self._kept,
                chain + tree.tokens,
                [*range(-1, n_chain - 1), *(n_chain + parent for parent in tree.parents)],
                wanted,
            )
        )
        self._setting.check_width(read.shape[1])
        logits = {node: read[index] for index, node in enumerate(wanted)}
        if first < 0 and self.logits is not None:
            logits[-1] = self.logits
        if not self._are_right(logits, first):
            return None
        self._kept = list(range(n_chain))
        self._n_read = len(self._token_ids)
        self.logits = logits[n_chain - 1]
        return read[len(wanted) - len(tree.tokens) :]

    def _are_right(self, logits: Mapping[int, Tensor], first: int) -> bool:
        """Compare the guesses with what the model chooses; those before the first wrong one are certain then.

        logits: by node; first: the node before the first guess.
        """
        guesses, self._guesses = self._guesses, []
        for index, guess in enumerate(guesses):
            token_id = guess.token_id
            if guess.hole is not None and guess.span is not None:
                chosen = guess.hole.choose(logits[first + index], self._law)
                assert chosen is not None, "where text is forced, a hole does not end"
                token_id = chosen
                guess.span.commit(token_id, self._setting.vocabulary.token_bytes(token_id))
            self._token_ids.append(token_id)
            if token_id != guess.token_id:
                self._kept = list(range(first + 1 + index))
                self._n_read = len(self._token_ids) - 1
                self.logits = None
                self._guess_again(guess, token_id, guesses[index + 1 :])
                return False
        return True

    def _guess_again(self, wrong: _Guess, token_id: int, later: list[_Guess]) -> None:
        """Guess the rest of a hole in which another token was chosen; what comes after the hole stays."""
        assert wrong.hole is not None
        assert wrong.span is not None
        wrong.hole.accept(token_id)
        wrong.span.ahead = wrong.hole
        self._guesses = self._forced_guesses(wrong.span)
        self._guesses += [guess for guess in later if guess.span is not wrong.span]

    def take(self, span: Span, token_id: int) -> None:
        """Put a chosen token behind all others, which are certain and read."""
        span.ahead.accept(token_id)
        span.commit(token_id, self._setting.vocabulary.token_bytes(token_id))
        self._token_ids.append(token_id)
        self.logits = None

    def bytes_of(self, span: Span) -> bytes:
        """The text of a span, guesses included."""
        guessed = [guess.token_id for guess in self._guesses if guess.span is span]
        return (bytes(span.data) + self._setting.vocabulary.decode(guessed))[span.n_owed :]

    def take_option(self, tree: OptionTree, index: int, token_ids: list[int], nodes: Tensor) -> None:
        """Go on with an option of a tree that was just read. nodes: the logits of the nodes."""
        path = tree.path(index)
        first = len(self._kept)
        self._kept += [first + node for node in path]
        self._token_ids += token_ids
        self._n_read += len(path)
        self.logits = nodes[path[-1]] if len(path) == len(token_ids) else None

    def take_back(self, span: Span, n_bytes: int) -> None:
        """Leave so many bytes of the last span, what it owed included: whole tokens, and new ones for the
        rest.
        """
        length = n_tokens = 0
        for token_id in span.committed:
            size = len(self._setting.vocabulary.token_bytes(token_id))
            if length + size > n_bytes:
                break
            length, n_tokens = length + size, n_tokens + 1
        del self._token_ids[len(self._token_ids) - len(span.committed) + n_tokens :]
        self._n_read = min(self._n_read, len(self._token_ids))
        self._token_ids += self._setting.encoder.spell(bytes(span.data[length:n_bytes]))
