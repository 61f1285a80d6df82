"""What `generate()` and a sampler say to each other: a task in, one text with its weight out.

A sampler draws whole texts from what a grammar leaves of a model, each in its own way; those that come with
the package are in `samplers/`. `generate()` knows them only by the protocol here. What a sampler returns is
checked and scored like any other output: replayed through a fresh matcher, and its log-probability is that of
one forward pass over prompt and text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ..grammars.errors import ConstraintError
from .errors import ArgumentTypeError, ArgumentValueError
from .vocabulary import Vocabulary

if TYPE_CHECKING:
    import torch

    from .compile import CompiledGrammar
    from .compiled_length import CompiledLength

# Settings of a model's generation configuration that change its law, with the values that do not.
_NEUTRAL = {
    "repetition_penalty": (1.0,),
    "encoder_repetition_penalty": (1.0,),
    "no_repeat_ngram_size": (0,),
    "encoder_no_repeat_ngram_size": (0,),
    "bad_words_ids": (),
    "sequence_bias": (),
    "suppress_tokens": ([],),
    "begin_suppress_tokens": ([],),
    "forced_bos_token_id": (),
    "forced_eos_token_id": (),
    "exponential_decay_length_penalty": (),
    "guidance_scale": (1.0,),
    "min_p": (0.0,),
    "typical_p": (1.0,),
    "epsilon_cutoff": (0.0,),
    "eta_cutoff": (0.0,),
    "top_h": (),
}


@dataclass(frozen=True, eq=False)
class SamplingTask:
    """One text that is wanted.

    model: a decoder-only model of transformers. prompt_ids: at least one.
    source: the compiled grammar or length, or a vocabulary where there is none.
    max_new_tokens: at most so many tokens, EOS included.
    warping: `temperature`, `top_k`, `top_p`, `min_p` as given: they make another law, then the model's.
    tail: bytes that the text of the tokens has to begin with, before what `source` is about.
    """

    model: Any
    prompt_ids: tuple[int, ...]
    source: CompiledGrammar | CompiledLength | Vocabulary
    max_new_tokens: int
    warping: dict[str, Any] = field(default_factory=dict)
    tail: bytes = b""


@dataclass(frozen=True)
class SampledText:
    """token_ids: EOS included. log_weight: see `Result`. details: what the sampler knows, for JSON."""

    token_ids: Sequence[int]
    log_weight: float
    details: dict[str, Any] = field(default_factory=dict)


class Sampler(Protocol):
    """Draws a text by its own law, which its class declares.

    One that can draw several texts of a task side by side also has `draw_several(task, n, generator)`, which
    returns a list of n; `draw_texts` uses it.
    """

    def draw(self, task: SamplingTask, generator: torch.Generator) -> SampledText:
        """One text. generator: on the device of the model; the only source of chance.

        Raises:
            SamplingError: none was found.
        """


def draw_texts(sampler: Sampler, task: SamplingTask, n: int, generator: torch.Generator) -> list[SampledText]:
    """n texts of one task, side by side where the sampler can. Raises: as `draw`."""
    draw_several = getattr(sampler, "draw_several", None)
    if draw_several is None or n == 1:
        return [sampler.draw(task, generator) for _ in range(n)]
    found: list[SampledText] = draw_several(task, n, generator)
    return found


def check_sampler(sampler: Any, model: Any, do_sample: bool | None) -> None:
    """Refuse what a sampler cannot honour, rather than ignore it.

    Raises:
        ArgumentTypeError: it is no sampler, or the model is no decoder alone.
        ConstraintError: the model's generation configuration asks for more than its law, or do_sample is
        False.
    """
    if not callable(getattr(sampler, "draw", None)) or isinstance(sampler, type):
        raise ArgumentTypeError(
            "sampler must have a method draw(task, generator)",
            got=sampler,
            advice="make one: tt.SequentialMonteCarlo(16), or a tt.MaskSampler, AdaptiveRejectionSampler, "
            "GrammarAlignedSampler, MetropolisHastings, BeamSearch, BestOf",
        )
    if model.config.is_encoder_decoder:
        raise ArgumentTypeError("model must be a decoder alone, with a sampler", got=type(model))
    if do_sample is False:
        raise ConstraintError("do_sample=False and sampler exclude each other", advice="leave one out")
    for name, neutral in _NEUTRAL.items():
        value = getattr(model.generation_config, name, None)
        if value is not None and value not in neutral:
            raise ConstraintError(
                f"model.generation_config.{name}: samplers draw from the model's own law",
                got=value,
                advice="set it to None, or leave sampler out",
            )


def make_generator(model: Any, seed: int | None) -> torch.Generator:
    """A generator on the device of the model; without a seed it begins where torch's random state says."""
    import torch

    generator = torch.Generator(model.device)
    return generator.manual_seed(int(torch.randint(2**62, ())) if seed is None else seed)


def score_text(model: Any, prompt_ids: Sequence[int], token_ids: Sequence[int]) -> float:
    """The log-probability that the model gives to tokens after a prompt, by one forward pass.

    Raises:
        ArgumentValueError: there are no tokens.
    """
    import torch

    if not token_ids:
        raise ArgumentValueError("token_ids must have at least one token", got=token_ids)
    logits = read_text(model, prompt_ids, token_ids)
    log_probs = torch.log_softmax(logits, dim=-1).double()
    chosen = torch.tensor(token_ids, device=logits.device)
    return float(log_probs.gather(1, chosen.unsqueeze(1)).sum())


def read_text(model: Any, prompt_ids: Sequence[int], token_ids: Sequence[int]) -> torch.Tensor:
    """The logits that tokens after a prompt were chosen by, float32 [tokens, logits], by one forward pass.

    prompt_ids, token_ids: at least one each.
    """
    import torch

    whole = torch.tensor([[*prompt_ids, *token_ids]], device=model.device)
    with torch.no_grad():
        logits: torch.Tensor = model(whole[:, :-1]).logits[0, -len(token_ids) :]
    return logits.float()
