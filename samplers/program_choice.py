"""Options of a program as a tree of tokens: lists of tokens in, the log-probability of each option out.

Options that begin alike share nodes. A node is worth reading if something follows it in some option; the law
of an option's last token is known one node earlier. So options of one token need no node at all.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class OptionTree:
    """The nodes of some options.

    tokens, parents: of the nodes that are to be read, as `TreeModel.read_nodes` has them; parent -1 is the
    text before the options.
    """

    def __init__(self, options: Sequence[Sequence[int]]) -> None:
        self.tokens: list[int] = []
        self.parents: list[int] = []
        self._options = [list(option) for option in options]
        numbers: dict[tuple[int, ...], int] = {(): -1}
        for option in self._options:
            for length in range(1, len(option)):
                beginning = tuple(option[:length])
                if beginning not in numbers:
                    numbers[beginning] = len(self.tokens)
                    self.tokens.append(option[length - 1])
                    self.parents.append(numbers[beginning[:-1]])
        self._numbers = numbers

    def path(self, index: int) -> list[int]:
        """The nodes of an option, without its last token unless that was read too."""
        option = self._options[index]
        beginnings = [tuple(option[:length]) for length in range(1, len(option) + 1)]
        return [self._numbers[beginning] for beginning in beginnings if beginning in self._numbers]

    def log_probs(self, before: Tensor, nodes: Tensor) -> list[float]:
        """By option, the natural logarithm of the probability of its tokens.

        before: the model's logits before the options, shape [vocabulary]; nodes: those of the nodes, shape
        [nodes, vocabulary].
        """
        laws = torch.cat([nodes, before[None]]).double().log_softmax(-1).cpu()  # the last is number -1
        return [
            sum(float(laws[self._numbers[tuple(option[:i])], token]) for i, token in enumerate(option))
            for option in self._options
        ]
