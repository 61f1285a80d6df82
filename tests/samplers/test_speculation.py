"""Decoding with drafts: the law of plain decoding when tokens are drawn, the same output when they are not.

Drafts from a table that knows nothing of the model, so that rejections, residuals and every depth occur.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import tokentrellis as tt
import torch
import transformers
from tokentrellis.samplers.draft_forced import ForcedTokens
from tokentrellis.samplers.drafter import Drafter
from tokentrellis.samplers.speculation import Speculation
from tokentrellis.samplers.tree_growth import TreeGrowth

from tests.samplers.chi_square import chi_square_p
from tests.samplers.small_worlds import EOS, LENGTH, TOKENS, draw_texts, law_of
from tests.samplers.table_drafters import TableDrafter, always
from tests.tiny_models import N_LOGITS, random_model, tiny_model, tiny_tokenizer

N_DRAWS = int(os.environ.get("TOKENTRELLIS_DRAWS", "500"))
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 6},
        "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "tags": {"type": "array", "items": {"enum": ["red", "blue"]}, "maxItems": 2},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}
PROMPTS = ["Ann Lee is 41 years old.", "x", '{"name": "Bo"', "likes red and blue " * 5]


class TestLaw:
    """A small model whose law is known, 500 texts each (TOKENTRELLIS_DRAWS=20000: more)."""

    @pytest.mark.parametrize("rule", ["recursive", "traversal"])
    @pytest.mark.parametrize("has_grammar", [False, True], ids=["free", "grammar"])
    def test_is_that_of_plain_decoding(self, rule: str, has_grammar: bool) -> None:
        """Nodes with drawn children, fixed ones, and both."""
        drafter = TableDrafter(len(TOKENS), branching=(2, 1), fixed=(1, 4, EOS))
        counts = draw_texts(always(drafter, rule=rule), N_DRAWS, has_grammar=has_grammar)
        assert chi_square_p(counts, law_of(has_grammar)) > 1e-3

    def test_with_temperature_and_top_k(self) -> None:
        """Applied to p and q alike."""
        drafter = always(TableDrafter(len(TOKENS), branching=(2, 1)))
        counts = draw_texts(drafter, N_DRAWS, has_grammar=True, temperature=0.7, top_k=3)
        assert chi_square_p(counts, law_of(True, 0.7, 3)) > 1e-3

    @pytest.mark.parametrize("width", [len(TOKENS) - 2, len(TOKENS) + 3])
    def test_drafts_of_another_width(self, width: int) -> None:
        drafter = TableDrafter(len(TOKENS))
        drafter.logits = torch.randn(len(TOKENS), width, generator=torch.Generator().manual_seed(0))
        assert chi_square_p(draw_texts(always(drafter), N_DRAWS, has_grammar=False), law_of(False)) > 1e-3


def reorder(growth: TreeGrowth) -> None:
    """Siblings by probability, not as they were drawn."""
    for node, children in enumerate(growth.tree._drawn):
        if children:
            probs = growth.tree.draft_probs(node)
            children.sort(key=lambda child: -float(probs[growth.tree.tokens[child]]))


def forget_mask(growth: TreeGrowth) -> None:
    """q as it was before the mask of the draws."""
    logits = TableDrafter(len(TOKENS)).logits
    for node, children in enumerate(growth.tree._drawn):
        if children:
            growth.tree.set_draft_probs(node, logits[growth.tree.tokens[node]].softmax(-1))


def take_for_drawn(growth: TreeGrowth) -> None:
    """Fixed tokens, verified as if they had been drawn."""
    tree = growth.tree
    for node, children in enumerate(tree._fixed):
        if children:
            if not tree._drawn[node]:
                logits = TableDrafter(len(TOKENS)).logits[tree.tokens[node]]
                tree.set_draft_probs(node, growth.draft_probs(node, logits))
            tree._drawn[node] += children.values()
            tree._fixed[node] = {}


class TestMistakes:
    """What goes wrong easily is found by the same test, with certainty."""

    @pytest.mark.parametrize(
        ("spoil", "options"),
        [
            (reorder, {"branching": (3, 1)}),
            (forget_mask, {"branching": (3, 2)}),
            (take_for_drawn, {"branching": (1, 1), "fixed": (0, 1, 2, 3)}),
        ],
    )
    def test_shows(self, spoil: Any, options: dict[str, Any]) -> None:
        drafter = TableDrafter(len(TOKENS), spoil=spoil, **options)
        counts = draw_texts(always(drafter), 2000, has_grammar=True)
        assert chi_square_p(counts, law_of(True)) < 1e-6

    def test_common_noise_shows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Draft and verification with two generators that are seeded alike."""
        monkeypatch.setattr(torch, "randint", lambda *size, **options: torch.zeros(2, dtype=torch.long))
        drafter = TableDrafter(len(TOKENS), branching=(1,))
        # In batches the streams would run apart.
        counts = draw_texts(always(drafter), 2000, has_grammar=False)
        assert chi_square_p(counts, law_of(False)) < 1e-6


