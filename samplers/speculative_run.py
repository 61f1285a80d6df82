"""`SpeculativeRun`: one generation with drafts, from the prompts to the finished sequences.

Each step: grow a tree for each row, read all of them in one pass of the target, verify, keep, learn. Rows
that are finished leave the batch. The target's laws are made only for the nodes that verification asks about.
The cost beside the passes is, for each row and step, the drafter's, a few passes over the vocabulary, and a
mask for each node that is verified or has children.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import StaticCache, StoppingCriteriaList
from transformers.generation.stopping_criteria import EosTokenCriteria, MaxLengthCriteria

from ..decoding.errors import ArgumentValueError, NoAllowedTokenError
from ..decoding.processors import GrammarProcessor, MaskTimes, NewTokens
from ..decoding.speculative import DraftedSequences
from .chance import Chance, NoChance, RandomChance
from .draft_account import Account, Clock
from .draft_session import DraftSession
from .draft_tree import ROOT
from .tree_growth import TreeGrowth
from .tree_model import TreeModel
from .tree_scores import NodeText, ScoreSteps
from .tree_support import changing_length
from .verification import RULES, Verdict

if TYPE_CHECKING:
    from .speculation import Speculation

_NATIVE = (EosTokenCriteria, MaxLengthCriteria, NewTokens)  # what the loop itself sees to


class _Row:
    """One sequence on its way.

    token_ids: prompt, without padding, and output. matcher: has read the `n_begun` last tokens of the prompt.
    """

    def __init__(
        self,
        index: int,
        padded: list[int],
        n_padding: int,
        session: DraftSession,
        matcher: Any,
        n_begun: int,
    ) -> None:
        self.index = index
        self.padding = padded[:n_padding]
        self.token_ids = padded[n_padding:]
        self.n_prompt = len(self.token_ids)
        self.session = session
        self.matcher = matcher
        self.n_begun = n_begun
        self.log_prob = 0.0
        self.is_finished = False
        self.has_drafted = False  # the session has been asked

    @property
    def n_generated(self) -> int:
        return len(self.token_ids) - self.n_prompt


class SpeculativeRun:
    """One generation; the arguments are those of `Speculation.decode`. steps: its processors, taken apart."""

    def __init__(
        self,
        speculation: Speculation,
        model: Any,
        input_ids: Tensor,
        steps: ScoreSteps,
        stopping_criteria: Any,
        configuration: Any,
        generator: torch.Generator | None,
        *,
        needs_log_probs: bool,
    ) -> None:
        self._speculation = speculation
        self._verify = RULES[speculation.rule]
        self._model = model
        self._input_ids = input_ids
        self._needs_log_probs = needs_log_probs
        self._steps = steps
        criteria = list(stopping_criteria or ())
        self._stopping = StoppingCriteriaList(
            [criterion for criterion in criteria if not isinstance(criterion, _NATIVE)]
        )
        # The caller's own ones stand in the place of what the configuration says.
        lengths = [found.max_length for found in criteria if isinstance(found, MaxLengthCriteria)]
        self._max_new_tokens = min(lengths, default=configuration.max_length) - input_ids.shape[1]
        ends = [found.eos_token_id for found in criteria if isinstance(found, EosTokenCriteria)]
        self._eos_token_ids = frozenset(token for end in ends for token in end.tolist())
        if steps.grammar is not None:
            self._eos_token_ids |= set(steps.grammar.grammars[0].vocabulary.eos_token_ids)
        pad = configuration.pad_token_id
        self._pad_token_id = pad if pad is not None else next(iter(self._eos_token_ids), 0)
        # Two streams: noise that draft and verification have in common would bias the residual.
        seeds = torch.randint(
            2**62, (2,), generator=generator, device="cpu" if generator is None else generator.device
        )
        self._draft_chance, target_chance = (
            RandomChance(torch.Generator(input_ids.device).manual_seed(seed)) for seed in seeds.tolist()
        )
        self._chance: Chance = target_chance if steps.is_sampled else NoChance()
        self._times = MaskTimes() if steps.grammar is None else steps.grammar.mask_times
        self._account = Account()
        self._n_logits = 0  # the first pass shows it

    def decode(self, attention_mask: Tensor | None, cache: Any) -> DraftedSequences:
        """Prompts to finished sequences."""
        self._check_lengths()
        capacity = None
        if isinstance(cache, StaticCache):
            capacity = self._input_ids.shape[1] + self._max_new_tokens + self._speculation.max_nodes + 1
        reader = TreeModel(self._model, capacity=capacity)
        mask_ns = self._times.total_ns
        rows = self._rows(attention_mask)
        logits = reader.read_prompt(self._input_ids, attention_mask)
        self._n_logits = logits.shape[1]
        if self._steps.grammar is not None:
            self._steps.grammar.check_width(self._n_logits)
        live = rows
        for row, row_logits in zip(rows, logits, strict=True):
            self._first_token(row, row_logits)
        while True:
            kept = [position for position, row in enumerate(live) if not row.is_finished]
            if not kept:
                break
            reader.select_rows(kept)
            live = [live[position] for position in kept]
            self._step(reader, live)
        statistics = self._account.statistics((self._times.total_ns - mask_ns) / 1e6)
        return DraftedSequences(self._sequences(rows), [row.log_prob for row in rows], statistics)

    def _check_lengths(self) -> None:
        """Refuse texts across the length where the model changes how it embeds positions: what plain decoding
        does there (a cache that is read anew, or keys of several kinds) is not what a tree sees.
        """
        changing = changing_length(self._model)
        if changing is None:
            return
        length, is_step = changing
        width = self._input_ids.shape[1]
        if width + self._max_new_tokens > length and not (is_step and width > length):
            raise ArgumentValueError(
                f"with a drafter the text must not grow beyond {length} tokens, where this model changes its "
                "rotary embedding",
                got=width + self._max_new_tokens,
                advice=f"lower max_new_tokens to {max(0, length - width)}, or leave the drafter out",
            )

    def _rows(self, attention_mask: Tensor | None) -> list[_Row]:
        grammar = self._steps.grammar
        n_rows = len(self._input_ids)
        padding = [0] * n_rows
        if attention_mask is not None:
            padding = (self._input_ids.shape[1] - attention_mask.sum(-1)).tolist()
        rows = []
        for index, (padded, n_padding) in enumerate(zip(self._input_ids.tolist(), padding, strict=True)):
            matcher, begun = None, []
            if grammar is not None:
                compiled = grammar.grammars[index * len(grammar.grammars) // n_rows]
                matcher = compiled.matcher()
                begun = padded[self._prompt_length(grammar) :]
                for token in begun:
                    matcher.accept_token(token)
            session = self._speculation.drafter.session(padded[n_padding:])
            rows.append(_Row(index, padded, n_padding, session, matcher, len(begun)))
        return rows

    def _prompt_length(self, grammar: GrammarProcessor) -> int:
        """Where the text of the grammar begins, in tokens, padding included."""
        width = self._input_ids.shape[1]
        length = width if grammar.prompt_length is None else grammar.prompt_length
        if length > width:
            raise ArgumentValueError(
                f"the rows must be at least as long as prompt_length={length}",
                got=width,
                advice="prompt_length is the width of the padded prompt in tokens",
            )
        return length

    def _growth(self, row: _Row, room: int) -> TreeGrowth:
        grammar = self._steps.grammar
        budget = self._max_new_tokens - row.n_generated
        grammar_budget: int | None = budget
        if grammar is not None:
            limit = grammar.max_new_tokens
            grammar_budget = None if limit is None else limit - row.n_begun - row.n_generated
        return TreeGrowth(
            row.token_ids,
            matcher=row.matcher,
            budget=budget,
            grammar_budget=grammar_budget,
            room=room,
            n_logits=self._n_logits,
            eos_token_ids=self._eos_token_ids,
            steps=self._steps,
            chance=self._draft_chance,
            times=self._times,
        )

    def _first_token(self, row: _Row, logits: Tensor) -> None:
        """The pass of the prompt gives the first token, as in plain decoding."""
        self._take(row, self._growth(row, 0), logits[None])
        if row.is_finished:
            row.session.end(row.token_ids)

    def _step(self, reader: TreeModel, rows: Sequence[_Row]) -> None:
        """One pass of the target."""
        clock = Clock()
        speculation = self._speculation
        control = speculation.control(self._model, len(rows)) if speculation.adaptive else None
        size = speculation.max_nodes if control is None else control.choose()
        growths = []
        is_first = False
        for row in rows:
            growth = self._growth(row, size)
            if size and self._max_new_tokens - row.n_generated > 1:  # the last token needs no draft
                is_first |= not row.has_drafted
                row.has_drafted = True
                row.session.grow(growth)
            growths.append(growth)
        trees = [growth.tree for growth in growths]
        has_draft = any(len(tree) > 1 for tree in trees)
        self._account.draft_s += clock.lap()
        if has_draft:
            logits = reader.read_nodes([tree.tokens for tree in trees], [tree.parents for tree in trees])
        else:
            logits = reader.read_next([tree.tokens[ROOT] for tree in trees])[:, None]
        if logits.is_cuda:
            torch.cuda.synchronize(logits.device)
        self._account.target_s += clock.lap()
        paths = []
        for row, growth, row_logits in zip(rows, growths, logits, strict=True):
            n_nodes, n_before = len(growth.tree), row.n_generated
            verdict = self._take(row, growth, row_logits[:n_nodes])
            paths.append([0, *verdict.path])
            self._account.count(n_nodes - 1, verdict, row.n_generated - n_before)
            row.session.learn(growth, row_logits[:n_nodes], verdict)
            if row.is_finished:
                row.session.end(row.token_ids)
        self._account.verify_s += clock.lap()
        if has_draft:
            reader.keep(paths)
        self._account.keep_s += clock.lap()
        if control is not None:
            kept = [path[1:] for path in paths]
            control.record(size, kept, clock.total(), has_draft=has_draft, is_first=is_first)

    def _take(self, row: _Row, growth: TreeGrowth, logits: Tensor) -> Verdict:
        """Verify a tree and put what is kept behind the row's text. logits: shape [nodes, vocabulary]."""
        verifier = _Verifier(self._steps, growth, logits, row, len(self._input_ids))
        if growth.tree.has_children(ROOT):
            verdict = self._verify(growth.tree, verifier.target_probs, self._chance)
        else:
            verdict = Verdict([], verifier.next_token(ROOT, self._chance))
        growth.end_walk()
        for node, token in verdict.steps(growth.tree):
            if self._needs_log_probs:
                row.log_prob += verifier.log_prob(node, token)
            row.token_ids.append(token)
            if row.matcher is not None:
                row.matcher.accept_token(token)
            if self._stops(row, token):
                row.is_finished = True
                break
        return verdict

    def _stops(self, row: _Row, token: int) -> bool:
        if token in self._eos_token_ids or row.n_generated >= self._max_new_tokens:
            return True
        if not self._stopping:
            return False
        ids = torch.tensor([[*row.padding, *row.token_ids]], device=self._input_ids.device)
        return bool(self._stopping(ids, None).all())

    def _sequences(self, rows: Sequence[_Row]) -> Tensor:
        longest = max(len(row.padding) + len(row.token_ids) for row in rows)
        filled = torch.full((len(rows), longest), self._pad_token_id, dtype=torch.long)
        for row in rows:
            ids = torch.tensor([*row.padding, *row.token_ids])
            filled[row.index, : len(ids)] = ids
        return filled.to(self._input_ids.device)


