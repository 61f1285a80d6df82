"""Traces against an oracle that asks for every token by itself; the page and the terminal view."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import tokentrellis as tt
import torch
from rich.console import Console
from tokentrellis.decoding.generate import read_vocabulary
from tokentrellis.decoding.traces import Observation, make_trace

from tests.commands import run
from tests.tiny_models import random_model, tiny_model, tiny_tokenizer

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 6}, "age": {"enum": [41, 7]}},
    "required": ["name", "age"],
}
PROMPT = "Ann Lee is 41 years old."
BUDGET = 40


def check_against_oracle(trace: tt.Trace, model: Any, token_ids: list[int], compiled: Any) -> None:
    """One forward pass, and each token of the vocabulary asked for by itself, budget included."""
    prompt_ids = tiny_tokenizer()(trace.prompt)["input_ids"]
    with torch.no_grad():
        logits = model(torch.tensor([[*prompt_ids, *token_ids]])).logits[0, len(prompt_ids) - 1 :]
    matcher = compiled.matcher()
    assert [step.token_id for step in trace.steps] == token_ids
    for place, step in enumerate(trace.steps):
        shares = torch.softmax(logits[place].double(), dim=-1)
        allowed = [fits(matcher, token_id, BUDGET - place) for token_id in range(len(shares))]
        kept = sum(float(shares[token_id]) for token_id, is_allowed in enumerate(allowed) if is_allowed)
        assert step.n_allowed == sum(allowed)
        assert step.removed == pytest.approx(1 - kept, abs=2e-5)
        assert step.probability == pytest.approx(float(shares[step.token_id]), abs=2e-5)
        assert step.masked_probability == pytest.approx(float(shares[step.token_id]) / kept, rel=1e-2)
        assert step.tokens_left == BUDGET - place
        assert step.tokens_to_finish == matcher.tokens_to_finish
        best = sorted(shares.tolist(), reverse=True)[:8]
        assert [other.probability for other in step.alternatives] == pytest.approx(best, abs=2e-5)
        assert all(other.is_allowed == allowed[other.token_id] for other in step.alternatives)
        matcher.accept_token(step.token_id)
    assert matcher.is_terminated


def fits(matcher: Any, token_id: int, budget: int) -> bool:
    if token_id >= matcher.compiled.vocabulary.vocab_size or not matcher.allows_token(token_id):
        return False
    after = matcher.copy()
    after.accept_token(token_id)
    return after.is_terminated or 1 + after.tokens_to_finish <= budget


def compiled_schema(schema: Any = SCHEMA) -> tt.CompiledGrammar:
    return tt.compile_grammar(tt.from_json_schema(schema), read_vocabulary(tiny_model(), tiny_tokenizer()))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"seed": 3},
        {"seed": 3, "sampler": tt.MaskSampler()},
        {"drafter": tt.PromptLookup()},
    ],
    ids=["greedy", "sampled", "sampler", "drafter"],
)
def test_a_trace_is_what_the_oracle_says(options: dict[str, Any]) -> None:
    compiled = compiled_schema()
    result = tt.generate(
        *(tiny_model(), tiny_tokenizer(), PROMPT),
        grammar=compiled,
        max_new_tokens=BUDGET,
        trace=True,
        **options,
    )
    assert result.trace is not None
    check_against_oracle(result.trace, tiny_model(), result.token_ids, compiled)
    assert result.trace.n_forced_tokens == result.stats.n_forced_tokens
    assert result.trace.text == result.text


def test_a_batch_has_a_trace_for_each_prompt_and_the_same_texts() -> None:
    prompts = [PROMPT, "Bo", "tags: red, blue, green and red"]
    options: dict[str, Any] = {"grammar": compiled_schema(), "max_new_tokens": BUDGET, "seed": 7}
    plain = tt.generate(tiny_model(), tiny_tokenizer(), prompts, **options)
    results = tt.generate(tiny_model(), tiny_tokenizer(), prompts, **options, trace=True)
    assert [result.token_ids for result in results] == [result.token_ids for result in plain]
    assert all(result.trace is None for result in plain)
    for prompt, result in zip(prompts, results, strict=True):
        assert result.trace is not None
        assert result.trace.prompt == prompt
        assert [step.token_id for step in result.trace.steps] == result.token_ids
        assert [step.tokens_left for step in result.trace.steps] == [
            BUDGET - place for place in range(len(result.token_ids))
        ]


def test_beams_and_a_grammar_for_each_row() -> None:
    """Rows change places here, and two prompts that are equal have different grammars."""
    grammars = [compiled_schema(), compiled_schema({"enum": ["red", "green", "blue"]})]
    recorder = tt.TraceRecorder(tt.GrammarProcessor(grammars, max_new_tokens=BUDGET), n_alternatives=8)
    inputs = tiny_tokenizer()([PROMPT, PROMPT], return_tensors="pt")
    for n_beams, n_returned in ((3, 2), (1, 1)):
        sequences = tiny_model().generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            logits_processor=[recorder],
            max_new_tokens=BUDGET,
            num_beams=n_beams,
            num_return_sequences=n_returned,
            do_sample=False,
        )
        traces = recorder.traces(sequences, [PROMPT] * len(sequences))
        assert len(traces) == 2 * n_returned
        width = inputs["input_ids"].shape[1]
        for row, trace in enumerate(traces):
            written = sequences[row, width:].tolist()
            eos = written.index(tiny_tokenizer().eos_token_id) + 1
            if n_beams > 1:  # beam search hands the processor log-probabilities: the same law
                assert all(step.probability is not None for step in trace.steps)
            check_against_oracle(trace, tiny_model(), written[:eos], grammars[row // n_returned])


def test_prompt_lookup_of_transformers() -> None:
    compiled = compiled_schema()
    recorder = tt.TraceRecorder(tt.GrammarProcessor(compiled, max_new_tokens=BUDGET))
    model = random_model("llama", seed=1)
    inputs = tiny_tokenizer()(PROMPT, return_tensors="pt")["input_ids"]
    sequences = model.generate(
        inputs, logits_processor=[recorder], max_new_tokens=BUDGET, prompt_lookup_num_tokens=3
    )
    (trace,) = recorder.traces(sequences, [PROMPT])
    check_against_oracle(trace, model, sequences[0, inputs.shape[1] :].tolist(), compiled)


def test_the_next_prompt_may_begin_with_the_one_before() -> None:
    recorder = tt.TraceRecorder(tt.GrammarProcessor(compiled_schema(), max_new_tokens=BUDGET))
    for prompt in ("Ann", "Ann Lee is", "Ann"):
        inputs = tiny_tokenizer()(prompt, return_tensors="pt")["input_ids"]
        sequences = tiny_model().generate(inputs, logits_processor=[recorder], max_new_tokens=BUDGET)
        (trace,) = recorder.traces(sequences)
        assert [step.token_id for step in trace.steps] == sequences[0, inputs.shape[1] :].tolist()


def test_a_length_alone_has_a_trace() -> None:
    result = tt.generate(
        *(tiny_model(), tiny_tokenizer(), PROMPT),
        length=tt.Length(characters=(5, 9)),
        max_new_tokens=BUDGET,
        trace=True,
    )
    assert result.trace is not None
    assert result.trace.n_forced_tokens == 0
    assert result.trace.text == result.text


def test_errors() -> None:
    with pytest.raises(tt.ArgumentTypeError, match="trace must be True or False"):
        tt.generate(tiny_model(), tiny_tokenizer(), PROMPT, grammar=SCHEMA, trace=1)  # type: ignore[call-overload]
    with pytest.raises(tt.ArgumentTypeError, match="processor must be a GrammarProcessor"):
        tt.TraceRecorder(compiled_schema())  # type: ignore[arg-type]
    recorder = tt.TraceRecorder(tt.GrammarProcessor(compiled_schema()))
    with pytest.raises(tt.ArgumentValueError, match="row 0 was not written while this recorder watched"):
        recorder.traces(torch.tensor([[1, 2, 3]]))
    with pytest.raises(tt.ArgumentTypeError, match="sequences must be integers"):
        recorder.traces([[1]])  # type: ignore[arg-type]
    with pytest.raises(tt.ArgumentValueError, match="each or none a prompt"):
        recorder.traces(torch.tensor([[1]]), ["a", "b"])


# -- what is shown


class PageReader(HTMLParser):
    """Which tokens a page has, what it would load, and whether its tags are balanced."""

    VOID = ("meta", "link", "rect", "line", "polyline", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []
        self.tokens: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag not in self.VOID:
            self.open.append(tag)
        self.outside += [
            value
            for name in ("src", "href")
            if (value := given.get(name)) is not None and not value.startswith("data:")
        ]
        if tag == "span" and "data-place" in given:
            self.tokens.append("")
            self.open[-1] = "token"

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            found = self.open.pop()
            assert found in (tag, "token")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "token":
            self.tokens[-1] += data


def read_page(html: str) -> PageReader:
    reader = PageReader()
    reader.feed(html)
    assert not reader.open
    assert not reader.outside
    assert "http" not in html
    return reader


def hostile_trace() -> tt.Trace:
    """Tokens that would end a script, open a tag, or are no whole character."""
    tokens = [b"</script><script>alert(1)</script>", b"<b onclick='x'>", b"\xc3", b"\n\t ", b"&amp;", b"\x00"]
    vocabulary = tt.Vocabulary([*tokens, b"<eos>"], eos_token_ids=[6])
    seen = [
        Observation(None, None, 0.25, 3, tuple((other, 0.1, other != 2) for other in range(7)))
        for _ in range(7)
    ]
    return make_trace(vocabulary, range(7), seen, prompt="<!-- \ud800 </pre>")


def test_the_page_holds_every_token_and_loads_nothing() -> None:
    trace = hostile_trace()
    reader = read_page(trace.html())
    assert len(reader.tokens) == len(trace.steps)
    assert reader.tokens[0] == "</script><script>alert(1)</script>"
    assert reader.tokens[2:4] == ["\\xc3", "↵\n⇥\t "]
    assert trace.html().count("</script>") == 1
    assert "alert(1)</script>" not in trace.html().replace("&lt;/script&gt;", "")
    frame = trace._repr_html_()
    assert frame.startswith("<iframe")
    assert "sandbox" in frame
    assert "alert" not in frame


class NotebookReader(HTMLParser):
    """The tags of a cell, and its text without what stands in tags."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def read_cell(result: tt.Result) -> NotebookReader:
    reader = NotebookReader()
    reader.feed(result._repr_html_())
    return reader


