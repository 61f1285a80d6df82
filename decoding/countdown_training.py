"""Training with a countdown: examples with labels in, batches that say where each response begins and how
long it is out.

A response is what has labels, EOS included; its length is the target that the model is shown. For an upper
bound (Max New Tokens++) the target is drawn at or above the length, u = L + U{0 .. largest_extra}: the model
learns that zero is a wall and that an earlier end is allowed. The paper names the idea and its results; how
the bound is drawn is ours. Cost: one pass over the ids.

Paper: Butcher, O'Keefe, Titchener, "Precise Length Control in Large Language Models", arXiv 2412.11937.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch

from .arguments import checked_instance, checked_integer
from .countdown import Countdown
from .errors import ArgumentTypeError, ArgumentValueError
from .training_examples import IGNORED_LABEL, check_tokenizer, encode_exchange, read_exchanges

DEFAULT_LARGEST_EXTRA = 50


def countdown_examples(
    tokenizer: Any,
    records: Iterable[Mapping[str, Any]],
    *,
    prompt_key: str | None = None,
    answer_key: str | None = None,
    max_length: int = 2048,
) -> list[dict[str, list[int]]]:
    """Examples for `Trainer` from an instruction data set: `input_ids` and `labels`, prompts unlabelled.

    records: chats, or mappings with texts under `prompt_key` and `answer_key` (see `read_exchanges`).
    max_length: tokens; longer examples are left out, since one that is cut has no end to count down to.

    Raises:
        ArgumentTypeError, ArgumentValueError: a record has another form, or the tokenizer has no EOS.
    """
    check_tokenizer(tokenizer)
    max_length = checked_integer("max_length", max_length, least=2)
    exchanges = read_exchanges(records, prompt_key=prompt_key, answer_key=answer_key)
    features = (encode_exchange(tokenizer, exchange).feature() for exchange in exchanges)
    return [feature for feature in features if len(feature["input_ids"]) <= max_length]


def draw_upper_bounds(
    lengths: torch.Tensor, largest_extra: int, generator: torch.Generator | None = None
) -> torch.Tensor:
    """Bounds for responses of these lengths, int64 [rows]: each length plus 0 to `largest_extra` tokens."""
    extra = torch.randint(0, largest_extra + 1, lengths.shape, generator=generator)
    return lengths + extra.to(lengths.device)


class CountdownCollator:
    """Puts examples into a batch for a model with a countdown: `Trainer(data_collator=...)` takes it.

    pad_token_id: what fills the shorter rows.
    settings: those of the model; only `at_most` matters here. None: `Countdown()`.
    largest_extra: with `at_most`, how far above the length of a response its bound may lie, in tokens.
    padding_side: "right" or "left"; the model does not mind.
    generator: for the bounds; None: torch's own random state, which `Trainer` seeds.

    Raises:
        ArgumentTypeError, ArgumentValueError: an option is of the wrong kind or out of bounds.
    """

    def __init__(
        self,
        pad_token_id: int,
        *,
        settings: Countdown | None = None,
        largest_extra: int = DEFAULT_LARGEST_EXTRA,
        padding_side: str = "right",
        generator: torch.Generator | None = None,
    ) -> None:
        self.pad_token_id = checked_integer("pad_token_id", pad_token_id, least=0)
        self.settings = Countdown() if settings is None else settings
        checked_instance("settings", self.settings, Countdown, "a Countdown")
        self.largest_extra = checked_integer("largest_extra", largest_extra, least=0)
        if not isinstance(padding_side, str) or padding_side not in ("left", "right"):
            raise ArgumentValueError("padding_side must be 'left' or 'right'", got=padding_side)
        self.padding_side = padding_side
        if generator is not None:
            checked_instance("generator", generator, torch.Generator, "a torch.Generator")
        self.generator = generator

    def __call__(self, features: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """`input_ids`, `attention_mask`, `labels` [rows, columns], `response_start`, `target_length` [rows].

        features: mappings with `input_ids` and `labels`, of one length, -100 at every token of the prompt.

        Raises:
            ArgumentTypeError, ArgumentValueError: a feature has another form, or no labels.
        """
        if not isinstance(features, Sequence) or not len(features):
            raise ArgumentTypeError("features must be a list of examples, at least one", got=features)
        rows = [_read(feature, index) for index, feature in enumerate(features)]
        width = max(len(ids) for ids, _ in rows)
        shape = (len(rows), width)
        input_ids = torch.full(shape, self.pad_token_id)
        labels = torch.full(shape, IGNORED_LABEL)
        attention_mask = torch.zeros(shape, dtype=torch.int64)
        starts, lengths = [], []
        for row, (ids, row_labels) in enumerate(rows):
            first = width - len(ids) if self.padding_side == "left" else 0
            place = slice(first, first + len(ids))
            input_ids[row, place] = torch.tensor(ids)
            labels[row, place] = torch.tensor(row_labels)
            attention_mask[row, place] = 1
            labelled = [column for column, label in enumerate(row_labels) if label != IGNORED_LABEL]
            starts.append(first + labelled[0])
            lengths.append(labelled[-1] + 1 - labelled[0])
        target_length = torch.tensor(lengths)
        if self.settings.at_most:
            target_length = draw_upper_bounds(target_length, self.largest_extra, self.generator)
        return {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "labels": labels,
            "response_start": torch.tensor(starts),
            "target_length": target_length,
        }


def _read(feature: Any, index: int) -> tuple[list[int], list[int]]:
    """Ids and labels of one example, as lists."""
    checked_instance(f"features[{index}]", feature, Mapping, "a mapping with input_ids and labels")
    columns = []
    for name in ("input_ids", "labels"):
        values = feature.get(name)
        values = values.tolist() if hasattr(values, "tolist") else values
        if not isinstance(values, Sequence) or isinstance(values, (str, bytes)):
            raise ArgumentTypeError(f"features[{index}] must have a list of {name}", got=values)
        columns.append(list(values))
    ids, labels = columns
    if not all(isinstance(value, int) for value in ids + labels):
        raise ArgumentTypeError(f"features[{index}] must hold integers", got=feature)
    if len(ids) != len(labels) or all(label == IGNORED_LABEL for label in labels):
        raise ArgumentValueError(
            f"features[{index}] must have a label for each token, and not only {IGNORED_LABEL}",
            got=[len(ids), len(labels)],
            advice="label the response, EOS included",
        )
    return ids, labels
