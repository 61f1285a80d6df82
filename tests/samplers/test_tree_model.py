"""A tree read in one pass gives the logits of its branches read one by one, and its cache goes on as theirs.

Random tiny models of several families, both kinds of attention, both kinds of caches, batches with padding,
windows that are shorter than the text.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
import transformers
from tokentrellis import UnsupportedModelError
from tokentrellis.samplers.draft_tree import DraftTree
from tokentrellis.samplers.tree_model import TreeModel
from torch import Tensor

from tests.tiny_models import random_model

CLOSE = 2e-5  # float32, logits of about 10
SLIDING = {"sliding_window": 6, "layer_types": ["sliding_attention", "full_attention"]}
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {"num_key_value_heads": 1},
    "qwen2": {"num_key_value_heads": 1},
    "qwen2 sliding": {"num_key_value_heads": 1, "use_sliding_window": True, **SLIDING},
    "qwen3": {"num_key_value_heads": 1, "head_dim": 16},
    "gpt2": {},
    "gpt_neox": {},
    "mistral": {"num_key_value_heads": 1, "sliding_window": 6},
    "gemma": {"num_key_value_heads": 1, "head_dim": 16},
    "gemma2": {"num_key_value_heads": 1, "head_dim": 16, **SLIDING},
    "gemma3_text": {"num_key_value_heads": 1, "head_dim": 16, **SLIDING},
    "phi3": {"num_key_value_heads": 1},
    "opt": {"word_embed_proj_dim": 32, "ffn_dim": 64},
}
MODELS: dict[tuple[str, str], Any] = {}


def tiny(family: str, attention: str = "sdpa") -> Any:
    if family == "gemma2":
        attention = "eager"  # it has no other
    if (family, attention) not in MODELS:
        options = {"initializer_range": 0.3, "attn_implementation": attention, **FAMILIES[family]}
        MODELS[family, attention] = random_model(family.split()[0], **options)
    return MODELS[family, attention]


def plain_logits(model: Any, tokens: list[int]) -> Tensor:
    """After the last of these tokens, from nothing."""
    with torch.no_grad():
        logits: Tensor = model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0, -1]
    return logits


def draft_tree(root: int, seed: int, n_nodes: int = 9) -> DraftTree:
    generator = torch.Generator().manual_seed(seed)
    tree = DraftTree(root)
    while len(tree) < n_nodes:
        parent, token = (int(torch.randint(most, (), generator=generator)) for most in (len(tree), 300))
        tree.add_fixed(parent, token)
    return tree


def check_tree(model: Any, reader: TreeModel, texts: list[list[int]], seed: int) -> list[list[int]]:
    """Read one tree for each text whose last token is not read yet; returns the texts that were kept."""
    trees = [draft_tree(text[-1], seed + row, 9 - 2 * row) for row, text in enumerate(texts)]
    logits = reader.read_nodes([tree.tokens for tree in trees], [tree.parents for tree in trees])
    for tree, text, row_logits in zip(trees, texts, logits, strict=True):
        for node in range(len(tree)):
            expected = plain_logits(model, text + tree.path_tokens(node))
            torch.testing.assert_close(row_logits[node], expected, atol=CLOSE, rtol=CLOSE)
    paths = [tree.path((7 * seed) % len(tree)) for tree in trees]
    reader.keep([[0, *path] for path in paths])
    return [
        text + [tree.tokens[node] for node in path] + [seed + 1]
        for text, tree, path in zip(texts, trees, paths, strict=True)
    ]


@pytest.mark.parametrize(
    ("attention", "capacity"),
    [("sdpa", None), ("sdpa", 128), ("eager", None)],
    ids=["sdpa, dynamic", "sdpa, static", "eager, dynamic"],
)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_tree_is_its_branches(family: str, attention: str, capacity: int | None) -> None:
    model = tiny(family, attention)
    text = [5, 17, 3, 99, 200, 41, 8, 12, 77]
    reader = TreeModel(model, capacity=capacity)
    logits = reader.read_prompt(torch.tensor([text]))
    torch.testing.assert_close(logits[0], plain_logits(model, text), atol=CLOSE, rtol=CLOSE)
    texts = [[*text, 4]]
    for seed in range(2):
        texts = check_tree(model, reader, texts, seed)
    for token in (6, 250):  # plain decoding goes on from there, and trees after that
        logits = reader.read_next([texts[0][-1]])
        torch.testing.assert_close(logits[0], plain_logits(model, texts[0]), atol=CLOSE, rtol=CLOSE)
        texts = [[*texts[0], token]]
    check_tree(model, reader, texts, 2)


@pytest.mark.parametrize("capacity", [None, 128], ids=["dynamic", "static"])
@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma2", "mistral"])
def test_rows_of_different_lengths(
    family: str, capacity: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tokentrellis.samplers.tree_model._MOST_HOLES", 2)
    model = tiny(family)
    texts = [[5, 17, 3, 99, 200, 41, 8], [9, 2, 6]]
    ids = torch.zeros(2, 7, dtype=torch.long)
    mask = torch.zeros(2, 7, dtype=torch.long)
    for row, text in enumerate(texts):
        ids[row, 7 - len(text) :] = torch.tensor(text)
        mask[row, 7 - len(text) :] = 1
    reader = TreeModel(model, capacity=capacity)
    logits = reader.read_prompt(ids, mask)
    for row, text in enumerate(texts):
        torch.testing.assert_close(logits[row], plain_logits(model, text), atol=CLOSE, rtol=CLOSE)
    texts = [[*text, 4] for text in texts]
    for seed in range(4):
        texts = check_tree(model, reader, texts, seed)
    assert reader.lengths == [len(text) - 1 for text in texts]
    for text, row_logits in zip(texts, reader.read_next([text[-1] for text in texts]), strict=True):
        torch.testing.assert_close(row_logits, plain_logits(model, text), atol=CLOSE, rtol=CLOSE)
    texts = [[*text, 31] for text in texts]
    reader.select_rows([1])
    check_tree(model, reader, texts[1:], 4)


def test_a_tree_may_grow_level_by_level() -> None:
    model = tiny("llama")
    text = [5, 17, 3]
    reader = TreeModel(model)
    reader.read_prompt(torch.tensor([text]))
    tree = draft_tree(8, 1)
    for node in range(len(tree)):
        logits = reader.read_nodes([[tree.tokens[node]]], [[tree.parents[node]]])
        expected = plain_logits(model, [*text, 8, *tree.path_tokens(node)])
        torch.testing.assert_close(logits[0, 0], expected, atol=CLOSE, rtol=CLOSE)
    reader.keep([[0, 1]])
    check_tree(model, reader, [[*text, 8, tree.tokens[1], 30]], 2)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(dtype: torch.dtype) -> None:
    model = random_model("llama", initializer_range=0.05).to(dtype)
    reader = TreeModel(model)
    reader.read_prompt(torch.tensor([[5, 17, 3]]))
    logits = reader.read_nodes([[1, 2, 3, 4]], [[-1, 0, 0, 1]])
    expected = plain_logits(model, [5, 17, 3, 1, 2, 4])
    assert float((logits[0, 3] - expected).norm()) < 0.05 * float(expected.norm())


class TestRefusals:
    """Nothing is silently wrong."""

    def refuse(self, model: Any, message: str) -> None:
        with pytest.raises(UnsupportedModelError, match=message):
            TreeModel(model)

    def test_layers_that_cannot_branch(self) -> None:
        config = transformers.AutoConfig.for_model(
            "qwen3_next",
            vocab_size=64,
            hidden_size=32,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            num_experts=2,
            num_experts_per_tok=1,
            moe_intermediate_size=16,
            shared_expert_intermediate_size=16,
            linear_num_key_heads=2,
            linear_num_value_heads=2,
            linear_key_head_dim=8,
            linear_value_head_dim=8,
            layer_types=["linear_attention"],
        )
        self.refuse(transformers.AutoModelForCausalLM.from_config(config).eval(), "linear_attention")

    def test_no_positions(self) -> None:
        self.refuse(random_model("bloom", n_head=2, n_layer=1), "no explicit positions")

    def test_encoders(self) -> None:
        config = transformers.T5Config(vocab_size=64, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
        self.refuse(transformers.T5ForConditionalGeneration(config).eval(), "encoder with a decoder")

    def test_other_attention(self) -> None:
        model = random_model("llama", num_hidden_layers=1)
        model.config._attn_implementation = "flash_attention_2"
        self.refuse(model, "flash_attention_2")

    def test_a_window_that_masks_know_nothing_of(self) -> None:
        """transformers' cache would follow it, its mask would not."""
        self.refuse(random_model("llama", num_hidden_layers=1, sliding_window=6), "a sliding window of 6")
        TreeModel(random_model("mistral", num_key_value_heads=1, num_hidden_layers=1, sliding_window=6))

    def test_windows_by_slot(self) -> None:
        model = random_model("gpt_neo", attention_types=[[["global", "local"], 1]], window_size=6)
        self.refuse(model, "layers of the kind local")

    def test_keys_chosen_by_what_they_hold(self) -> None:
        self.refuse(random_model("doge", num_key_value_heads=1, keep_window_size=6), "what they hold")

    def test_training_mode(self) -> None:
        self.refuse(random_model("llama", num_hidden_layers=1).train(), "training mode")

    def test_a_model_that_ignores_masks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As eager attention does with a mask of Booleans, say."""
        model = random_model("llama", seed=5)
        forward = model.forward

        def ignore(**inputs: Any) -> Any:
            mask = inputs.get("attention_mask")
            if mask is not None and mask.ndim == 4:
                inputs["attention_mask"] = torch.zeros_like(mask)
            return forward(**inputs)

        ignore.__signature__ = inspect.signature(forward)  # type: ignore[attr-defined]
        monkeypatch.setattr(model, "forward", ignore)
        self.refuse(model, "something else with the mask")