class _Verifier:
    """The target's laws at the nodes of one tree, each made when it is asked for."""

    def __init__(self, steps: ScoreSteps, growth: TreeGrowth, logits: Tensor, row: _Row, n_rows: int) -> None:
        self._steps = steps
        self._growth = growth
        self._logits = logits
        self._row = row
        self._n_rows = n_rows
        self._scores: dict[int, Tensor] = {}

    def target_probs(self, node: int) -> Tensor:
        """float32, shape [n_logits]."""
        probs = self._steps.target_probs(self._legal_scores(node), self._text(node))
        self._growth.target_laws[node] = probs
        return probs

    def next_token(self, node: int, chance: Chance) -> int:
        """A draw from `target_probs`, which is not made where the likeliest token is taken."""
        if self._steps.takes_likeliest:
            return int(self._legal_scores(node).argmax())
        return chance.draw(self.target_probs(node))

    def _legal_scores(self, node: int) -> Tensor:
        """-inf where the grammar forbids, if it makes a difference."""
        scores = self._model_scores(node)
        if self._steps.grammar is None or self._takes_legal(node, scores):
            return scores
        scores = self._growth.apply_mask(node, scores.clone())
        if float(scores.max()) == -torch.inf:
            raise NoAllowedTokenError(
                self._growth.path_text(node),
                message="every token that the grammar allows has the score -inf",
                advice="look for other processors that exclude them (suppressed or forced tokens)",
            )
        return scores

    def _takes_legal(self, node: int, scores: Tensor) -> bool:
        """Whether the likeliest of all tokens is taken and is legal: then a mask would change nothing."""
        if not self._steps.takes_likeliest:
            return False
        likeliest = int(scores.argmax())
        return float(scores[likeliest]) > -torch.inf and self._growth.allows(node, likeliest)

    def log_prob(self, node: int, token: int) -> float:
        """What the model alone gives to a token after a node."""
        scores = self._model_scores(node)
        return float(scores[token].double() - scores.logsumexp(0).double())

    def _model_scores(self, node: int) -> Tensor:
        found = self._scores.get(node)
        if found is None:
            found = self._steps.model_scores(self._logits[node], self._text(node))
            self._scores[node] = found
        return found

    def _text(self, node: int) -> NodeText:
        row = self._row
        return NodeText(lambda: [*row.padding, *self._growth.path_text(node)], row.index, self._n_rows)
