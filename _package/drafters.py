"""Drafters for the command line: a name out of a few, and perhaps a draft model, in; a drafter out.

What goes together is checked before any model is loaded; a draft model must have the tokens of the model that
it drafts for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .grammars.errors import ConstraintError

if TYPE_CHECKING:
    from .models import LoadedModel
    from .samplers.drafter import Drafter

WITHOUT_MODEL = ("recycling", "ngram", "lookup", "suffix", "forced")
WITH_MODEL = ("rsd", "beam", "dyspec", "sequoia")


def check_drafter(name: str | None, draft_model: str | None) -> None:
    """Raise ConstraintError unless these options go together."""
    known = (*WITHOUT_MODEL, *WITH_MODEL)
    if name is not None and name not in known:
        raise ConstraintError(
            "--drafter: there is no such drafter", got=name, advice=f"take one of {', '.join(known)}"
        )
    if name in WITH_MODEL and draft_model is None:
        raise ConstraintError(
            f"--drafter {name} needs a draft model", advice="name a smaller one with --draft-model"
        )
    if draft_model is not None and name not in WITH_MODEL:
        raise ConstraintError(
            f"--draft-model would do nothing with {'no --drafter' if name is None else f'--drafter {name}'}",
            got=draft_model,
            advice=f"take --drafter {' or '.join(WITH_MODEL)}, or leave it out",
        )


def make_drafter(name: str, draft_model: str | None, loaded: LoadedModel) -> Drafter:
    """The drafter of this name for a model. Where it has no model, forced text of the grammar is added.

    Raises:
        VocabularyError: the draft model has other tokens. UnsupportedModelError: it cannot read trees.
        ConstraintError: it cannot be loaded.
    """
    from .samplers.draft_combined import CombinedDrafter
    from .samplers.draft_forced import ForcedTokens
    from .samplers.draft_lookup import PromptLookup, SuffixLookup
    from .samplers.draft_recycling import TokenRecycling
    from .samplers.draft_trigrams import TrigramTree

    if draft_model is not None:
        return _model_drafter(name, _load_draft_model(draft_model, loaded))
    makers: dict[str, Any] = {
        "recycling": TokenRecycling,
        "ngram": TrigramTree,
        "lookup": PromptLookup,
        "suffix": SuffixLookup,
    }
    return ForcedTokens() if name == "forced" else CombinedDrafter([makers[name](), ForcedTokens()])


def _model_drafter(name: str, model: Any) -> Drafter:
    from .samplers.draft_dynamic import DynamicTree
    from .samplers.draft_model import GumbelTree, OptimalTree, StochasticBeam

    makers: dict[str, Any] = {
        "rsd": GumbelTree,
        "beam": StochasticBeam,
        "dyspec": DynamicTree,
        "sequoia": OptimalTree,
    }
    drafter: Drafter = makers[name](model)
    return drafter


def _load_draft_model(name: str, loaded: LoadedModel) -> Any:
    from .decoding.errors import VocabularyError
    from .decoding.generate import is_same_tokenizer, read_vocabulary
    from .models import load_model

    draft = load_model(name)
    own, other = (read_vocabulary(each.model, each.tokenizer) for each in (loaded, draft))
    if not is_same_tokenizer(own, other):
        raise VocabularyError(
            "the draft model must have the tokens of the model",
            got=other,
            advice=f"take one of the same family, with {own!r}",
        )
    return draft.model
