"""Self-terminating distributions: logits and the step in, log-probabilities that end every text out.

With a softmax, greedy decoding, top-k, nucleus and beam search can go on for ever: nothing makes the token
that ends a text (EOS) likely enough to be chosen. Both forms here put a floor under its probability that
grows with the step t = 1, 2, ... of the generated text. Let s be the sigmoid of the gate e, 0 < epsilon < 1:

    NMST  p_t(EOS) = s_t + (1 - s_t) (1 - (1 - epsilon)^t)                 (non-monotonic; Choi et al. 2023)
    ST    p_t(EOS) = 1 - prod_{u <= t} (1 - epsilon) (1 - s_u)             (monotonic; Welleck et al. 2020)

and the other tokens share the rest as in the softmax without EOS. (Welleck writes the product over s_u; here
the gate has the sign of an EOS logit, so that a model that was trained with a softmax can be wrapped.)

Law 1: p_t(EOS) >= 1 - (1 - epsilon)^t for all logits. Proof: 1 - p_t(EOS) is (1 - s_t) (1 - epsilon)^t for
NMST and at most (1 - epsilon)^t for ST, because 0 < 1 - s < 1. What follows for each way to decode is in
`stops_by`.

The cost is that of one more softmax. Everything is computed as logarithms in float32 (float64 stays): with
b_t = t log(1 - epsilon), or for ST the logarithm of the product without (1 - s_t), and L the log-sigmoid,

    log(1 - p_t) = L(-e_t) + b_t,    log p_t = logaddexp(L(e_t), L(-e_t) + log(1 - exp b_t)),

where nothing cancels, so that the sum stays 1 and gradients stay finite however large the logits are.

Welleck et al., Consistency of a Recurrent Language Model With Respect to Incomplete Decoding, EMNLP 2020.
Choi et al., A Non-monotonic Self-terminating Language Model, ICLR 2023 (arXiv 2210.00660).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from ..grammars.errors import ConstraintError
from .arguments import checked_choice, checked_instance, checked_integer, checked_number
from .errors import ArgumentValueError

FORMS = ("nmst", "st")
GATES = ("log_odds", "logit")
_MARGIN = 1e-6  # of probabilities, so that rounding in float32 does not break a bound


def split_logits(logits: Tensor, eos_token_ids: Sequence[int], gate: str) -> tuple[Tensor, Tensor]:
    """The gate, and the shares of the tokens: of EOS tokens among themselves, of the others among themselves.

    Several EOS tokens have one gate and split its probability as a softmax among them would.

    Args:
        logits: any floating-point dtype, shape [..., tokens].
        eos_token_ids: at least one, and not all tokens.
        gate: "logit": the EOS logit, as in the papers (of several, logsumexp). "log_odds": minus logsumexp of
            the other logits, so that s is the softmax's own probability, and nothing changes if a constant is
            added to all logits.

    Returns:
        float32 or float64: the gate, shape [...], and log-shares, shape [..., tokens].
    """
    logits = logits if logits.dtype == torch.float64 else logits.float()
    ids = torch.tensor(list(eos_token_ids), device=logits.device)
    ends = logits.index_select(-1, ids)
    others = logits.masked_fill(eos_mask(logits, eos_token_ids), -torch.inf)
    # log_softmax takes the greatest logit off first: large logits cost no digits of the shares.
    shares = others.log_softmax(-1).index_copy(-1, ids, ends.log_softmax(-1))
    gates = ends.logsumexp(-1)
    return (gates - others.logsumexp(-1) if gate == "log_odds" else gates), shares


def log_ceilings(form: str, gates: Tensor, steps: Tensor, epsilon: float, before: Tensor) -> Tensor:
    """b_t: the logarithm of what the form alone leaves of the probability to go on; 0 before the first step.

    Args:
        form: "nmst" or "st".
        gates: float, shape [rows, positions]. The sums of ST run over the positions.
        steps: t of each position, int64, shape [rows or 1, positions]; less than 1 in a prompt.
        before: for ST the sum of log(1 - s) over the steps before the first position, shape [rows, 1].

    Returns:
        Shape [rows, positions], below 0 where t >= 1.
    """
    floor = steps.clamp(min=0).to(gates.dtype) * math.log1p(-epsilon)
    if form == "nmst":
        return floor.expand_as(gates)
    survived = torch.where(steps >= 1, logsigmoid(-gates), 0)
    earlier = torch.cat([before, before + survived[:, :-1].cumsum(1)], dim=1)
    return torch.where(steps >= 1, floor + earlier, 0)


def log_probabilities(
    gates: Tensor, shares: Tensor, ceilings: Tensor, eos_token_ids: Sequence[int]
) -> Tensor:
    """Normalised log-probabilities of all tokens, shape [..., tokens], dtype of the shares.

    gates, ceilings: shape [...]; shares: shape [..., tokens], from `split_logits`. Where the ceiling is 0 (in
    a prompt) the gate alone decides.
    """
    goes_on = logsigmoid(-gates)
    ends = torch.logaddexp(logsigmoid(gates), goes_on + log_one_minus_exp(ceilings))
    is_eos = eos_mask(shares, eos_token_ids)
    return shares + torch.where(is_eos, ends.unsqueeze(-1), (goes_on + ceilings).unsqueeze(-1))


def log_one_minus_exp(x: Tensor) -> Tensor:
    """log(1 - exp(x)) for x <= 0, accurate everywhere; -inf with gradient 0 at x = 0.

    Source: M. Maechler, Accurately Computing log(1 - exp(-|a|)), 2012. Arguments of the branch that is not
    taken are replaced, because its gradient would be inf times 0.
    """
    is_small = x > -math.log(2)
    near = torch.where(is_small & (x < 0), x, -1).expm1().neg().log()
    far = torch.where(is_small, -1, x).exp().neg().log1p()
    return torch.where(x < 0, torch.where(is_small, near, far), -torch.inf)


def eos_mask(logits: Tensor, eos_token_ids: Sequence[int]) -> Tensor:
    """bool, shape [tokens], on the device of the logits: which tokens end a text."""
    mask = torch.zeros(logits.shape[-1], dtype=torch.bool)
    mask[list(eos_token_ids)] = True
    return mask.to(logits.device)


def checked_form(form: object, gate: object, epsilon: object) -> tuple[str, str, float]:
    """The options of a self-terminating distribution, or an error that says what they may be."""
    return (
        checked_choice("form", form, FORMS),
        checked_choice("gate", gate, GATES),
        _checked_probability("epsilon", epsilon),
    )


def stops_by(
    epsilon: float,
    *,
    n_eos: int = 1,
    do_sample: bool = False,
    top_k: int | None = None,
    top_p: float | None = None,
    num_beams: int = 1,
    risk: float = 1e-9,
) -> int:
    """The number of generated tokens, EOS included, by which the text has ended, whatever the weights are.

    Write f(t) = 1 - (1 - epsilon)^t for the floor of law 1, n for `n_eos`, k for `top_k` and m for `top_p`.
    The best of n EOS tokens has at least f/n, any other token at most 1 - f.

    - Greedy (certain): for f > n/(n+1) we have f/n > 1 - f, so the likeliest token is EOS.
    - Beam search (certain): from that step on, the best continuation of every beam is EOS, so the best of all
      candidates ends, and one beam at least is finished in every step. With `early_stopping=True` the search
      stops when `num_beams` are finished: num_beams - 1 steps later at most.
    - Sampling from all tokens (except with probability `risk`): P(T > t) = prod (1 - p_u(EOS)) is at most
      prod_{u <= t} (1 - epsilon)^u = (1 - epsilon)^(t(t+1)/2).
    - Top-k, one EOS token: were EOS not among the k likeliest, k tokens of at least f would have together at
      most 1 - f. So for f > 1/(k+1) it is, and renormalising leaves it at least f.
    - Nucleus, one EOS token: what is cut off has at most 1 - m, and never the likeliest token, so EOS stays
      for f > 1 - m or f > 1/2, with at least f. After top-k, too: it has left EOS at least f.
      For both, P(T > t) is at most the product of (1 - epsilon)^u over the steps u since EOS stays.
    - Sampling with several EOS tokens: from the step on where greedy decoding ends, the best of them is the
      likeliest token and never cut off; it has at least f/n > 1 - f >= all others, so each step ends the
      text with probability 1/2 at least.

    This holds at temperature 1 (greedy and beam search: at any) and as long as nothing else lowers EOS, such
    as a repetition penalty, `min_new_tokens`, suppressed tokens, or sampling that drops the likeliest token
    (`typical_p`). `TerminationProcessor` has a bound that is certain for every sampler.

    Args:
        epsilon: of the distribution, above 0 and below 1.
        n_eos: number of EOS tokens.
        do_sample: sample; otherwise greedy decoding, or beam search where `num_beams` is above 1.
        top_k, top_p: as in transformers' `generate()`; None: all tokens.
        risk: for sampling, the probability with which the text may be longer.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind or out of bounds.
        ConstraintError: options that contradict each other, or sampling with beams, for which no bound is
            known.
    """
    epsilon = _checked_probability("epsilon", epsilon)
    n_eos = checked_integer("n_eos", n_eos, least=1)
    num_beams = checked_integer("num_beams", num_beams, least=1)
    if top_k is not None:
        top_k = checked_integer("top_k", top_k, least=1)
    if top_p is not None:
        top_p = checked_number("top_p", top_p, above=0, most=1)
    risk = _checked_probability("risk", risk)
    checked_instance("do_sample", do_sample, bool, "True or False")
    if not do_sample and (top_k, top_p) != (None, None):
        raise ConstraintError("top_k and top_p do nothing without do_sample=True", advice="leave them out")
    certain = _first_step(epsilon, n_eos / (n_eos + 1))
    if not do_sample:
        return certain + num_beams - 1
    if num_beams > 1:
        raise ConstraintError("no bound is known for sampling with beams", got=num_beams)
    if n_eos > 1:
        return certain + math.ceil(math.log(risk) / math.log(0.5)) - 1
    stays = 1
    if top_k is not None:
        stays = _first_step(epsilon, 1 / (top_k + 1))
    if top_p is not None:
        stays = max(stays, _first_step(epsilon, 1 - top_p))
    stays = min(stays, certain)
    # The first t with (t(t+1) - stays(stays-1)) / 2 >= w, w the steps of weight 1 that the risk asks for.
    weight = math.log(risk) / math.log1p(-epsilon) + stays * (stays - 1) / 2
    return max(stays, math.ceil((math.sqrt(1 + 8 * weight) - 1) / 2))


def _first_step(epsilon: float, floor: float) -> int:
    """The first step t with 1 - (1 - epsilon)^t > floor, clearly."""
    if floor <= 0:
        return 1
    return max(1, math.floor(math.log((1 - floor) * (1 - _MARGIN)) / math.log1p(-epsilon)) + 1)


def _checked_probability(name: str, value: object) -> float:
    number = checked_number(name, value, above=0)
    if number >= 1:
        raise ArgumentValueError(f"{name} must be less than 1", got=value)
    return number