def test_a_result_in_a_notebook() -> None:
    model, tokenizer = tiny_model(), tiny_tokenizer()
    result = tt.generate(model, tokenizer, PROMPT, grammar=SCHEMA, max_new_tokens=BUDGET)
    assert isinstance(result, tt.Result)
    cell = read_cell(result)
    assert cell.text.startswith(result.text)
    assert f"tokens{result.stats.n_tokens}, {result.stats.n_forced_tokens} of them forced" in cell.text
    assert f"log-probability{result.log_prob:.3f}" in cell.text
    assert "log-weight" not in cell.text
    assert "iframe" not in cell.tags
    traced = tt.generate(model, tokenizer, PROMPT, grammar=SCHEMA, max_new_tokens=BUDGET, trace=True)
    assert isinstance(traced, tt.Result)
    assert read_cell(traced).tags == [*cell.tags, "iframe"]


def test_what_a_result_says_is_no_markup() -> None:
    trace = hostile_trace()
    stats = tt.Statistics(7, 0, 1.0, 0, 0.0, 0.0, 1.0)
    calls = [tt.ToolCall("<b>", {"x": "<script>"})]
    result = tt.Result(
        trace.text + "\udcc3", None, [0], -1.0, stats, log_weight=-0.5, calls=calls, trace=trace
    )
    cell = read_cell(result)
    assert not {"script", "b"} & set(cell.tags)
    assert trace.text in cell.text
    assert repr(calls[0]) in cell.text
    assert "log-weight-0.500" in cell.text
    result._repr_html_().encode("utf-8")


