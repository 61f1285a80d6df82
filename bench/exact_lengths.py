"""Are lengths kept, and what does that cost? A vocabulary and random requests in, a table out.

`requests`: random kinds and targets, alone or with a grammar; each is compiled, and a text is written by
random allowed tokens within a small budget, then measured as a finished text. 100 % exact or refused
beforehand is what is promised. `cost`: a small Llama trained on the language of `bench.length_control`,
sampled at
temperature 1: texts of an exact number of words beside what sample filtering needs (draws until one has it),
with the model's own perplexity of both. Cost: some minutes each.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from typing import Any

import numpy as np
import tokentrellis as tt
import torch
from tokentrellis.decoding.bitmask import unpack_bitmask
from tokentrellis.decoding.sentences import ends_sentence
from tokentrellis.models import load_tokenizer

from .length_control.language import EOS, PAD, TOKENS, Language
from .length_control.training import train

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
    """A table by number of words."""
    model = train("none", steps)
    vocabulary = tt.Vocabulary(TOKENS, eos_token_ids=[EOS])
    plain = _sample(model, n_samples * 16, None)
    texts = [vocabulary.decode(row) for row in plain]
    print(
        "| words | draws for an exact one | perplexity, free | exact | ends a sentence, free, % | exact, % |"
    )
    print("| --: | --: | --: | --: | --: | --: |")
    for n_words in WORDS:
        length = tt.Length(words=n_words)
        exact = _sample(model, n_samples, tt.compile_length(length, vocabulary))
        counts = [length.measure().count(text.decode()) for text in texts]
        share = counts.count(n_words) / len(counts)
        of_exact = [vocabulary.decode(row) for row in exact]
        if any(length.measure().count(text.decode()) != n_words for text in of_exact):
            raise SystemExit(f"a text has not exactly {n_words} words")
        print(
            f"| {n_words} | {1 / share if share else float('inf'):.0f} | {_perplexity(model, plain):.2f} "
            f"| {_perplexity(model, exact):.2f} | {_at_sentence(texts):.0f} | {_at_sentence(of_exact):.0f} |"
        )


def _sample(model: Any, n_samples: int, compiled: tt.CompiledLength | None) -> list[list[int]]:
    """Responses at temperature 1 to the first prompt of the language, EOS included."""
    prompt = torch.tensor([Language().prompt(random.Random(2))] * n_samples)
    width = prompt.shape[1]
    options: dict[str, Any] = {"max_new_tokens": 160, "do_sample": True, "top_k": 0, "pad_token_id": PAD}
    if compiled is not None:
        processor = tt.GrammarProcessor(compiled, max_new_tokens=160, prompt_length=width)
        options["logits_processor"] = [processor]
    torch.manual_seed(5)
    rows = model.generate(prompt, attention_mask=torch.ones_like(prompt), **options)[:, width:].tolist()
    return [row[: row.index(EOS) + 1] if EOS in row else row for row in rows]


def _perplexity(model: Any, responses: list[list[int]]) -> float:
    """Of the responses under the model, after the prompt."""
    prompt = Language().prompt(random.Random(2))
    total, n_tokens = 0.0, 0
    for response in responses:
        whole = torch.tensor([prompt + response])
        with torch.no_grad():
            log_probs = model(whole[:, :-1]).logits[0, len(prompt) - 1 :].log_softmax(-1)
        total += float(log_probs.gather(1, torch.tensor(response)[:, None]).sum())
        n_tokens += len(response)
    return float(np.exp(-total / n_tokens))


def _at_sentence(texts: list[bytes]) -> float:
    return 100 * sum(map(ends_sentence, texts)) / len(texts)


if __name__ == "__main__":
    main()
