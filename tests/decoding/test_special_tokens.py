"""Special tokens of a grammar against the vocabulary: ids that the grammar cannot mean are refused."""

from __future__ import annotations

import pytest
import tokentrellis as tt

VOCABULARY = tt.Vocabulary(
    [*(bytes([byte]) for byte in range(256)), b"<end>", b"<call>", b"abc"],
    eos_token_ids=[256],
    special_token_ids={257},
    vocab_size=300,
)


def grammar_of(token_id: int, form: str) -> tt.Grammar:
    if form == "gbnf":
        return tt.from_gbnf(f'root ::= "a" (<[{token_id}]> "b")?')
    if form == "part":
        return tt.sequence("a", tt.capture("b", tt.sequence(tt.special_token(token_id), "b")))
    if form == "tags":
        tag = tt.StructuralTag("<t>", tt.from_regex("b"), "</t>")
        return tt.from_structural_tags([tag], ["<t>"], special_tokens={"<t>": token_id})
    pytest.importorskip("lark")
    text = f'start: "a" <[{token_id}]> "b"'
    if form == "embedded":
        part = tt.from_lark(text, lexer="dynamic")
        return tt.from_lark("start: @part", grammars={"part": part})
    return tt.from_lark(text, lexer=form)


@pytest.mark.parametrize("form", ["contextual", "dynamic", "embedded", "gbnf", "part", "tags"])
def test_ids_that_cannot_be_special(form: str) -> None:
    for token_id in (257, 290):  # 290: no token of the tokenizer, but of the model
        tt.compile_grammar(grammar_of(token_id, form), VOCABULARY)
    for token_id, reason in (
        (300, r"<\[300\]> is not in the vocabulary; .* 0 to 299"),
        (256, r"<\[256\]> ends the text \(EOS\)"),
        (258, r"<\[258\]> is an ordinary token, whose text is b'abc'"),
    ):
        with pytest.raises(tt.GrammarError, match=reason):
            tt.compile_grammar(grammar_of(token_id, form), VOCABULARY)


def test_marks_of_strings() -> None:
    tool = {
        "name": "f",
        "parameters": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
    }
    grammar = tt.from_tools([tool], format="gemma4", special_tokens={'<|"|>': 300})
    assert grammar.special_token_ids == {300}
    with pytest.raises(tt.GrammarError, match="not in the vocabulary"):
        tt.compile_grammar(grammar, VOCABULARY)