class TestGreedy:
    """The same output as without drafts."""

    @pytest.mark.parametrize("rule", ["recursive", "traversal"])
    @pytest.mark.parametrize("family", ["llama", "gpt2", "gemma3_text"])
    def test_with_a_grammar(self, family: str, rule: str) -> None:
        sizes = {"num_key_value_heads": 1, "head_dim": 16} if family == "gemma3_text" else {}
        model = tiny_model() if family == "llama" else random_model(family, **sizes)
        grammar = tt.compile_grammar(
            tt.from_json_schema(SCHEMA), tt.Vocabulary.from_tokenizer(tiny_tokenizer())
        )
        drafter = always(TableDrafter(N_LOGITS, branching=(3, 2), fixed=(5, 30)), rule=rule)
        plain = tt.generate(model, tiny_tokenizer(), PROMPTS, grammar=grammar, max_new_tokens=40)
        drafted = tt.generate(
            model, tiny_tokenizer(), PROMPTS, grammar=grammar, max_new_tokens=40, drafter=drafter
        )
        for one, other in zip(plain, drafted, strict=True):
            assert one.token_ids == other.token_ids
            assert one.log_prob == pytest.approx(other.log_prob, abs=1e-3)
            assert other.stats.speculation is not None
            assert one.stats.speculation is None

    @pytest.mark.parametrize("options", [{}, {"cache_implementation": "static"}, {"repetition_penalty": 1.3}])
    def test_without_a_grammar(self, options: dict[str, Any]) -> None:
        model = tiny_model()
        inputs = tiny_tokenizer()(PROMPTS, return_tensors="pt", padding=True, return_token_type_ids=False)
        limits = {"max_new_tokens": 30, "do_sample": False, **options}
        plain = model.generate(**inputs, **limits)
        for drafter in (ForcedTokens(), TableDrafter(N_LOGITS, branching=(2,), fixed=(3, 4))):
            assert torch.equal(model.generate(**inputs, **limits, custom_generate=always(drafter)), plain)

    def test_with_a_deadline(self) -> None:
        """A processor of ours that looks at the text, and knows where the prompt ends."""
        vocabulary = tt.Vocabulary.from_tokenizer(tiny_tokenizer())
        inputs = tiny_tokenizer()("Ann", return_tensors="pt", return_token_type_ids=False)
        outputs = []
        for extra in ({}, {"custom_generate": always(TableDrafter(N_LOGITS, branching=(2,), fixed=(3, 4)))}):
            deadline = tt.TerminationProcessor(vocabulary, stops_by=12, ends_at="anywhere")
            outputs.append(
                tiny_model().generate(
                    **inputs, max_new_tokens=30, do_sample=False, logits_processor=[deadline], **extra
                )
            )
        assert torch.equal(*outputs)
        assert outputs[0].shape[1] <= inputs["input_ids"].shape[1] + 12
        two = {name: tensor.repeat(2, 1) for name, tensor in inputs.items()}
        with pytest.raises(tt.ArgumentValueError, match="takes one prompt at a time"):
            tiny_model().generate(**two, max_new_tokens=3, logits_processor=[deadline], **extra)

    def test_forced_tokens_are_kept(self) -> None:
        """A grammar of a single text, which the model spells as it likes; EOS is part of the draft."""
        grammar = tt.from_choices(["old and likes"])
        result = tt.generate(
            tiny_model(), tiny_tokenizer(), "x", grammar=grammar, drafter=always(ForcedTokens())
        )
        assert result.text == "old and likes"
        speculation = result.stats.speculation
        assert speculation is not None
        assert result.stats.n_tokens == speculation.n_tokens + 1
        assert speculation.block_efficiency >= 3

    def test_a_stopping_criterion_stops_inside_a_draft(self) -> None:
        model = tiny_model()
        inputs = tiny_tokenizer()("Ann", return_tensors="pt", return_token_type_ids=False)
        plain = model.generate(**inputs, max_new_tokens=20, do_sample=False)
        stop = int(plain[0, inputs["input_ids"].shape[1] + 6])

        class Stop(transformers.StoppingCriteria):
            def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:
                return input_ids[:, -1] == stop

        class Oracle(TableDrafter):
            """Proposes what comes."""

        oracle = Oracle(N_LOGITS, branching=())
        oracle.fixed = plain[0, -12:].tolist()
        options = {"max_new_tokens": 20, "do_sample": False, "stopping_criteria": [Stop()]}
        drafted = model.generate(**inputs, **options, custom_generate=always(oracle).decode)
        assert torch.equal(drafted.sequences, model.generate(**inputs, **options))
        n_new = drafted.sequences.shape[1] - inputs["input_ids"].shape[1]
        assert drafted.statistics.n_tokens == n_new - 1  # what was drafted beyond the stop does not count

    def test_criteria_of_the_caller(self) -> None:
        """They stand in the place of what the configuration says, as in plain decoding."""
        model = tiny_model(3)
        inputs = tiny_tokenizer()("Ann", return_tensors="pt", return_token_type_ids=False)
        options = {"max_new_tokens": 20, "do_sample": False, "eos_token_id": None}
        plain = model.generate(**inputs, **options)
        width = inputs["input_ids"].shape[1]
        drafter = always(TableDrafter(N_LOGITS, branching=(2,), fixed=(3, 4)))
        for criterion in (
            transformers.generation.stopping_criteria.MaxLengthCriteria(width + 5),
            transformers.generation.stopping_criteria.EosTokenCriteria(int(plain[0, width + 4])),
            transformers.StopStringCriteria(tiny_tokenizer(), [tiny_tokenizer().decode(plain[0, width + 4])]),
        ):
            stopped = model.generate(
                **inputs, **options, stopping_criteria=[criterion], custom_generate=drafter
            )
            assert torch.equal(stopped, model.generate(**inputs, **options, stopping_criteria=[criterion]))
            assert stopped.shape[1] < plain.shape[1]


