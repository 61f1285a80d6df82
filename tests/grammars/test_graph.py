"""The graph of a grammar shows what the grammar says, in text that Graphviz and Mermaid read.

The two formats are read back with a few patterns, which know nothing of how they were written.
"""

from __future__ import annotations

import html
import re

import pytest
from tokentrellis import (
    Grammar,
    GrammarError,
    GrammarGraph,
    from_choices,
    from_ebnf,
    from_gbnf,
    from_json_schema,
    from_lark,
    from_regex,
    grammar_graph,
)
from tokentrellis.grammars.grammar import END, CallEdge, TerminalEdge
from tokentrellis.grammars.graph import NodeKind
from tokentrellis.grammars.printer import print_expression

HOSTILE = ['"', "\\", "\n", "]", "-->", "#", "|", "end", ";", "<b>", "`", "{", "é", "\u2028", "%%"]
GRAMMARS: dict[str, Grammar] = {
    "rules": from_gbnf('root ::= item ("," root)?\nitem ::= "a" root "b" | [x-z]+ <[7]>'),
    "pattern": from_regex("a+|b"),
    "empty": from_ebnf("a = ;"),
    "choices": from_choices([f"{i}" for i in range(600)]),
    "schema": from_json_schema({"properties": {"a": {"type": "integer"}, "b": {"enum": ["x", 1]}}}),
    "hostile": from_gbnf(
        "root ::= "
        + " | ".join(f'a "x{i}" [{chr(97 + i)}]' for i in range(9))
        + '\na ::= "\\"\\\\\\n]-->#|" a?'
    ),
    "recursive": from_ebnf("a ::= a 'x' | b b ::= '(' a ')' | 'y'"),
}


def read_dot(text: str) -> tuple[dict[str, str], list[tuple[str, str, str, bool]]]:
    """Nodes with their labels, and edges (source, target, label, dashed)."""
    lines = text.splitlines()
    assert lines[0] == "digraph grammar {"
    assert lines[-1] == "}"
    nodes, edges = {}, []
    for line in lines[2:-1]:
        found = re.fullmatch(r'  (\w+)(?: -> (\w+))? \[label="((?:[^"\\]|\\.)*)"(.*)\];', line)
        assert found, line
        label = re.sub(r"\\(.)", r"\1", found.group(3))
        if found.group(2):
            edges.append((found.group(1), found.group(2), label, "dashed" in found.group(4)))
        else:
            nodes[found.group(1)] = label
    return nodes, edges


def read_mermaid(text: str) -> tuple[dict[str, str], list[tuple[str, str, str, bool]]]:
    lines = text.splitlines()
    assert lines[0] == "flowchart LR"
    nodes, edges = {}, []
    for line in lines[1:]:
        node = re.fullmatch(r'  (\w+)[(\[/]+"([^"]*)"[)\]/]+', line)
        edge = re.fullmatch(r'  (\w+) (-->|-\.->)(?:\|"([^"|]*)"\|)? (\w+)', line)
        assert node or edge, line
        if node:
            nodes[node.group(1)] = plain(node.group(2))
        elif edge:
            edges.append((edge.group(1), edge.group(4), plain(edge.group(3) or ""), edge.group(2) != "-->"))
    assert "end" not in nodes  # a word of Mermaid's
    return nodes, edges


def plain(label: str) -> str:
    return re.sub(r"#(\d+);", lambda found: chr(int(found.group(1))), label)


@pytest.mark.parametrize("name", GRAMMARS)
def test_both_formats_say_the_same(name: str) -> None:
    graph = grammar_graph(GRAMMARS[name])
    assert read_dot(graph.dot) == read_mermaid(graph.mermaid)
    nodes, edges = read_dot(graph.dot)
    assert {end for edge in edges for end in edge[:2]} <= set(nodes)
    assert len(nodes) <= 40 + 2 + sum(node.startswith("more") for node in nodes)


