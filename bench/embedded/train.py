"""Trains the embedded model from nothing: `python -m bench.embedded.train --minutes 70`.

What goes in is a time budget and a seed; what goes out is the folder `_package/embedded`, which
transformers loads (`config.json`, `model.safetensors` in bfloat16, `tokenizer.json` ...). Steps: train
the tokenizer on made-up examples, plant the copying circuit, exercise it on random tokens, then learn the
task: text and schema in, JSON out, loss on the JSON only. Muon for the matrices of the blocks, AdamW for
the rest; the rate is flat for 60 % of the time, then falls to 2 %. A running average of the weights is
what gets saved, every few minutes and at the end, in one move, so a reader never meets half a model. One
core is enough; `--threads` says how many to use.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import shutil
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokentrellis.embedded_prompt import END_MARK, JSON_MARK, SCHEMA_MARK, TEXT_MARK, build_prompt
from torch import Tensor
from torch.nn.functional import cross_entropy, linear
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from .circuit import copy_batch, plant_induction
from .data import Example, examples
from .forward import LOW, Forward
from .growth import grow
from .optimiser import Muon
from .tokenizer import PAD_MARK, train_tokenizer

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "_package" / "embedded"
MARKS = [PAD_MARK, END_MARK, SCHEMA_MARK, TEXT_MARK, JSON_MARK]
PAD, END = 0, 1
LONGEST = 352
SEVERAL_SHARE = 0.22  # more than evaluation has: texts with several records are the hardest
STRIDE = 16
CONTEXT = 2048
MUON_RATE, ADAM_RATE = 0.015, 2e-3
IGNORE = -100


def whole_text(example: Example) -> tuple[str, str]:
    return build_prompt(example.text, example.schema), example.answer + END_MARK


def build_model(vocabulary: int, width: int, layers: int, heads: int, inner: int) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=CONTEXT,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=END,
        pad_token_id=PAD,
    )
    return LlamaForCausalLM(config)


def encode(tokenizer: Tokenizer, batch: list[Example]) -> list[tuple[list[int], int]]:
    """Token ids of prompt and answer, and where the answer begins."""
    pairs = [whole_text(example) for example in batch]
    prompts = tokenizer.encode_batch([prompt for prompt, _ in pairs])
    answers = tokenizer.encode_batch([answer for _, answer in pairs])
    rows = [
        (prompt.ids + answer.ids, len(prompt.ids)) for prompt, answer in zip(prompts, answers, strict=True)
    ]
    return [row for row in rows if len(row[0]) <= LONGEST]


def batches(tokenizer: Tokenizer, seed: int, tokens: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Ids and labels, int64 [rows, length], of about `tokens` tokens.

    There are only few shapes (lengths are multiples of `STRIDE`), since new shapes cost new kernels.
    """
    stream = examples(seed, several=SEVERAL_SHARE, varied=True)
    buckets: dict[int, list[tuple[list[int], int]]] = {}
    while True:
        for row in encode(tokenizer, list(islice(stream, 64))):
            length = -(-len(row[0]) // STRIDE) * STRIDE
            bucket = buckets.setdefault(length, [])
            bucket.append(row)
            if len(bucket) == tokens // length:
                yield collate(bucket, length)
                bucket.clear()


def collate(rows: list[tuple[list[int], int]], length: int | None = None) -> tuple[Tensor, Tensor]:
    """Ids and labels of rows, padded on the right; labels are set on the answers only."""
    length = length or max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), length), PAD)
    labels = torch.full((len(rows), length), IGNORE)
    for at, (row, start) in enumerate(rows):
        ids[at, : len(row)] = torch.tensor(row)
        labels[at, start : len(row)] = torch.tensor(row[start:])
    return ids, labels