class TestGrammar:
    def test_a_text_that_has_begun(self) -> None:
        """The grammar begins inside the prompt, which counts against its budget."""
        grammar = tt.compile_grammar(
            tt.from_json_schema(SCHEMA), tt.Vocabulary.from_tokenizer(tiny_tokenizer())
        )
        ids = tiny_tokenizer()('Ann is 41. {"name":', return_tensors="pt")["input_ids"]
        width = len(tiny_tokenizer()("Ann is 41. ")["input_ids"])
        limits = {"max_new_tokens": 40, "do_sample": False, "attention_mask": torch.ones_like(ids)}
        drafter = always(TableDrafter(N_LOGITS, branching=(2, 1), fixed=(5, 9)))
        outputs = []
        for extra in ({}, {"custom_generate": drafter}):
            processor = tt.GrammarProcessor(grammar, max_new_tokens=30, prompt_length=width)
            outputs.append(tiny_model().generate(ids, logits_processor=[processor], **limits, **extra))
        assert torch.equal(*outputs)
        assert grammar.grammar.accepts(tiny_tokenizer().decode(outputs[0][0, width:-1]))
        processor = tt.GrammarProcessor(grammar, prompt_length=ids.shape[1] + 1)
        with pytest.raises(tt.ArgumentValueError, match="at least as long as prompt_length"):
            tiny_model().generate(ids, logits_processor=[processor], **limits, **extra)

    def test_outputs_are_valid_within_every_budget(self) -> None:
        grammar = tt.compile_grammar(
            tt.from_json_schema(SCHEMA), tt.Vocabulary.from_tokenizer(tiny_tokenizer())
        )
        needed = grammar.matcher().tokens_to_finish
        drafter = always(TableDrafter(N_LOGITS, branching=(3, 2, 1), fixed=(5, 30, 1)))
        for budget in range(needed, needed + 12, 3):
            for result in tt.generate(  # replays each output through a new matcher
                tiny_model(),
                tiny_tokenizer(),
                PROMPTS,
                grammar=grammar,
                max_new_tokens=budget,
                seed=budget,
                drafter=drafter,
            ):
                assert grammar.grammar.accepts(result.text)
                assert len(result.token_ids) <= budget
        with pytest.raises(tt.BudgetTooSmallError):
            tt.generate(
                *(tiny_model(), tiny_tokenizer(), "x"),
                grammar=grammar,
                max_new_tokens=3,
                drafter=drafter,
            )

    def test_the_matcher_is_where_the_text_is(self) -> None:
        """After each step it is in the state of a matcher that has read the text alone."""

        class Watch(TableDrafter):
            def session(self, prompt: Any) -> Any:
                session = super().session(prompt)
                grow = session.grow

                def watched(growth: TreeGrowth) -> None:
                    fresh = grammar.matcher()
                    assert fresh.try_accept_tokens(growth.text[len(prompt) :]) == len(growth.text) - len(
                        prompt
                    )
                    assert growth._matcher is not None
                    assert growth._matcher.state_id == fresh.state_id
                    seen.append(fresh.state_id)
                    grow(growth)

                session.grow = watched  # type: ignore[method-assign]
                return session

        grammar = tt.compile_grammar(
            tt.from_json_schema(SCHEMA), tt.Vocabulary.from_tokenizer(tiny_tokenizer())
        )
        seen: list[int] = []
        drafter = always(Watch(N_LOGITS, branching=(3, 2), fixed=(5, 30)))
        tt.generate(tiny_model(), tiny_tokenizer(), PROMPTS, grammar=grammar, seed=1, drafter=drafter)
        assert len(set(seen)) > 10

    def test_eos_inside_a_tree(self) -> None:
        """Siblings of EOS may go on; nothing comes after EOS."""
        trees = []

        class Watch(TableDrafter):
            def session(self, prompt: Any) -> Any:
                session = super().session(prompt)
                session.learn = lambda growth, logits, verdict: trees.append((growth.tree, verdict))
                return session

        draw_texts(always(Watch(len(TOKENS), branching=(3, 2))), 250, has_grammar=True)
        inner = [node for tree, _ in trees for node in range(len(tree)) if tree.tokens[node] == EOS]
        assert inner
        for tree, verdict in trees:
            for node in range(1, len(tree)):
                assert tree.parents[node] not in tree.final
                assert (tree.tokens[node] == EOS) <= (node in tree.final)
            assert (verdict.token is None) == bool(verdict.path and verdict.path[-1] in tree.final)
        assert any(
            verdict.token is None and tree.depths[verdict.path[-1]] < LENGTH - 1 for tree, verdict in trees
        )


