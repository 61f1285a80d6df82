"""The grammars of the library in which something is counted: written out for each level.

Indentation, and numbers of open rings, are no matter of context-free rules when they have no bound; so the
rules are written for each level up to a last one.
"""

from __future__ import annotations

from .names import with_trailing_blanks, with_whole_words
from .texts import PYTHON_EXPRESSION_RULES

DEEPEST_BLOCK = 8
"""Levels of indentation in Python and YAML."""
MOST_RINGS = 4
"""Rings of a molecule that are open at once."""

_BLANKS = 4


def python_text() -> str:
    """Statements of Python, blocks indented by four blanks for each level."""
    rules = ["start: (statement_0 LINE_0)* statement_0 LINE_0?"]
    terminals = []
    for level in range(DEEPEST_BLOCK + 1):
        is_last = level == DEEPEST_BLOCK
        compound = "" if is_last else f" | compound_{level}"
        # The line end of a level belongs to what follows on it; a word that goes on with a statement is a
        # part of it, and comes first in Lark's order, as the longer pattern.
        rules.append(f"statement_{level}: simple{compound}")
        line = f"(\\n[ \\t]*)*\\n {{{_BLANKS * level}}}"
        terminals.append(f"LINE_{level}: /{line}(?![ \\t\\n])/")
        for word in ("elif", "else", "except"):
            terminals.append(f"{word.upper()}_{level}: /{line}{word}(?!\\w)[ \\t]*/")
        if is_last:
            continue
        inner = level + 1
        block = f"block_{inner}"
        rules += [
            f'{block}: ":" (LINE_{inner} statement_{inner})+',
            f'compound_{level}: "if" expression {block} (ELIF_{level} expression {block})* '
            f"(ELSE_{level} {block})?",
            f'    | "while" expression {block} | "for" NAME "in" expression {block}',
            f'    | "def" NAME "(" names? ")" {block} | "class" NAME {block}',
            f'    | "try" {block} EXCEPT_{level} expression {block} | "with" expression "as" NAME {block}',
        ]
    rules += [
        'simple: expression | target "=" expression | target AUGMENTED expression | "pass" | "del" NAME',
        '    | "assert" expression | "import" NAME ("." NAME)* | "from" NAME "import" NAME',
        '    | "raise" expression | "return" expression? | "break" | "continue"',
        'target: NAME | primary "." NAME | primary "[" slices "]"',
        'names: NAME ("," NAME)*',
        'AUGMENTED: "+=" | "-=" | "*=" | "/="',
    ]
    # Blanks belong to what they follow: before a statement they would be indentation.
    text = with_whole_words("\n".join(rules) + PYTHON_EXPRESSION_RULES)
    return "\n".join([with_trailing_blanks(text), *terminals])


def yaml_text() -> str:
    """A part of YAML: mappings and sequences in blocks, indented by two blanks, and in brackets."""
    rules = ["start: block_0"]
    terminals = []
    for level in range(DEEPEST_BLOCK + 1):
        inner = level + 1
        below = "" if level == DEEPEST_BLOCK else f" | LINE_{inner} block_{inner}"
        rules += [
            f"block_{level}: pair_{level} (LINE_{level} pair_{level})*",
            f"    | item_{level} (LINE_{level} item_{level})*",
            f'pair_{level}: KEY ":" (BLANK scalar{below})',
            f'item_{level}: "-" (BLANK scalar{below})',
        ]
        terminals.append(f"LINE_{level}: /\\n {{{2 * level}}}(?![ \\n])/")
    rules += [
        "scalar: PLAIN | NUMBER | DOUBLE | SINGLE | flow",
        'flow: "[" (flow_value ("," BLANK flow_value)*)? "]" | "{" (flow_pair ("," BLANK flow_pair)*)? "}"',
        "flow_value: PLAIN | NUMBER | DOUBLE | SINGLE | flow",
        'flow_pair: KEY ":" BLANK flow_value',
        "KEY: /[a-z][a-z0-9_]*/",
        "PLAIN: /[A-Za-z][A-Za-z0-9_]*( [A-Za-z0-9_]+)*/",
        "NUMBER: /-?(0|[1-9][0-9]*)(\\.[0-9]+)?(?![\\w.])/",
        'DOUBLE: /"([^"\\\\\\x00-\\x1F\\x7F-\\x9F\\u2028\\u2029\\uFEFF\\uFFFE\\uFFFF]|\\\\[nt"\\\\])*"/',
        "SINGLE: /'([^'\\x00-\\x1F\\x7F-\\x9F\\u2028\\u2029\\uFEFF\\uFFFE\\uFFFF]|'')*'/",
        'BLANK: " "',
    ]
    return "\n".join([*rules, *terminals])


def smiles_text() -> str:
    """Molecules whose atoms have the bonds that they can have: chains, branches, rings, ions."""
    rules = ['start: molecule ("." molecule)*', "molecule: ION | atom_1"]
    for ring in range(1, MOST_RINGS + 2):
        has_rings = ring <= MOST_RINGS
        inner = ring + 1
        one = [
            f'"C" three_{ring}',
            f'"N" two_{ring}',
            f'"O" one_{ring}',
            f'"S" one_{ring}',
            "HALOGEN",
        ]
        if has_rings:
            branch = f'("(" single_{inner} ")")?'
            aromatic = f'"c" {branch}'
            rules += [
                f'ring_{ring}: "c{ring}" {aromatic} {aromatic} {aromatic} {aromatic} "c{ring}" one_{ring}',
                f'    | "c{ring}" {aromatic} "n" {aromatic} {aromatic} "c{ring}" one_{ring}',
                f'    | "C{ring}" "C" {branch} "C" {branch} "C" {branch} "C{ring}" two_{ring}',
                f'    | "C{ring}" "C" {branch} "O" "C" {branch} "C" {branch} "C{ring}" two_{ring}',
            ]
            one.append(f"ring_{ring}")
        rules += [
            f"atom_{ring}: " + " | ".join(one),
            f'single_{ring}: atom_{ring} | "[N+](=O)[O-]"',
            f'double_{ring}: "C" two_{ring} | "N" one_{ring} | "O"',
            f'triple_{ring}: "C" one_{ring} | "N"',
            f"one_{ring}: single_{ring}?",
            f"two_{ring}: more_{ring}?",
            # An atom follows the last branch.
            f'more_{ring}: single_{ring} | "=" double_{ring} | "(" single_{ring} ")" single_{ring}',
            f'three_{ring}: | single_{ring} | "=" double_{ring} | "#" triple_{ring}',
            f'    | "(" single_{ring} ")" more_{ring} | "(=" double_{ring} ")" single_{ring}',
        ]
    rules += ['HALOGEN: "F" | "Cl" | "Br" | "I"', 'ION: "[Na+]" | "[K+]" | "[Cl-]" | "[NH4+]" | "[OH-]"']
    return "\n".join(rules)