@pytest.mark.parametrize("name", ["rules", "pattern", "recursive", "hostile"])
def test_the_edges_are_those_of_the_states(name: str) -> None:
    grammar = GRAMMARS[name]
    nodes, edges = read_dot(grammar_graph(grammar, max_nodes=200).dot)
    expected = []
    waiting, known = [grammar.start], {grammar.start}
    for state in waiting:
        for edge in grammar.expand(state).edges:
            following = [edge.next]
            if isinstance(edge, CallEdge):
                expected.append((f"s{state}", f"s{edge.start}", "call", True))
                following = [edge.start, edge.next]
            label = f"/{print_expression(edge.terminal, 200)}/" if isinstance(edge, TerminalEdge) else None
            target = f"s{edge.next}" if edge.next else "finish"
            expected.append((f"s{state}", target, label, False))  # type: ignore[arg-type]
            for after in following:
                assert after is not None
                if after not in known and after != END:
                    known.add(after)
                    waiting.append(after)
    assert {f"s{state}" for state in known} == set(nodes) - {"finish"}
    assert len(edges) == len(expected)
    for shown, (source, target, label, is_call) in zip(edges, expected, strict=True):
        assert (shown[0], shown[1], shown[3]) == (source, target, is_call)
        if label is not None and len(label) < 50:
            assert shown[2] == label


def test_rules_have_their_names() -> None:
    nodes, edges = read_dot(grammar_graph(GRAMMARS["rules"]).dot)
    assert {"root", "item"} <= set(nodes.values())
    assert ("call", True) in {edge[2:] for edge in edges}


def test_a_contextual_lark_grammar_shows_its_rules() -> None:
    pytest.importorskip("lark")
    grammar = from_lark(
        'start: start "+" term | term | <[7]>\nterm: NUMBER | "(" start ")"\nNUMBER: /[0-9]+/\n%ignore " "'
    )
    nodes, edges = read_mermaid(grammar_graph(grammar).mermaid)
    labels = set(nodes.values())
    assert {"start", "term", "NUMBER: [0-9]+", "<[7]>"} <= labels
    uses = {(nodes[source], nodes[target]) for source, target, _, _ in edges}
    assert {("start", "term"), ("start", "start"), ("term", "start"), ("term", "NUMBER: [0-9]+")} <= uses
    assert "more rules" in grammar_graph(grammar, max_nodes=2).dot


def test_size_is_limited() -> None:
    rules = [f'r{i} ::= "a" r{i + 1} "b" | "(" root ")"' for i in range(500)]
    grammar = from_gbnf("\n".join(["root ::= r0", *rules, 'r500 ::= "c"']))
    nodes, _ = read_dot(grammar_graph(grammar, max_nodes=10).dot)
    assert len(nodes) <= 12
    assert "… more states" in nodes.values()
    wide = from_gbnf(
        "root ::= "
        + " | ".join(f'r{i} "{i}"' for i in range(100))
        + "\n"
        + "\n".join(f'r{i} ::= "x" r{i}? "{i}"' for i in range(100))
    )
    _, edges = read_dot(grammar_graph(wide, max_nodes=1).dot)
    assert 0 < len(edges) < 80
    assert any("more" in label for *_, label, _ in edges)


@pytest.mark.parametrize("text", HOSTILE)
def test_any_label_is_read_back(text: str) -> None:
    graph = GrammarGraph()
    for kind_number, name in enumerate(("a", "b")):
        graph.add(
            name,
            f"{text}{kind_number}{text}",
            NodeKind.STATE,
        )
    graph.connect("a", "b", text)
    shown = text.encode("unicode_escape").decode() if not text.isprintable() else text
    assert read_dot(graph.dot) == read_mermaid(graph.mermaid)
    nodes, edges = read_dot(graph.dot)
    assert nodes["b"] == f"{shown}1{shown}"
    assert edges[0][2] == shown
    assert html.escape(text) in graph._repr_html_()


@pytest.mark.parametrize("name", GRAMMARS)
def test_table_in_html(name: str) -> None:
    table = GRAMMARS[name]._repr_html_()
    assert table.startswith("<table>")
    assert not re.findall(r"<(?!/?(?:table|tr|th|td|br|code)\b)", table)


def test_wrong_arguments() -> None:
    for wrong in (0, -1, 10**6, True, "x", None):
        with pytest.raises(GrammarError, match="max_nodes"):
            grammar_graph(GRAMMARS["rules"], max_nodes=wrong)  # type: ignore[arg-type]
    with pytest.raises(GrammarError, match="must be a Grammar"):
        grammar_graph("a")  # type: ignore[arg-type]
