"""Lark grammars of every kind, for the comparison with Lark itself: (text, lexer), by name.

`contextual` ones are LALR(1). The others are ambiguous, or not LALR; their terminals end wherever they match.
What one grammar is there for is its name.
"""

from __future__ import annotations

CONTEXTUAL = {
    "arithmetic": r"""
        ?start: sum
        ?sum: product | sum "+" product -> add | sum "-" product -> sub
        ?product: atom | product "*" atom -> mul | product "/" atom -> div
        ?atom: NUMBER -> number | "-" atom -> neg | NAME -> var | "(" sum ")"
        %import common.CNAME -> NAME
        %import common.NUMBER
        %import common.WS_INLINE
        %ignore WS_INLINE
    """,
    "json": r"""
        ?start: value
        ?value: object | array | string | SIGNED_NUMBER | "true" | "false" | "null"
        array: "[" [value ("," value)*] "]"
        object: "{" [pair ("," pair)*] "}"
        pair: string ":" value
        string: ESCAPED_STRING
        %import common.ESCAPED_STRING
        %import common.SIGNED_NUMBER
        %import common.WS
        %ignore WS
    """,
    "keywords": r"""
        start: stmt+
        stmt: "if" NAME "then" stmt | "print" NAME ";" | NAME "=" NAME ";"
        NAME: /[a-z]+/
        %ignore " "
    """,
    "greedy_lexeme_leaves_nothing": "start: A B?\nA: /[a-z]+/\nB: /[a-z]/\n",
    "comments_against_operators": r"""
        start: (X | "/" | "*")+
        X: /[a-z]+/
        COMMENT: /\/\*(.|\n)*?\*\//
        %ignore COMMENT
        %ignore " "
    """,
    "numbers_and_ranges": r"""
        start: (INT | FLOAT | DOT | RANGE)+
        INT: /[0-9]+/
        FLOAT: /[0-9]+\.[0-9]+/
        DOT: "."
        RANGE: ".."
    """,
    "no_separator": 'start: (A B | C)+\nA: "a"\nB: /b+/\nC: /ab?c/\n',
    "priority_of_terminals": """
        start: (WORD | SHORT | DIGITS)+
        WORD: /[a-z0-9]+/
        SHORT.2: /[a-z]/
        DIGITS.1: /[0-9]{2}/
    """,
    "length_of_pattern": 'start: (A | B | C)+\nA: /a|b/\nB: /ab|ba/\nC: "abab"\n',
    "alternation_prefers_the_first": "start: T+\nT: /a|ab|abc/ | /bc/ | /c/\n",
    "lazy_string": r"""
        start: (S | NAME | "+")*
        S: /"[^"]*?"/
        NAME: /\w+/
        %ignore /\s+/
    """,
    "lazy_until": "start: (BLOCK | X)+\nBLOCK: /<.*?>/\nX: /[a-z>]/\n",
    "escaped_strings": r"""
        start: (STRING ",")* STRING
        %import common.ESCAPED_STRING -> STRING
    """,
    "python_strings": r"""
        start: (STRING | LONG | NAME)*
        STRING: /([ubf]?r?|r[ubf])("(?!"").*?(?<!\\)(\\\\)*?"|'(?!'').*?(?<!\\)(\\\\)*?')/i
        LONG: /([ubf]?r?|r[ubf])(\"\"\".*?(?<!\\)(\\\\)*?\"\"\"|'''.*?(?<!\\)(\\\\)*?''')/is
        NAME: /[a-z]/
        %ignore " "
    """,
    "case_insensitive_keywords": r"""
        start: "select"i NAME ("from"i NAME)? ("where"i NAME "=" NAME)?
        NAME: /[a-z]\w*/i
        %ignore /[ \t]+/
    """,
    "keyword_only_in_case": 'start: ("if"i | NAME)+\nNAME: /[a-z]+/\n%ignore " "\n',
    "contextual_words": r"""
        start: (decl | use)*
        decl: "type" NAME ":" TYPE ";"
        use: NAME "." NAME ";"
        TYPE: /int|str|[a-z]+\[\]/
        NAME: /[a-z]+/
        %ignore /\s/
    """,
    "merged_lookahead": """
        start: "a" x "d" | "b" y "d" | "a" x "e" | "b" z "f" | "a" z "g"
        x: "c" "p"?
        y: "c" "q"?
        z: "i" w
        w: "j" | "j" "k"
    """,
    "lookahead_that_the_stack_refuses": """
        start: "(" e ")" | "[" e "]"
        e: e "+" N | N
        N: /[0-9]+/
    """,
    "lalr_merges_terminals": r"""
        start: "[" x "]" | "(" x ")" | "[" x NAME
        x: ITEM
        ITEM: /[a-z]+/
        NAME: /[a-z]+!/
    """,
    "dangling_else": r"""
        start: s
        s: "if" E "then" s ("else" s)? | E
        E: /e[0-9]?/
        %ignore " "
    """,
    "templates": r"""
        start: list{NUMBER} | list{pair}
        list{item}: "<" sep{item, ","} ">"
        sep{item, s}: item (s item)*
        pair: NUMBER ":" NUMBER
        NUMBER: /[0-9]+/
    """,
    "aliases_and_inlining": r"""
        start: ((_item | kept) ";")+
        _item: let | NAME
        let: "let" NAME -> assignment
        !kept: "x"
        NAME: /[a-z]+/
        %ignore " "
    """,
    "repetition_of_rules": 'start: "a"~2..4 b~3 c~0..1\nb: "b" | "d"\nc: "c"\n',
    "repetition_of_terminals": 'start: HEX ("-" HEX)~1..2\nHEX: ("0".."9"|"a".."f")~4\n',
    "flags": r"start: A B C" '\nA: /a.b/s\nB: /x y/ix\nC: "ß"i | /[é-ü]/i\n',
    "extend_and_override": r"""
        start: (A | NUMBER)+
        A: "a"
        NUMBER: /[0-9]/
        %extend A: "aa"
        %override NUMBER: /[5-9]+/
        %ignore " "
    """,
    "import_common": r"""
        start: (WORD | INT | SH_COMMENT NEWLINE)*
        %import common (WORD, INT, SH_COMMENT, NEWLINE)
        %ignore " "
    """,
    "c_comments": r"""
        start: (CNAME ";")*
        %import common (CNAME, WS, C_COMMENT, CPP_COMMENT)
        %ignore WS
        %ignore C_COMMENT
        %ignore CPP_COMMENT
    """,
    "unicode_text": 'start: (LETTERS | "é" | "→")+\nLETTERS: /[α-ωé]+/\n%ignore /[\\u2003 ]/\n',  # noqa: RUF001
    "unicode_words": 'start: WORD ("," WORD)*\nWORD: /\\w+/\n',
    "optional_everything": 'start: [a] [b] [c]\na: "a"\nb: "b"+\nc: "c" "d"?\n',
    "empty_rule": 'start: "(" e ")" e\ne: | "x" e\n',
    "empty_text": 'start: "a"*\n%ignore " "\n',
    "left_recursion": 'start: l\nl: l "," X | X\nX: /[a-z]/\n',
    "right_recursion": 'start: r\nr: X "," r | X\nX: /[a-z]/\n',
    "nesting": 'start: p\np: "(" p* ")" | "[" p "]"\n',
    "csv": r"""
        start: row (NL row)*
        row: cell ("," cell)*
        cell: QUOTED | BARE |
        QUOTED: /"([^"]|"")*"/
        BARE: /[^",\r\n]+/
        NL: /\r?\n/
    """,
    "ignored_keyword": r"""
        start: (NAME | "-")+
        NAME: /[a-z]+/
        REM: "rem" /[0-9]*/
        %ignore REM
        %ignore " "
    """,
    "assignment_lists": r"""
        start: (NAME "=" value ";")*
        value: NAME | NUMBER | "{" [value ("," value)*] "}"
        %import common (CNAME, SIGNED_INT, WS)
        NAME: CNAME
        NUMBER: SIGNED_INT
        %ignore WS
    """,
    "operators": r"""
        start: e
        ?e: e OR a | a
        ?a: a AND c | c
        ?c: s ("<" | "<=" | "==" | "=") s | s
        ?s: NAME | "!" s | "(" e ")"
        OR: "or" | "||" | "|"
        AND: "and" | "&&" | "&"
        NAME: /[a-z]+/
        %ignore " "
    """,
    "sql": r"""
        start: "SELECT"i columns "FROM"i NAME ["WHERE"i condition] ";"?
        columns: "*" | NAME ("," NAME)*
        ?condition: condition "AND"i test | test
        test: NAME OPERATOR (NAME | NUMBER | STRING) | NAME "IS"i ["NOT"i] "NULL"i
        OPERATOR: "=" | "<" | "<=" | "<>"
        NAME: /[a-z_][a-z0-9_]*/i
        NUMBER: /[0-9]+(\.[0-9]+)?/
        STRING: /'([^']|'')*'/
        COMMENT: /--[^\n]*/
        %ignore COMMENT
        %ignore /\s+/
    """,
    "word_boundary": 'start: (IF | NAME | "(")+\nIF.2: /if\\b/\nNAME: /[a-z]+/\n%ignore " "\n',
    "look_ahead": r"""
        start: (CALL | NAME | "(" | ")")+
        CALL.1: /[a-z](?=\()[(]/
        NAME: /[a-z](?!!)/
        %ignore " "
    """,
    "line_end": "start: (LINE | X)+\nLINE.1: /#[a-z]*$/m\nX: /[#a-z\\n]/\n",
    "quotes_that_open_nothing": 'start: (S | Q | X)+\nS: /"[^"]*"/\nQ: "\\""\nX: /[a-z ]/\n%ignore " "\n',
}

DYNAMIC = {
    "ambiguous_sum": 'start: e\ne: e "+" e | e "*" e | "a"\n',
    "ambiguous_names": 'start: (NAME | "if" NAME)+\nNAME: /[a-z]/\n',
    "hidden_left_recursion": 'start: e\ne: n e "x" | "y"\nn: | "z"\n',
    "palindromes": 'start: p\np: "a" p "a" | "b" p "b" | "a" | "b" |\n',
    "catalan": 'start: s\ns: s s | "a" | "(" s ")"\n',
    "not_lalr": 'start: x "d" | y "e"\nx: "a" x | "c"\ny: "a" y | "c"\n',
    "greedy_may_stop": "start: A B\nA: /[a-z]+/\nB: /[a-z]/\n",
    "cycles": 'start: a\na: b | "x"\nb: a | a b | "y"\n',
    "ignored_dynamic": 'start: w ("," w)*\nw: /[a-c]+/ | "(" start ")"\n%ignore "_"\n',
    "many_empties": 'start: a a a "x"\na: | a | "y" a\n',
}
