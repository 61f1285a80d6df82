"""`DraftReader`: a draft model that keeps up with one text and reads nodes of its draft trees.

The model's cache holds the text as far as it was read. At the beginning of a step the tokens that are new are
read, in one pass; nodes are read level by level, or whichever a growing tree wants next, together with those
of their ancestors that were not; after verification the cache keeps what belongs to the text. A long prompt
may be shortened for the draft model (`short_context`), and a token that it does not have (models of a family
often have embeddings of different lengths) is read as another one: drafts get worse or better, never the
output.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .draft_tree import ROOT, DraftTree
from .tree_growth import TreeGrowth
from .tree_model import TreeModel
from .verification import Verdict

_CHUNK = 64  # tokens


class DraftReader:
    """One draft model, one text.

    model: a causal language model with the target's vocabulary. n_prompt: tokens of the prompt.
    most_prompt_tokens: what of the prompt the model sees; None: all of it.
    """

    def __init__(self, model: Any, n_prompt: int, most_prompt_tokens: int | None) -> None:
        self._model = model
        self._reader = TreeModel(model)
        self._n_prompt = n_prompt
        self._most_prompt_tokens = most_prompt_tokens
        self._n_read = 0  # tokens of the text that the cache stands for
        self._n_chain = 0  # new tokens of the text that were read as nodes in this step
        self._slots: dict[int, int] = {}  # node of the draft tree -> node of the reader
        self._last_token = model.get_input_embeddings().weight.shape[0] - 1
        self._context = getattr(model.config.get_text_config(decoder=True), "max_position_embeddings", None)

    def begin(self, growth: TreeGrowth) -> Tensor | None:
        """Read what is new; the logits after the root, shape [vocabulary]. None: the text is too long."""
        text = growth.text
        if self._n_read == 0:
            prompt = list(text[: self._n_prompt])
            if self._most_prompt_tokens is not None:
                prompt = short_context(prompt, self._most_prompt_tokens)
            new = [*prompt, *text[self._n_prompt :]]
        else:
            new = list(text[self._n_read :])
        n_before = self._reader.lengths[0] if self._n_read else 0
        if self._context is not None and n_before + len(new) + growth.room >= self._context:
            return None
        if self._n_read == 0:
            self._n_chain = 0
            self._slots = {ROOT: -1}
            ids = torch.tensor([self._known(new)], device=self._model.device)
            logits = self._reader.read_prompt(ids)[0]
        else:
            self._n_chain = len(new)
            self._slots = {ROOT: len(new) - 1}
            logits = self._reader.read_nodes([self._known(new)], [list(range(-1, len(new) - 1))])[0, -1]
        self._n_read = len(text)
        return logits

    def read(self, tree: DraftTree, nodes: Sequence[int]) -> list[Tensor]:
        """The logits after some nodes that were not read yet, each of shape [vocabulary]."""
        unread: list[int] = []
        for node in nodes:
            unread += [step for step in tree.path(node) if step not in self._slots and step not in unread]
        if not unread:
            return []
        for slot, node in enumerate(unread, start=self._reader.n_nodes):
            self._slots[node] = slot
        parents = [self._slots[tree.parents[node]] for node in unread]
        tokens = self._known([tree.tokens[node] for node in unread])
        logits = self._reader.read_nodes([tokens], [parents])[0]
        return [logits[unread.index(node)] for node in nodes]

    def _known(self, tokens: Sequence[int]) -> list[int]:
        """With another token in the place of those that the model does not have."""
        return [min(token, self._last_token) for token in tokens]

    def end(self, verdict: Verdict) -> None:
        """Keep what was kept; called once for each `begin`, before the next one."""
        if not self._slots:
            return
        kept = list(range(self._n_chain))
        for node in verdict.path:
            if node not in self._slots:
                break
            kept.append(self._slots[node])
            self._n_read += 1
        if self._reader.n_nodes:
            self._reader.keep([kept])
        self._slots = {}


def short_context(prompt: Sequence[int], most_tokens: int) -> list[int]:
    """The beginning and the end of a prompt, and between them the parts that have most in common with the
    end (by rare tokens), in their order: what a drafter needs of a long prompt (as RAPID, 2502.20330,
    retrieves; here it only drafts).
    """
    if len(prompt) <= most_tokens:
        return list(prompt)
    n_chunks = max(1, most_tokens // _CHUNK)
    if n_chunks < 3:
        return list(prompt[-most_tokens:])
    end = list(prompt[-_CHUNK * (n_chunks // 2) :])
    head, rest = prompt[:_CHUNK], prompt[_CHUNK : len(prompt) - len(end)]
    frequencies = Counter(prompt)
    wanted = {token: 1.0 / frequencies[token] for token in set(end)}
    chunks = [rest[start : start + _CHUNK] for start in range(0, len(rest), _CHUNK)]
    by_score = sorted(
        range(len(chunks)), key=lambda index: -sum(wanted.get(token, 0.0) for token in set(chunks[index]))
    )
    chosen = sorted(by_score[: n_chunks - n_chunks // 2 - 1])
    return [*head, *(token for index in chosen for token in chunks[index]), *end]