class TestSeeds:
    def test_repeat(self) -> None:
        options = {"grammar": tt.from_json_schema(SCHEMA), "drafter": always(TableDrafter(N_LOGITS))}
        texts = [
            tt.generate(tiny_model(), tiny_tokenizer(), "x", seed=seed, **options).token_ids
            for seed in (1, 1, 2)
        ]
        assert texts[0] == texts[1] != texts[2]

    def test_the_global_state_is_left_alone(self) -> None:
        before = torch.random.get_rng_state()
        tt.generate(
            *(tiny_model(), tiny_tokenizer(), "x"),
            grammar=tt.from_choices(["a", "b"]),
            seed=3,
            drafter=TableDrafter(N_LOGITS),
        )
        assert torch.equal(before, torch.random.get_rng_state())


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"num_beams": 2}, "num_beams is not to be had"),
            ({"return_dict_in_generate": True}, "return_dict_in_generate is not to be had"),
            ({"guidance_scale": 1.5}, "must be a function of the text"),
            ({"prompt_lookup_num_tokens": 3}, "prompt_lookup_num_tokens is not to be had"),
            ({"output_hidden_states": True}, "output_hidden_states is not to be had"),
            ({"cache_implementation": "offloaded"}, "'dynamic' or 'static'"),
        ],
    )
    def test_of_configurations(self, options: dict[str, Any], message: str) -> None:
        inputs = tiny_tokenizer()("Ann", return_tensors="pt", return_token_type_ids=False)
        with pytest.raises(tt.ArgumentValueError, match=message):
            tiny_model().generate(**inputs, max_new_tokens=3, custom_generate=ForcedTokens(), **options)

    @pytest.mark.parametrize(
        ("inputs", "message"),
        [
            ({"token_type_ids": torch.ones(1, 3, dtype=torch.long)}, "not token_type_ids"),
            ({"position_ids": torch.tensor([[4, 5, 6]])}, "have the positions 0, 1, 2"),
            ({"attention_mask": torch.tensor([[1, 1, 0]])}, "padding must be on the left"),
            ({"input_ids": None, "inputs_embeds": torch.zeros(1, 3, 32)}, "at least one token"),
        ],
    )
    def test_of_inputs_that_would_be_ignored(self, inputs: dict[str, Any], message: str) -> None:
        prompt = {"input_ids": torch.tensor([[5, 6, 7]]), "attention_mask": torch.ones(1, 3), **inputs}
        with pytest.raises(tt.ArgumentValueError, match=message):
            random_model("gpt2").generate(**prompt, max_new_tokens=3, custom_generate=ForcedTokens())

    @pytest.mark.parametrize(
        ("rope", "is_right_beyond"),
        [
            ({"rope_type": "dynamic", "factor": 2.0}, False),
            (
                {
                    "rope_type": "longrope",
                    "short_factor": [1.0] * 8,
                    "long_factor": [4.0] * 8,
                    "original_max_position_embeddings": 16,
                },
                True,
            ),
        ],
    )
    def test_of_lengths_where_positions_change(self, rope: dict[str, Any], is_right_beyond: bool) -> None:
        """Plain decoding embeds positions in another way from there on; up to there outputs are the same."""
        parameters = {"rope_theta": 10000.0, **rope}
        model = random_model("llama", rope_parameters=parameters, max_position_embeddings=16)
        drafter = always(TableDrafter(N_LOGITS, branching=(2,), fixed=(3, 4)))

        def outputs(width: int, n_new: int) -> list[torch.Tensor]:
            ids = torch.arange(20, 20 + width)[None]
            options = {"attention_mask": torch.ones_like(ids), "max_new_tokens": n_new, "do_sample": False}
            return [model.generate(ids, **options, **extra) for extra in ({}, {"custom_generate": drafter})]

        assert torch.equal(*outputs(6, 10))
        with pytest.raises(tt.ArgumentValueError, match=r"beyond 16 tokens.*lower max_new_tokens to 10"):
            outputs(6, 11)
        if is_right_beyond:
            assert torch.equal(*outputs(17, 12))
        else:
            with pytest.raises(tt.ArgumentValueError, match="beyond 16 tokens"):
                outputs(17, 12)

    def test_of_a_slack(self) -> None:
        """It changes the law."""
        grammar = tt.compile_grammar(tt.from_choices(["a"]), tt.Vocabulary.from_tokenizer(tiny_tokenizer()))
        with pytest.raises(tt.ArgumentValueError, match="budget_slack is not to be had"):
            tiny_model().generate(
                torch.tensor([[5]]),
                attention_mask=torch.tensor([[1]]),
                max_new_tokens=9,
                logits_processor=[tt.GrammarProcessor(grammar, max_new_tokens=9, budget_slack=4)],
                custom_generate=ForcedTokens(),
            )

    def test_of_a_filled_cache(self) -> None:
        inputs = tiny_tokenizer()("Ann Lee", return_tensors="pt", return_token_type_ids=False)
        cache = transformers.DynamicCache()
        tiny_model()(input_ids=inputs["input_ids"][:, :1], past_key_values=cache)
        with pytest.raises(tt.ArgumentValueError, match="past_key_values"):
            tiny_model().generate(
                **inputs, max_new_tokens=3, past_key_values=cache, custom_generate=ForcedTokens()
            )

    def test_of_a_vocabulary_that_is_too_large(self) -> None:
        grammar = tt.compile_grammar(tt.from_choices(["a"]), tt.Vocabulary.from_tokenizer(tiny_tokenizer()))
        with pytest.raises(tt.VocabularyError, match="must cover"):
            tiny_model(n_logits=300).generate(
                torch.tensor([[5]]),
                attention_mask=torch.tensor([[1]]),
                max_new_tokens=3,
                logits_processor=[tt.GrammarProcessor(grammar)],
                custom_generate=ForcedTokens(),
            )

    def test_of_what_is_no_drafter(self) -> None:
        with pytest.raises(tt.ArgumentTypeError, match="drafter must be a Drafter or a Speculation"):
            tt.generate(  # type: ignore[call-overload]
                tiny_model(), tiny_tokenizer(), "x", grammar=tt.from_choices(["a"]), drafter="lookup"
            )
        with pytest.raises(tt.ArgumentTypeError, match="make one of this class"):
            tt.generate(  # type: ignore[call-overload]
                tiny_model(), tiny_tokenizer(), "x", grammar=tt.from_choices(["a"]), drafter=ForcedTokens
            )
        with pytest.raises(tt.ArgumentTypeError, match="drafter must be a Drafter"):
            Speculation("lookup")  # type: ignore[arg-type]
        with pytest.raises(tt.ArgumentValueError, match="rule must be 'recursive' or 'traversal'"):
            Speculation(ForcedTokens(), rule="greedy")

    def test_of_scores_that_leave_nothing(self) -> None:
        inputs = tiny_tokenizer()("Ann", return_tensors="pt", return_token_type_ids=False)
        grammar = tt.compile_grammar(tt.from_choices(["a"]), tt.Vocabulary.from_tokenizer(tiny_tokenizer()))
        with pytest.raises(tt.NoAllowedTokenError, match="has the score -inf"):
            tiny_model().generate(
                **inputs,
                max_new_tokens=3,
                logits_processor=[tt.GrammarProcessor(grammar)],
                suppress_tokens=list(range(2, 340)),
                custom_generate=ForcedTokens(),
            )


def test_a_drafter_is_a_drafter() -> None:
    assert issubclass(ForcedTokens, Drafter)
    with pytest.raises(TypeError):
        Drafter()  # type: ignore[abstract]