def answer_logits(forward: Forward, ids: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Logits [n, vocabulary] where there is something to predict, and what should be there, or `IGNORE`.

    Rows are padded on the right, so causal attention needs no mask. Sizes are rounded to keep shapes few.
    """
    wanted = torch.full_like(labels, IGNORE)
    wanted[:, :-1] = labels[:, 1:]
    start = int((wanted != IGNORE).any(0).to(torch.int64).argmax()) // STRIDE * STRIDE
    wanted = wanted[:, start:].flatten()
    places = torch.nonzero(wanted != IGNORE).flatten()
    spare = torch.nonzero(wanted == IGNORE).flatten()[: -len(places) % 128]
    places = torch.cat([places, spare])
    hidden = forward(ids, start).flatten(0, 1)[places]
    return linear(hidden.to(LOW), forward.model.embed_tokens.weight.to(LOW)).float(), wanted[places]


class Trainer:
    """Model, its running average, and the two optimisers."""

    def __init__(self, model: LlamaForCausalLM, fused: bool = False) -> None:
        self.model = model
        self.forward = Forward(model, LONGEST, fused)
        self.average = copy.deepcopy(model)
        matrices = [
            weight for name, weight in model.named_parameters() if weight.ndim == 2 and "layers" in name
        ]
        others = [
            weight for name, weight in model.named_parameters() if weight.ndim != 2 or "layers" not in name
        ]
        self.optimisers: list[tuple[torch.optim.Optimizer, float]] = [
            (Muon(matrices, MUON_RATE), MUON_RATE),
            (torch.optim.AdamW(others, ADAM_RATE, betas=(0.9, 0.98), weight_decay=0.0), ADAM_RATE),
        ]
        self.steps = 0

    def step(self, ids: Tensor, labels: Tensor, rate: float) -> float:
        loss = cross_entropy(*answer_logits(self.forward, ids, labels))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimiser, full_rate in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = full_rate * rate * min(1.0, (self.steps + 1) / 30)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.steps += 1
        if self.steps % 8 == 0:
            self.update_average(0.985 if self.steps > 2000 else 0.9)
        return float(loss.detach())

    @torch.no_grad()
    def update_average(self, keep: float) -> None:
        for kept, weight in zip(self.average.parameters(), self.model.parameters(), strict=True):
            kept.lerp_(weight, 1 - keep)


def rate_at(share: float) -> float:
    """Learning rate factor after a share of the time: flat to 60 %, then down to 2 %."""
    return 1.0 if share < 0.6 else max(0.02, 1 - 0.98 * (share - 0.6) / 0.4)


@torch.no_grad()
def probe(
    model: LlamaForCausalLM, tokenizer: Tokenizer, rows: list[tuple[list[int], int]]
) -> tuple[float, float]:
    """Share of answer tokens that are the most likely one, and share of answers that are so throughout."""
    right = total = whole = 0
    for start in range(0, len(rows), 16):
        ids, labels = collate(rows[start : start + 16])
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
        wanted = labels[:, 1:]
        good = (model.lm_head(hidden).argmax(-1) == wanted) | (wanted == IGNORE)
        whole += int(good.all(1).sum())
        right += int((good & (wanted != IGNORE)).sum())
        total += int((wanted != IGNORE).sum())
    return right / total, whole / len(rows)


def save(model: LlamaForCausalLM, tokenizer: Tokenizer, folder: Path) -> None:
    """Write the model beside its folder, then move file by file into place."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    small = copy.deepcopy(model).bfloat16()
    small.generation_config.eos_token_id = END
    small.generation_config.pad_token_id = PAD
    small.generation_config.do_sample = False
    small.save_pretrained(partial)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD_MARK,
        eos_token=END_MARK,
        model_max_length=CONTEXT,
        additional_special_tokens=[SCHEMA_MARK, TEXT_MARK, JSON_MARK],
        clean_up_tokenization_spaces=False,
        padding_side="left",
    ).save_pretrained(partial)
    for path in sorted(partial.iterdir()):
        path.chmod(0o644)
        os.replace(path, folder / path.name)
    partial.rmdir()


def exercise_copying(trainer: Trainer, vocabulary: int, seconds: float) -> None:
    generator = torch.Generator().manual_seed(1)
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        ids, labels = copy_batch(24, vocabulary, len(MARKS), generator)
        loss = trainer.step(ids, labels, 1.0)
        if trainer.steps % 20 == 1:
            print(f"copying: step {trainer.steps} loss {loss:.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=70.0)
    parser.add_argument("--copy-seconds", type=float, default=60.0)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--vocabulary", type=int, default=1536)
    parser.add_argument(
        "--shape", type=int, nargs=4, default=[128, 4, 4, 320], metavar=("WIDTH", "LAYERS", "HEADS", "INNER")
    )
    parser.add_argument("--tokens", type=int, default=2304, help="tokens of one batch")
    parser.add_argument("--save-every", type=float, default=4.0, help="minutes between saved models")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--resume", action="store_true", help="go on from the model in the folder (take another seed)"
    )
    parser.add_argument(
        "--grow", type=int, nargs=2, metavar=("LAYERS", "INNER"), help="make the resumed model larger first"
    )
    parser.add_argument(
        "--fused", action="store_true", help="compile the layers first (needs a C++ compiler; minutes)"
    )
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    torch.manual_seed(options.seed)
    if options.resume:
        tokenizer = Tokenizer.from_file(str(options.folder / "tokenizer.json"))
    else:
        texts = ("".join(whole_text(example)) for example in islice(examples(options.seed + 1), 30000))
        tokenizer = train_tokenizer(texts, MARKS, options.vocabulary)
    model = build_model(options.vocabulary, *options.shape)
    if options.resume:
        model = LlamaForCausalLM.from_pretrained(options.folder, dtype=torch.float32)
        if options.grow:
            model = grow(model, *options.grow)
    else:
        plant_induction(model)
    print(json.dumps({"parameters": model.num_parameters(), **vars(options)}, default=str), flush=True)
    trainer = Trainer(model, options.fused)
    if not options.resume:
        exercise_copying(trainer, options.vocabulary, options.copy_seconds)
    held_out = encode(tokenizer, list(islice(examples(options.seed + 2, held_out=True), 96)))
    start = last_report = last_save = time.monotonic()
    budget, seen, average_loss = options.minutes * 60, 0, 3.0
    for ids, labels in batches(tokenizer, options.seed + 3, options.tokens):
        spent = time.monotonic() - start
        if spent > budget:
            break
        average_loss += 0.02 * (trainer.step(ids, labels, rate_at(spent / budget)) - average_loss)
        seen += int((ids != PAD).sum())
        if time.monotonic() - last_report > 150:
            last_report = time.monotonic()
            tokens_right, whole = probe(trainer.average, tokenizer, held_out)
            print(
                f"{spent:6.0f} s  step {trainer.steps}  {seen / 1e6:.1f} M tokens  loss {average_loss:.3f}  "
                f"unseen: tokens {tokens_right:.3f} objects {whole:.3f}",
                flush=True,
            )
        if time.monotonic() - last_save > options.save_every * 60:
            last_save = time.monotonic()
            save(trainer.average, tokenizer, options.folder)
    save(trainer.average, tokenizer, options.folder)
    print(f"done after {seen / 1e6:.1f} M tokens", flush=True)


if __name__ == "__main__":
    main()
