"""Are lengths kept, and what does that cost? A vocabulary and random requests in, a table out.

`requests`: random kinds and targets, alone or with a grammar; each is compiled, and a text is written by
random allowed tokens within a small budget, then measured as a finished text. 100 % exact or refused
beforehand is what is promised. `cost`: texts of an exact number of words beside sample filtering (draws
until one has it), with their perplexity under the plain model and the time of a token. Two models are
sampled at temperature 1: the embedded one, which writes JSON with one string in it, and a small Llama
trained on the language of `bench.length_control`; beside the latter one that was trained alike to count the
words down, with a marker before each (CAPEL, arXiv 2508.13805). Cost: some minutes each.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tokentrellis as tt
import torch
from tokentrellis.decoding.bitmask import unpack_bitmask
from tokentrellis.decoding.generate import read_vocabulary
from tokentrellis.decoding.sentences import ends_sentence
from tokentrellis.models import load_model, load_tokenizer

from .length_control.language import EOS, FIRST_MARKER, PAD, TOKENS, Language, unmark
from .length_control.training import MARKERS, train

KINDS = ("words", "characters", "sentences", "tokens", "items")
SCHEMAS: list[Any] = [
    {"enum": ["red", "dark blue", "the sea. At night."]},
    {"type": "array", "items": {"type": "string", "maxLength": 12}},
    {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    },
    {"type": "string", "pattern": "^[a-z ]*$"},
]
WORDS = (8, 16, 32)
MOST_TOKENS = 160
NOTE = {
    "type": "object",
    "properties": {"note": {"type": "string"}},
    "required": ["note"],
    "additionalProperties": False,
}
TEXT = "Ann Lee, 31, wrote on 2 May 2024 from Oslo. She asked for three blue chairs and a lamp."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    requests = commands.add_parser("requests", help="are lengths kept?")
    requests.add_argument("--requests", type=int, default=1000)
    requests.add_argument("--tokenizer", help="a Hugging Face tokenizer; default: the embedded model's")
    requests.add_argument("--seed", type=int, default=0)
    cost = commands.add_parser("cost", help="what does it cost?")
    cost.add_argument("--steps", type=int, default=600)
    cost.add_argument("--samples", type=int, default=64)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.command == "requests":
        run_requests(options.requests, options.tokenizer, options.seed)
    else:
        measure_cost(options.steps, options.samples)


def run_requests(n_requests: int, tokenizer: str | None, seed: int) -> Counter[tuple[str, str]]:
    """How the requests of each kind ended: "exact", "refused" or "wrong"."""
    source = random.Random(seed)
    vocabulary = tt.Vocabulary.from_tokenizer(load_tokenizer(tokenizer))
    grammars = [tt.compile_grammar(tt.from_json_schema(schema), vocabulary) for schema in SCHEMAS]
    ends: Counter[tuple[str, str]] = Counter()
    mask_times: list[float] = []
    n_at_sentence = n_free = 0
    for _ in range(n_requests):
        kind = source.choice(KINDS)
        given = source.choice([None, *grammars]) if kind in ("characters", "tokens") else None
        given = source.choice([given, grammars[0]]) if kind in ("words", "sentences") else given
        count = source.randrange(1, 60 if kind in ("characters", "tokens", "words") else 12)
        length = tt.Length(**{kind: source.choice([count, (count, count + 3), (None, count)])})
        try:
            compiled = tt.compile_length(length, given or vocabulary)
        except tt.ConstraintError:
            ends[kind, "refused"] += 1
            continue
        token_ids = _write(compiled, source, mask_times)
        text = vocabulary.decode(token_ids).decode()
        found = len(token_ids) - 1 if kind == "tokens" else length.measure().count(text)
        is_exact = length.allows(found)
        if given is None and kind != "items":
            n_free += 1
            n_at_sentence += ends_sentence(text.encode())
        ends[kind, "exact" if is_exact else "wrong"] += 1
    print(f"{n_requests} requests, {vocabulary!r}, seed {seed}")
    for kind in KINDS:
        print(kind, {end: ends[kind, end] for end in ("exact", "refused", "wrong")})
    middle, slow = np.percentile(np.array(mask_times) * 1e6, [50, 99])
    print(f"free texts that end with a sentence: {n_at_sentence} of {n_free}")
    print(f"masks: {len(mask_times)}, p50 {middle:.0f} us, p99 {slow:.0f} us")
    return ends


def _write(compiled: tt.CompiledLength, source: random.Random, mask_times: list[float]) -> list[int]:
    """A text by random allowed tokens, within a budget from the smallest possible to 40 more."""
    budget = compiled.tokens_to_finish + source.randrange(40)
    matcher = compiled.matcher()
    bitmask = tt.allocate_bitmask(1, compiled.vocabulary.vocab_size)
    token_ids: list[int] = []
    while not matcher.is_terminated:
        begin = time.perf_counter()
        matcher.fill_bitmask(bitmask, 0, budget - len(token_ids))
        mask_times.append(time.perf_counter() - begin)
        allowed = np.flatnonzero(unpack_bitmask(bitmask[0], compiled.vocabulary.vocab_size))
        token_ids.append(int(source.choice(allowed)))
        matcher.accept_token(token_ids[-1])
    return token_ids


def measure_cost(steps: int, n_samples: int) -> None:
    """A table by number of words, for each of two models."""
    loaded = load_model()
    prompt = loaded.tokenizer(loaded.prompt(TEXT, NOTE))["input_ids"]
    vocabulary = read_vocabulary(loaded.model, loaded.tokenizer)
    note = tt.compile_grammar(tt.from_json_schema(NOTE, whitespace="compact"), vocabulary)
    print('embedded model, {"note": ...}')
    compare_ways(Sampled(loaded.model, prompt, vocabulary, note), n_samples)
    prompt = Language().prompt(random.Random(2))
    vocabulary = tt.Vocabulary(TOKENS, eos_token_ids=[EOS])
    print(f"model of a small language, {steps} steps")
    plain = Sampled(train("none", steps), prompt, vocabulary)
    compare_ways(plain, n_samples, Sampled(train(MARKERS, steps), prompt, vocabulary))


@dataclass(frozen=True)
class Sampled:
    """A model that is to go on from a prompt, what its tokens mean, and the grammar that it has to follow."""

    model: Any
    prompt: list[int]
    vocabulary: tt.Vocabulary
    grammar: tt.CompiledGrammar | None = None

    def sample(
        self, n_samples: int, length: tt.CompiledLength | None = None, lead: Sequence[int] = ()
    ) -> tuple[list[list[int]], float]:
        """Responses at temperature 1, EOS included, and the seconds for one token of one response. lead: what
        the responses are made to begin with."""
        prompts = torch.tensor([[*self.prompt, *lead]] * n_samples)
        width = prompts.shape[1]
        options: dict[str, Any] = {
            "max_new_tokens": MOST_TOKENS,
            "do_sample": True,
            "top_k": 0,
            "pad_token_id": PAD,
        }
        if (compiled := length or self.grammar) is not None:
            processor = tt.GrammarProcessor(compiled, max_new_tokens=MOST_TOKENS, prompt_length=width)
            options["logits_processor"] = [processor]
        torch.manual_seed(5)
        begin = time.perf_counter()
        found = self.model.generate(prompts, attention_mask=torch.ones_like(prompts), **options)[:, width:]
        taken = (time.perf_counter() - begin) / found.numel()
        ends = set(self.vocabulary.eos_token_ids)
        return [_until_end(row, ends) for row in found.tolist()], taken

    def perplexity(self, responses: list[list[int]]) -> float:
        """Of the responses under the model, after the prompt; not a number if there are none."""
        total, n_tokens = 0.0, 0
        for response in responses:
            whole = torch.tensor([self.prompt + response])
            with torch.no_grad():
                log_probs = self.model(whole[:, :-1]).logits[0, len(self.prompt) - 1 :].log_softmax(-1)
            total += float(log_probs.gather(1, torch.tensor(response)[:, None]).sum())
            n_tokens += len(response)
        return float(np.exp(-total / n_tokens)) if n_tokens else float("nan")


def compare_ways(plain: Sampled, n_samples: int, counting: Sampled | None = None) -> None:
    """Print a table by number of words. counting: the model that was trained to write markers."""
    free, free_time = plain.sample(n_samples * 16)
    print("| words | way | kept, % | perplexity | ends a sentence, % | tokens for a text kept | ms a token |")
    print("| --: | :-- | --: | --: | --: | --: | --: |")
    for n_words in WORDS:
        length = tt.Length(words=n_words)
        exact, exact_time = plain.sample(
            n_samples, tt.compile_length(length, plain.grammar or plain.vocabulary)
        )
        ways = {"sample filtering": (free, free, free_time), "tt.Length": (exact, exact, exact_time)}
        if counting is not None:
            marked, marked_time = counting.sample(n_samples, lead=[FIRST_MARKER + n_words])
            ways["markers"] = (marked, list(map(unmark, marked)), marked_time)
        for way, (written, responses, taken) in ways.items():
            texts = [plain.vocabulary.decode(row) for row in responses]
            kept = [length.measure().count(text.decode(errors="replace")) == n_words for text in texts]
            if way == "tt.Length" and not all(kept):
                raise SystemExit(f"a text has not exactly {n_words} words")
            chosen = [row for row, is_kept in zip(responses, kept, strict=True) if is_kept]
            cost = sum(map(len, written)) / len(chosen) if chosen else float("inf")
            share, at_end = len(chosen) / len(kept), _at_sentence(list(map(plain.vocabulary.decode, chosen)))
            print(
                f"| {n_words} | {way} | {100 * share:.0f} | {plain.perplexity(chosen):.2f} | {at_end:.0f} "
                f"| {cost:.0f} | {1000 * taken:.2f} |"
            )
    average = sum(map(len, free)) / len(free)
    print(f"free: perplexity {plain.perplexity(free):.2f} of {len(free)} texts of {average:.0f} tokens")


def _until_end(row: list[int], ends: set[int]) -> list[int]:
    for place, token in enumerate(row):
        if token in ends:
            return row[: place + 1]
    return row


def _at_sentence(texts: list[bytes]) -> float:
    """The share of them that end with a sentence, percent."""
    return 100 * sum(map(ends_sentence, texts)) / len(texts) if texts else float("nan")


if __name__ == "__main__":
    main()
