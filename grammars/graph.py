"""A grammar as a graph to look at: a `Grammar` in, Graphviz or Mermaid text, or a table in HTML out.

A grammar is a network of states (`grammar.py`): the nodes are the first states that are reached from the
start, the edges say what is read; a dashed edge calls a rule, whose states are in the graph too. A Lark
grammar for the contextual lexer has no such states: there the nodes are its rules and terminals, and an edge
leads from a rule to what it uses. The graph is limited in size, so that it can be looked at, and ends on
every grammar; what is left out is shown as `…`.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from .errors import ConstraintError, GrammarError
from .grammar import END, CallEdge, Edge, Expansion, Grammar
from .printer import MORE, edge_targets, edge_text

MOST_NODES = 1000
_MOST_EDGES = 30  # from one node
_LONGEST_LABEL = 60


class NodeKind(Enum):
    """What a node stands for; the value is its shape in Graphviz."""

    STATE = "circle"
    FINAL = "doublecircle"
    RULE = "box"
    TERMINAL = "plain"
    MORE = "none"


@dataclass(frozen=True)
class GraphNode:
    """name: letters and digits, different for each node."""

    name: str
    label: str
    kind: NodeKind


@dataclass(frozen=True)
class GraphEdge:
    """label: what is read. is_call: a rule is called, and does not lead back."""

    source: str
    target: str
    label: str
    is_call: bool = False


@dataclass
class GrammarGraph:
    """Nodes and edges. `print(graph.dot)`, `print(graph.mermaid)`; a notebook shows a table."""

    nodes: dict[str, GraphNode] = field(default_factory=dict)
    edges: list[GraphEdge] = field(default_factory=list)

    def add(self, name: str, label: str, kind: NodeKind) -> None:
        """A node, unless it is there."""
        self.nodes.setdefault(name, GraphNode(name, _cut(label), kind))

    def connect(self, source: str, target: str, label: str, *, is_call: bool = False) -> None:
        """An edge."""
        self.edges.append(GraphEdge(source, target, _cut(label), is_call))

    @property
    def dot(self) -> str:
        """Text for Graphviz: `dot -Tsvg`."""
        lines = ["digraph grammar {", "  rankdir=LR;"]
        for node in self.nodes.values():
            lines.append(f"  {node.name} [label={_quoted(node.label)}, shape={node.kind.value}];")
        for edge in self.edges:
            style = ", style=dashed" if edge.is_call else ""
            lines.append(f"  {edge.source} -> {edge.target} [label={_quoted(edge.label)}{style}];")
        return "\n".join([*lines, "}"]) + "\n"

    @property
    def mermaid(self) -> str:
        """Text for Mermaid, as Markdown pages show it in a block ```mermaid."""
        shapes = {
            NodeKind.STATE: ("(", ")"),
            NodeKind.FINAL: ("(((", ")))"),
            NodeKind.RULE: ("[", "]"),
            NodeKind.TERMINAL: ("[/", "/]"),
            NodeKind.MORE: ("[", "]"),
        }
        lines = ["flowchart LR"]
        for node in self.nodes.values():
            opening, closing = shapes[node.kind]
            lines.append(f'  {node.name}{opening}"{_entities(node.label)}"{closing}')
        for edge in self.edges:
            arrow = "-.->" if edge.is_call else "-->"
            label = f'|"{_entities(edge.label)}"|' if edge.label else ""
            lines.append(f"  {edge.source} {arrow}{label} {edge.target}")
        return "\n".join(lines) + "\n"

    def _repr_html_(self) -> str:
        rows = []
        for node in self.nodes.values():
            leaving = [edge for edge in self.edges if edge.source == node.name]
            cells = [
                f"<code>{html.escape(edge.label)}</code> &rarr; {html.escape(self.nodes[edge.target].label)}"
                for edge in leaving
            ]
            if cells or node.kind is not NodeKind.MORE:
                end = " (may end)" if node.kind is NodeKind.FINAL else ""
                rows.append(f"<tr><th>{html.escape(node.label)}{end}</th><td>{'<br>'.join(cells)}</td></tr>")
        return f"<table><tr><th>from</th><th>reads &rarr; goes to</th></tr>{''.join(rows)}</table>"


def grammar_graph(grammar: Grammar, *, max_nodes: int = 40) -> GrammarGraph:
    """The first states of a grammar, or its rules if it has no states, as a graph.

    max_nodes: at most so many of them, from 1 to MOST_NODES.

    Raises:
        GrammarError: it is no Grammar, or no such number.
    """
    if not isinstance(grammar, Grammar):
        raise GrammarError("grammar must be a Grammar", got=grammar, advice="make one with from_lark(...)")
    if isinstance(max_nodes, bool) or not isinstance(max_nodes, int) or not 1 <= max_nodes <= MOST_NODES:
        raise GrammarError(f"max_nodes must be a number from 1 to {MOST_NODES}", got=max_nodes)
    uses = grammar.rule_uses()
    return _states(grammar, max_nodes) if uses is None else _rules(uses, max_nodes)


def _states(grammar: Grammar, max_nodes: int) -> GrammarGraph:
    graph = GrammarGraph()
    waiting, known = [grammar.start], {grammar.start}
    n_shown = 0

    def name_of(state: int) -> str:
        """The node of a state that an edge leads to; it is expanded later, as far as there is room."""
        if state == END:
            graph.add("finish", "end", NodeKind.FINAL)  # "end" is a word of Mermaid's
            return "finish"
        if state not in known:
            if len(known) >= max_nodes:
                graph.add("more", f"{MORE} more states", NodeKind.MORE)
                return "more"
            known.add(state)
            waiting.append(state)
        return f"s{state}"

    while n_shown < len(waiting):
        state = waiting[n_shown]
        n_shown += 1
        label = grammar.rule_name(state) or f"s{state}"
        try:
            expansion = grammar.expand(state)
        except ConstraintError as error:
            graph.add(f"s{state}", f"{label}: {error}", NodeKind.STATE)
            continue
        graph.add(f"s{state}", label, NodeKind.FINAL if expansion.final else NodeKind.STATE)
        for index, edge in enumerate(expansion.edges[:_MOST_EDGES]):
            _connect_edge(graph, grammar, state, index, edge, expansion, name_of)
        if len(expansion.edges) > _MOST_EDGES:
            n_left_out = len(expansion.edges) - _MOST_EDGES
            graph.add(f"more{state}", MORE, NodeKind.MORE)
            graph.connect(f"s{state}", f"more{state}", f"{n_left_out} more")
    return graph


def _connect_edge(
    graph: GrammarGraph,
    grammar: Grammar,
    state: int,
    index: int,
    edge: Edge,
    expansion: Expansion,
    name_of: Callable[[int], str],
) -> None:
    source = f"s{state}"
    if isinstance(edge, CallEdge):
        called = name_of(edge.start)
        name = grammar.rule_name(edge.start) or f"s{edge.start}"
        graph.connect(source, called, "call", is_call=True)
        graph.connect(source, name_of(edge.next), name)
        return
    text = edge_text(edge)
    if edge.next is not None:
        graph.connect(source, name_of(edge.next), text)
        return
    try:
        targets, are_all = edge_targets(grammar, state, index, edge, expansion)
    except ConstraintError as error:
        graph.add(f"error{state}x{index}", str(error), NodeKind.MORE)
        graph.connect(source, f"error{state}x{index}", text)
        return
    for target in dict.fromkeys(targets.values()):
        graph.connect(source, name_of(target), text)
    if not are_all:
        graph.add(f"more{state}", MORE, NodeKind.MORE)
        graph.connect(source, f"more{state}", text)


def _rules(uses: Mapping[str, tuple[str, list[str]]], max_nodes: int) -> GrammarGraph:
    """uses: by rule or terminal its label, and what it uses; the start is the first."""
    graph = GrammarGraph()
    names = {name: f"r{number}" for number, name in enumerate(uses)}
    shown = list(uses)[:max_nodes]
    for name in shown:
        label, used = uses[name]
        graph.add(names[name], label, NodeKind.RULE if used else NodeKind.TERMINAL)
    for name in shown:
        used = list(dict.fromkeys(uses[name][1]))
        for other in used[:_MOST_EDGES]:
            if names[other] in graph.nodes:
                graph.connect(names[name], names[other], "")
            else:
                graph.add("more", f"{MORE} more rules", NodeKind.MORE)
                graph.connect(names[name], "more", "")
        if len(used) > _MOST_EDGES:
            graph.add("more", f"{MORE} more rules", NodeKind.MORE)
            graph.connect(names[name], "more", f"{len(used) - _MOST_EDGES} more")
    return graph


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 1] + MORE


def _visible(text: str) -> str:
    """Control characters as escapes: neither format has a way to write them."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def _quoted(text: str) -> str:
    return '"' + _visible(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _entities(text: str) -> str:
    """Everything that Mermaid might read as its own, by number."""
    return "".join(
        character if character.isalnum() or character in " .,:()+*?=-_/" else f"#{ord(character)};"
        for character in _visible(text)
    )
