"""Training with a countdown: batches, bounds, and that Trainer and PEFT train and save what is needed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import tokentrellis as tt
import torch
from tokentrellis.decoding.countdown_training import draw_upper_bounds
from tokentrellis.decoding.training_examples import encode_prompt
from transformers import GenerationConfig, Trainer, TrainingArguments

from tests.decoding.countdown_models import EOS, PAD, padded, plain_model, prompts
from tests.tiny_models import tiny_tokenizer

FEATURES = [
    {"input_ids": [5, 6, 7, 8, 1], "labels": [-100, -100, 7, 8, 1]},
    {"input_ids": [5, 9, 1], "labels": [-100, 9, 1]},
    {"input_ids": [5, 6, 7, 8, 8, 1], "labels": [-100, 6, 7, -100, 8, 1]},
]


def test_a_batch_says_where_responses_begin_and_how_long_they_are() -> None:
    batch = tt.CountdownCollator(PAD)(FEATURES)
    assert batch["input_ids"].tolist() == [[5, 6, 7, 8, 1, 0], [5, 9, 1, 0, 0, 0], [5, 6, 7, 8, 8, 1]]
    assert batch["labels"][1].tolist() == [-100, 9, 1, -100, -100, -100]
    assert batch["attention_mask"].sum(1).tolist() == [5, 3, 6]
    assert batch["response_start"].tolist() == [2, 1, 1]
    assert batch["target_length"].tolist() == [3, 2, 5]
    left = tt.CountdownCollator(PAD, padding_side="left")(FEATURES)
    assert left["input_ids"][1].tolist() == [0, 0, 0, 5, 9, 1]
    assert left["response_start"].tolist() == [3, 4, 1]
    assert left["target_length"].tolist() == [3, 2, 5]


def test_the_loss_does_not_depend_on_the_side_of_padding() -> None:
    model = tt.add_countdown(plain_model("gpt2"))
    losses = []
    for side in ("left", "right"):
        batch = tt.CountdownCollator(PAD, padding_side=side)(FEATURES)
        positions = (batch["attention_mask"].cumsum(1) - 1).clamp(min=0)
        losses.append(model(**batch, position_ids=positions).loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_bounds_lie_at_or_above_the_length() -> None:
    lengths = torch.arange(1, 2001)
    bounds = draw_upper_bounds(lengths, 7, torch.Generator().manual_seed(0))
    assert set((bounds - lengths).tolist()) == set(range(8))
    settings = tt.Countdown(at_most=True)
    collators = [
        tt.CountdownCollator(
            PAD, settings=settings, largest_extra=30, generator=torch.Generator().manual_seed(3)
        )
        for _ in range(2)
    ]
    first, second = (collator(FEATURES)["target_length"] for collator in collators)
    assert torch.equal(first, second)
    assert (first >= torch.tensor([3, 2, 5])).all()


@pytest.mark.parametrize(
    "features",
    [
        [],
        [3],
        [{"input_ids": [1, 2]}],
        [{"input_ids": [1, 2], "labels": [-100, -100]}],
        [{"input_ids": [1, 2], "labels": [1]}],
        [{"input_ids": "ab", "labels": [1, 2]}],
    ],
)
def test_wrong_features_are_refused(features: Any) -> None:
    with pytest.raises(tt.ConstraintError):
        tt.CountdownCollator(PAD)(features)


@pytest.mark.parametrize(
    "options",
    [
        {"pad_token_id": -1},
        {"pad_token_id": None},
        {"settings": "orpe"},
        {"largest_extra": -1},
        {"padding_side": "top"},
        {"padding_side": None},
        {"generator": 3},
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(tt.ConstraintError):
        tt.CountdownCollator(**{"pad_token_id": PAD, **options})


RECORDS: dict[str, tuple[list[dict[str, Any]], dict[str, str]]] = {
    "two keys": (
        [{"question": "Ann Lee", "answer": "is 41"}],
        {"prompt_key": "question", "answer_key": "answer"},
    ),
    "messages": (
        [
            {
                "messages": [
                    {"role": "user", "content": "Ann Lee"},
                    {"role": "assistant", "content": "is 41"},
                ]
            }
        ],
        {},
    ),
    "conversations": (
        [{"conversations": [{"from": "human", "value": "Ann Lee"}, {"from": "gpt", "value": "is 41"}]}],
        {},
    ),
}


@pytest.mark.parametrize("form", RECORDS)
def test_records_of_every_form_become_the_same_example(form: str) -> None:
    tokenizer = tiny_tokenizer()
    records, keys = RECORDS[form]
    (example,) = tt.countdown_examples(tokenizer, records, **keys)
    prompt = tokenizer("Ann Lee\n")["input_ids"]
    assert example["input_ids"] == [*prompt, *tokenizer("is 41")["input_ids"], tokenizer.eos_token_id]
    assert example["labels"] == [-100] * len(prompt) + example["input_ids"][len(prompt) :]
    assert not tt.countdown_examples(tokenizer, records, **keys, max_length=4)


def test_chat_templates_are_followed() -> None:
    tokenizer = tiny_tokenizer(339)  # of its own: the template is set below
    template = (
        "{% for message in messages %}[{{ message.role }}]{{ message.content }}"
        "{% if message.role == 'assistant' %}</s>\n{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    tokenizer.chat_template = template
    (example,) = tt.countdown_examples(tokenizer, RECORDS["messages"][0])
    assert tokenizer.decode(example["input_ids"]) == "[user]Ann Lee[assistant]is 41</s>"
    answer = [label for label in example["labels"] if label != -100]
    assert tokenizer.decode(answer) == "is 41</s>"
    prompt = encode_prompt(tokenizer, [{"role": "user", "content": "Ann Lee"}])
    assert example["input_ids"][: len(prompt)] == prompt
    tokenizer.chat_template = None


@pytest.mark.parametrize(
    ("records", "options"),
    [
        (3, {}),
        ("x", {}),
        ([3], {}),
        ([{"text": "x"}], {}),
        ([{"a": "x", "b": 3}], {"prompt_key": "a", "answer_key": "b"}),
        ([{"a": "x", "b": "y"}], {"prompt_key": "a"}),
        ([{"messages": [{"role": "user", "content": "x"}]}], {}),
        ([{"messages": [{"role": "user", "content": "x"}, {"role": "user", "content": "y"}]}], {}),
        ([{"messages": ["x", "y"]}], {}),
        ([], {"max_length": 0}),
    ],
)
def test_wrong_records_are_refused(records: Any, options: dict[str, Any]) -> None:
    with pytest.raises(tt.ConstraintError):
        tt.countdown_examples(tiny_tokenizer(), records, **options)


def counting_examples(n_examples: int) -> list[dict[str, list[int]]]:
    """Responses of 2 to 12 tokens that count on from anywhere: nothing in them tells when they end."""
    source = random.Random(0)
    examples = []
    for _ in range(n_examples):
        prompt = [source.randrange(2, 20) for _ in range(source.randint(1, 4))]
        first = source.randrange(10)
        response = [20 + (first + step) % 10 for step in range(source.randint(1, 11))] + [EOS]
        examples.append({"input_ids": prompt + response, "labels": [-100] * len(prompt) + response})
    return examples


def collate_without_targets(features: Any) -> dict[str, torch.Tensor]:
    """The batch that a model without a countdown gets."""
    batch = tt.CountdownCollator(PAD)(features)
    return {name: batch[name] for name in ("input_ids", "attention_mask", "labels")}


def train(model: Any, folder: Path, *, steps: int, told: bool = True) -> Trainer:
    """A short training; `told`: with the countdown."""
    pytest.importorskip("accelerate", reason="transformers' Trainer needs accelerate")
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=32,
        learning_rate=1e-2,
        use_cpu=True,
        report_to=[],
        disable_tqdm=True,
        save_strategy="no",
        logging_strategy="no",
        seed=0,
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=counting_examples(32 * 40),
        data_collator=tt.CountdownCollator(PAD) if told else collate_without_targets,
    )
    with torch.random.fork_rng(devices=[]):
        trainer.train()
    model.eval()
    return trainer


def mean_error(model: Any, targets: list[int]) -> float:
    source = random.Random(1)
    batch = padded([[source.randrange(2, 20) for _ in range(4)] for _ in targets])
    configuration = GenerationConfig(max_new_tokens=30, eos_token_id=EOS, pad_token_id=PAD)
    sequences = model.generate(**batch, target_length=targets, generation_config=configuration)
    lengths = [[*row.tolist(), EOS].index(EOS) + 1 for row in sequences[:, 4:]]
    return sum(abs(one - other) for one, other in zip(lengths, targets, strict=True)) / len(targets)


@pytest.mark.parametrize("kind", ["ldpe", "orpe", "progress_ratio"])
def test_trainer_teaches_the_countdown(kind: str, tmp_path: Path) -> None:
    """In the trained range the mean error is below one token, and the saved model is as good."""
    model = tt.add_countdown(plain_model("llama", spread=0.05), tt.Countdown(kind))
    trainer = train(model, tmp_path, steps=120)
    targets = list(range(3, 12))
    assert mean_error(model, targets) < 1
    trainer.save_model(str(tmp_path / "saved"))
    loaded = tt.load_countdown_model(tmp_path / "saved").eval()
    assert loaded.countdown.settings == model.countdown.settings
    assert mean_error(loaded, targets) < 1


def test_adapters_are_trained_saved_and_loaded(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    settings = tt.Countdown("ldpe", gated=True)
    base = tt.add_countdown(plain_model("llama", spread=0.05), settings)
    lora = peft.LoraConfig(
        r=8, target_modules=["q_proj", "v_proj"], modules_to_save=["countdown"], task_type="CAUSAL_LM"
    )
    model = peft.get_peft_model(base, lora)
    train(model, tmp_path, steps=5)
    expected = told_logits(model)
    model.save_pretrained(tmp_path / "adapter")
    settings.save(tmp_path / "adapter")
    fresh = tt.add_countdown(plain_model("llama", spread=0.05), tt.Countdown.load(tmp_path / "adapter"))
    loaded = peft.PeftModel.from_pretrained(fresh, tmp_path / "adapter").eval()
    torch.testing.assert_close(told_logits(loaded), expected)
    gates = [weight for name, weight in loaded.named_parameters() if name.endswith("default.gate")]
    assert len(gates) == 1
    assert gates[0].abs().item() > 0


def test_adapters_teach_the_countdown(tmp_path: Path) -> None:
    """A model that knows the texts and not their lengths learns these by low-rank adapters alone."""
    peft = pytest.importorskip("peft")
    base = tt.add_countdown(plain_model("llama", spread=0.05))
    train(base, tmp_path, steps=60, told=False)
    targets = list(range(3, 12))
    assert mean_error(base, targets) > 1.5
    lora = peft.LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = peft.get_peft_model(base, lora)
    train(model, tmp_path, steps=120)
    assert mean_error(model, targets) < 1


def told_logits(model: Any) -> torch.Tensor:
    """What a model thinks at each step of a generation with targets."""
    output = model.generate(
        **padded(prompts()),
        max_new_tokens=6,
        target_length=[6, 4, 3],
        output_logits=True,
        return_dict_in_generate=True,
    )
    return torch.stack(output.logits)
