"""Trains models to speculate with: minutes of one core in, folders with models out.

JSON: the first layers of the embedded model, trained on as the whole was (`bench/embedded`), draft for it.
Text: a target and a smaller draft, both from nothing, on the topics of `pydoc` (reference pages in English,
some 700 KB, in every Python), every tenth of which is kept for measuring. Llama architecture, AdamW, one
core.
"""

from __future__ import annotations

import pydoc_data.topics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn.functional import cross_entropy
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from ..embedded.train import FOLDER as EMBEDDED
from ..embedded.train import Trainer, batches, rate_at, save

MODELS = Path("bench/results/local/speculation/models")
JSON_DRAFT_LAYERS = 2
N_TEXT_TOKENS = 1024
EOS, PAD = 0, 1
WINDOW = 96


@dataclass(frozen=True)
class Pair:
    """A target and a draft model with one tokenizer, in float32, ready to run."""

    target: Any
    draft: Any
    tokenizer: Any


def load_pair(kind: str) -> Pair:
    """The models for "json" or "text".

    Raises:
        OSError: they have not been trained.
    """
    if kind == "json":
        return Pair(_load(EMBEDDED), _load(MODELS / "json_draft"), AutoTokenizer.from_pretrained(EMBEDDED))
    folder = MODELS / "text_target"
    return Pair(_load(folder), _load(MODELS / "text_draft"), AutoTokenizer.from_pretrained(folder))


def _load(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()


def train_json_draft(minutes: float) -> None:
    """The first layers of the embedded model, trained on by themselves."""
    whole = _load(EMBEDDED)
    config = LlamaConfig(**{**whole.config.to_dict(), "num_hidden_layers": JSON_DRAFT_LAYERS})
    model = LlamaForCausalLM(config)
    model.load_state_dict(whole.state_dict(), strict=False)
    tokenizer = Tokenizer.from_file(str(EMBEDDED / "tokenizer.json"))
    trainer = Trainer(model)
    start, loss = time.process_time(), 0.0
    for n_steps, (ids, labels) in enumerate(batches(tokenizer, 31, 2304), start=1):
        share = (time.process_time() - start) / (60 * minutes)
        if share > 1:
            break
        loss += (trainer.step(ids, labels, 0.5 * rate_at(share)) - loss) / min(50, n_steps)
        if n_steps % 50 == 0:
            print(f"json draft: step {n_steps}, loss {loss:.3f}", flush=True)
    save(trainer.average, tokenizer, MODELS / "json_draft")


def texts() -> tuple[list[str], list[str]]:
    """Training and held-out texts."""
    found = [text for _, text in sorted(pydoc_data.topics.topics.items())]
    return [text for at, text in enumerate(found) if at % 10], found[::10]


def train_text_pair(minutes: float) -> None:
    """Tokenizer, target and draft; the target gets three quarters of the time."""
    tokenizer = _text_tokenizer(texts()[0])
    ids = torch.cat([torch.tensor([*tokenizer(text)["input_ids"], EOS]) for text in texts()[0]])
    for name, layers, width, share in (("text_target", 3, 128, 0.75), ("text_draft", 1, 64, 0.25)):
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=N_TEXT_TOKENS,
            hidden_size=width,
            intermediate_size=3 * width,
            num_hidden_layers=layers,
            num_attention_heads=width // 32,
            max_position_embeddings=1024,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=EOS,
            pad_token_id=PAD,
        )
        model = LlamaForCausalLM(config)
        _fit(model, ids, 60 * minutes * share, name)
        model.eval().save_pretrained(MODELS / name)
        tokenizer.save_pretrained(MODELS / name)


def _text_tokenizer(corpus: list[str]) -> Any:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        corpus,
        trainers.BpeTrainer(
            vocab_size=N_TEXT_TOKENS,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            special_tokens=["<end>", "<pad>"],
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", pad_token="<pad>")


def _fit(model: LlamaForCausalLM, ids: torch.Tensor, seconds: float, name: str) -> None:
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3, betas=(0.9, 0.95), weight_decay=0.05)
    generator = torch.Generator().manual_seed(1)
    start, loss, n_steps = time.process_time(), 0.0, 0
    while (share := (time.process_time() - start) / seconds) < 1:
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * rate_at(share) * min(1.0, (n_steps + 1) / 50)
        places = torch.randint(len(ids) - WINDOW - 1, (8,), generator=generator)
        rows = torch.stack([ids[place : place + WINDOW + 1] for place in places])
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(input_ids=rows[:, :-1], use_cache=False).logits
        step_loss = cross_entropy(logits.float().flatten(0, 1), rows[:, 1:].flatten())
        optimiser.zero_grad(set_to_none=True)
        step_loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        loss += (float(step_loss.detach()) - loss) / min(50, n_steps + 1)
        n_steps += 1
        if n_steps % 50 == 0:
            print(f"{name}: step {n_steps}, loss {loss:.3f}", flush=True)
