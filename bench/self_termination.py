"""Softmax, ST and NMST beside each other: `python -m bench.self_termination`.

What goes in are sizes and seeds; what comes out is one row for each way to end a text: perplexity on texts
that were not trained on, and the share of greedy texts that have not ended after 200 and after 1,000 tokens
(after Choi et al. 2023, Table 1). All models begin with the same weights and see the same batches; only the
end differs.

The texts are made here: sentences of 3 to 5 words from a small Markov chain, and after each full stop the
text ends with probability 0.2. One sentence opener is always likelier than that, so the softmax's greedy text
never ends, although its model of the language is good. Two more rows give the softmax model a deadline when
it is decoded. With the default sizes one core needs two or three minutes for everything.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import tokentrellis as tt
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

PAD, EOS, BEGIN, STOP = range(4)
FIRST_WORD = 4
WORDS = 40
N_TOKENS = FIRST_WORD + WORDS
CLASSES = 5  # of words; a sentence goes through them in order and may skip one
SKIP_CHANCE = 0.2
END_CHANCE = 0.2
OPENER_CHANCES = (0.55, 0.2, 0.15, 0.1)
IGNORED = -100
LONGEST = 128  # tokens of a training text; 1 in 150 is cut
LIMITS = (200, 1000)
DEADLINE = 200


@dataclass(frozen=True)
class Ending:
    """A way to end texts. form None: the softmax; ends_at: of a `TerminationProcessor` that decodes."""

    name: str
    form: str | None = None
    gate: str = "logit"
    epsilon: float = 0.0
    ends_at: str | None = None


ENDINGS = [
    Ending("softmax"),
    Ending("ST, epsilon 1e-5", "st", "logit", 1e-5),
    Ending("ST, epsilon 3e-3", "st", "logit", 3e-3),
    Ending("NMST, epsilon 1e-5", "nmst", "logit", 1e-5),
    Ending("NMST, epsilon 3e-3", "nmst", "logit", 3e-3),
    Ending("NMST, log-odds, epsilon 1e-5", "nmst", "log_odds", 1e-5),
    Ending("NMST, log-odds, epsilon 3e-3", "nmst", "log_odds", 3e-3),
    Ending(f"softmax, stops_by={DEADLINE}, anywhere", ends_at="anywhere"),
    Ending(f"softmax, stops_by={DEADLINE}, sentence", ends_at="sentence"),
]


@dataclass
class Outcome:
    """One row of the table. Lengths are greedy, in tokens; a text that does not end counts as the limit.

    bound: tokens by which every greedy text has ended, for any weights; None: there is none.
    """

    name: str
    seed: int
    perplexity: float
    not_ended: tuple[float, ...]
    mean_length: float
    after_full_stop: float
    bound: int | None
    train_seconds: float


class Language:
    """The source of the texts: a fixed random Markov chain between words; texts drawn with a generator."""

    def __init__(self, seed: int = 0) -> None:
        generator = Random(seed)
        size = WORDS // CLASSES
        self._class_of = [word // size for word in range(WORDS)]
        classes = [range(i * size, (i + 1) * size) for i in range(CLASSES)]
        # For each word the words of each class, likeliest first.
        self._next = [[generator.sample(words, size) for words in classes] for _ in range(WORDS)]
        self._chances = [1 / rank for rank in range(1, size + 1)]

    def text(self, generator: Random) -> tuple[list[int], int]:
        """Ids of a text and its EOS, and how many of them are the prompt: the first sentence."""
        ids = [BEGIN, *self._sentence(generator)]
        n_prompt = len(ids)
        while generator.random() > END_CHANCE:
            ids += self._sentence(generator)
        return [*ids, EOS], n_prompt

    def _sentence(self, generator: Random) -> list[int]:
        words = generator.choices(range(len(OPENER_CHANCES)), OPENER_CHANCES)
        while (last := self._class_of[words[-1]]) < CLASSES - 1:
            skips = last < CLASSES - 2 and generator.random() < SKIP_CHANCE
            words += generator.choices(self._next[words[-1]][last + (2 if skips else 1)], self._chances)
        return [FIRST_WORD + word for word in words] + [STOP]

    def batch(self, n_texts: int, generator: Random) -> tuple[Tensor, Tensor, Tensor]:
        """input_ids, attention_mask and labels, padded on the right; the prompt is not learnt."""
        texts = [self.text(generator) for _ in range(n_texts)]
        longest = min(LONGEST, max(len(ids) for ids, _ in texts))
        rows = [(ids[:longest], n_prompt) for ids, n_prompt in texts]
        input_ids = torch.tensor([ids + [PAD] * (longest - len(ids)) for ids, _ in rows])
        mask = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids, _ in rows])
        labels = input_ids.masked_fill(mask == 0, IGNORED)
        for row, (_, n_prompt) in zip(labels, rows, strict=True):
            row[:n_prompt] = IGNORED
        return input_ids, mask, labels

    def prompts(self, n_prompts: int, generator: Random) -> tuple[Tensor, Tensor]:
        """input_ids and attention_mask of first sentences, padded on the left."""
        rows = [ids[:n] for ids, n in (self.text(generator) for _ in range(n_prompts))]
        longest = max(map(len, rows))
        input_ids = torch.tensor([[PAD] * (longest - len(row)) + row for row in rows])
        return input_ids, (input_ids != PAD).long()


def new_model(ending: Ending, seed: int, width: int) -> Any:
    """A small Llama, the same weights for every way to end."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=N_TOKENS,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=2048,
        pad_token_id=PAD,
        bos_token_id=BEGIN,
        eos_token_id=EOS,
    )
    model = LlamaForCausalLM(config)
    if ending.form is None:
        return model
    return tt.SelfTerminatingModel.from_model(
        model, form=ending.form, gate=ending.gate, epsilon=ending.epsilon
    )