def test_figures_of_the_whole() -> None:
    trace = hostile_trace()
    assert trace.mean_removed == 0.25
    assert trace.n_forced_tokens == 0
    assert trace.steps[3].whitespace_share == 1
    assert trace.steps[0].whitespace_share == 0
    n_white = sum(character in "\n\t " for character in trace.text)
    assert trace.whitespace_share == n_white / len(trace.text)
    assert [step.tokens_left for step in trace.steps] == [None] * 7
    assert json.loads(json.dumps(trace.to_json()))["steps"][2]["text"] == "\\xc3"


def test_the_terminal_view() -> None:
    result = tt.generate(
        *(tiny_model(), tiny_tokenizer(), PROMPT),
        grammar=tt.from_regex("red"),
        max_new_tokens=BUDGET,
        trace=True,
    )
    assert result.trace is not None
    output = StringIO()
    result.trace.show(Console(file=output, width=120))
    assert f"{len(result.token_ids)} tokens, {len(result.token_ids)} forced" in output.getvalue()
    assert output.getvalue().count("100.0 %") >= len(result.token_ids) - 1


def test_the_command(model_folder: str, tmp_path: Path) -> None:
    options = ("generate", '{"enum": ["red", "blue"]}', "text", "--model", model_folder)
    page, data = tmp_path / "trace.html", tmp_path / "trace.json"
    text = run(*options, "--trace", str(page)).stdout.strip()
    assert "".join(read_page(page.read_text(encoding="utf-8")).tokens).startswith(text)
    run(*options, "--trace", str(data))
    assert json.loads(data.read_text(encoding="utf-8"))["text"] == text
    assert "tokens," in run(*options, "--trace", "-").stderr
    assert "trace" not in json.loads(run(*options, "--json", "--trace", str(data)).stdout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--trace", "out.txt", "text"), "--trace must be '-', or a file .html or .json, got 'out.txt'"),
        (("--trace", "no/such/out.html", "text"), "its folder does not exist"),
        (("--trace", "out.html", "--jsonl", "a.jsonl"), "--trace and --jsonl exclude each other"),
    ],
)
def test_errors_of_the_command(arguments: tuple[str, ...], message: str) -> None:
    assert message in run("generate", '{"enum": [1]}', *arguments, code=2).stderr


def test_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(tt.ConstraintError, match="cannot be written"):
        hostile_trace().save(tmp_path)