def train(ending: Ending, language: Language, seed: int, options: argparse.Namespace) -> Any:
    """AdamW at a rate that falls in a straight line."""
    model = new_model(ending, seed, options.width).train()
    generator = Random(1000 + seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate, betas=(0.9, 0.99), weight_decay=0.01)
    for step in range(options.steps):
        for group in optimizer.param_groups:
            group["lr"] = options.rate * (1 - step / options.steps)
        input_ids, mask, labels = language.batch(options.batch, generator)
        loss = model(input_ids, attention_mask=mask, labels=labels, use_cache=False).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model.eval()


@torch.no_grad()
def perplexity(model: Any, language: Language, n_texts: int) -> float:
    """exp of the mean negative log-probability of a token after the prompt, EOS included."""
    generator = Random(-1)
    total, count = 0.0, 0
    for first in range(0, n_texts, 64):
        input_ids, mask, labels = language.batch(min(64, n_texts - first), generator)
        n_labels = int((labels != IGNORED).sum())
        total += float(model(input_ids, attention_mask=mask, labels=labels).loss) * n_labels
        count += n_labels
    return math.exp(total / count)


@torch.no_grad()
def greedy_texts(model: Any, language: Language, ending: Ending, n_texts: int) -> list[list[int]]:
    """What greedy decoding writes after the first sentence, up to EOS or the last of `LIMITS`."""
    input_ids, mask = language.prompts(n_texts, Random(-2))
    processors = []
    if ending.ends_at is not None:
        words = [b" " + bytes([97 + word // 26, 97 + word % 26]) for word in range(WORDS)]
        vocabulary = tt.Vocabulary([b"", b"", b"", b".", *words], eos_token_ids=[EOS])
        processors = [tt.TerminationProcessor(vocabulary, stops_by=DEADLINE, ends_at=ending.ends_at)]
    output = model.generate(
        input_ids,
        attention_mask=mask,
        max_new_tokens=LIMITS[-1],
        do_sample=False,
        logits_processor=processors,
    )
    rows = output[:, input_ids.shape[1] :].tolist()
    return [row[: row.index(EOS) + 1] if EOS in row else row for row in rows]


def measure(
    model: Any, language: Language, ending: Ending, seed: int, seconds: float, options: argparse.Namespace
) -> Outcome:
    texts = greedy_texts(model, language, ending, options.texts)
    ended = [text for text in texts if text[-1] == EOS]
    bound = DEADLINE if ending.ends_at else None
    return Outcome(
        name=ending.name,
        seed=seed,
        perplexity=perplexity(model, language, options.held_out),
        not_ended=tuple(sum(EOS not in text[:limit] for text in texts) / len(texts) for limit in LIMITS),
        mean_length=statistics.fmean(map(len, texts)),
        after_full_stop=sum(([STOP, *text])[-2] == STOP for text in ended) / max(1, len(ended)),
        bound=model.stops_by() if ending.form else bound,
        train_seconds=seconds,
    )


def table(outcomes: Sequence[Outcome]) -> str:
    """Markdown; means over the seeds."""
    lines = [
        "| end | perplexity | not ended at 200 | at 1,000 | mean length | after a full stop | greedy bound |",
        "| :-- | --: | --: | --: | --: | --: | --: |",
    ]
    for name in dict.fromkeys(outcome.name for outcome in outcomes):
        rows = [outcome for outcome in outcomes if outcome.name == name]
        at_limits = [statistics.fmean(row.not_ended[i] for row in rows) for i in range(len(LIMITS))]
        has_ended = at_limits[-1] < 1
        cells = [
            name,
            f"{statistics.fmean(row.perplexity for row in rows):.3f}",
            *(f"{rate:.2f}" for rate in at_limits),
            f"{statistics.fmean(row.mean_length for row in rows):.0f}",
            f"{statistics.fmean(row.after_full_stop for row in rows):.0%}" if has_ended else "",
            "none" if rows[0].bound is None else f"{rows[0].bound:,}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1, help="models for each row; the table has the means")
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--width", type=int, default=48)
    parser.add_argument("--rate", type=float, default=5e-3)
    parser.add_argument("--texts", type=int, default=32, help="greedy texts for each model")
    parser.add_argument("--held-out", type=int, default=512, help="texts for the perplexity")
    parser.add_argument("--out", type=Path, help="file for all outcomes, JSON")
    options = parser.parse_args()
    language = Language()
    outcomes: list[Outcome] = []
    for seed in range(options.seeds):
        trained: dict[tuple[Any, ...], tuple[Any, float]] = {}
        for ending in ENDINGS:
            key = (ending.form, ending.gate, ending.epsilon)
            if key not in trained:
                begin = time.perf_counter()
                model = train(ending, language, seed, options)
                trained[key] = (model, time.perf_counter() - begin)
            model, seconds = trained[key]
            outcomes.append(measure(model, language, ending, seed, seconds, options))
            print(outcomes[-1], flush=True)
    print(f"\n{table(outcomes)}")
    if options.out:
        options.out.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1) + "\n")


if __name__ == "__main__":
    main()
