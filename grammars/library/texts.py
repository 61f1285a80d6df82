"""The grammars of the library that are written down as they are: Lark's notation for its contextual lexer,
and patterns.

Each is a part of its language on which the language's own parsers have nothing to object to, whatever is
chosen; what such a parser checks besides syntax (names that exist, types) is left to it. Words that a
language keeps for itself are no names here.
"""

from __future__ import annotations

from .names import names_without

ARITHMETIC = r"""
start: sum
sum: product | sum SIGN product
product: factor | product TIMES factor
factor: SIGN factor | power
power: atom (POWER factor)?
atom: NUMBER | NAME | NAME "(" sum ("," sum)* ")" | "(" sum ")"
SIGN: "+" | "-"
POWER.1: "**" | "^"
TIMES: "*" | "/"
NAME: /[a-z_][a-z0-9_]*/
NUMBER: /(0|[1-9][0-9]*)(\.[0-9]+)?(?![\w.])/
BLANKS: /[ \t]+/
%ignore BLANKS
"""

JSON = r"""
start: value
value: object | array | STRING | NUMBER | "true" | "false" | "null"
object: "{" (pair ("," pair)*)? "}"
pair: STRING ":" value
array: "[" (value ("," value)*)? "]"
STRING: /"(\\(["\\\/bfnrt]|u[0-9a-fA-F]{4})|[^"\\\x00-\x1F])*"/
NUMBER: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/
WHITE_SPACE: /[ \t\n\r]+/
%ignore WHITE_SPACE
"""

JSON5 = r"""
start: value
value: object | array | STRING | NUMBER | "true" | "false" | "null"
object: "{" (pair ("," pair)* ","?)? "}"
pair: (STRING | NAME | "true" | "false" | "null") ":" value
array: "[" (value ("," value)* ","?)? "]"
NAME: /[A-Za-z_$][A-Za-z0-9_$]*/
STRING: /"(\\(["'\\\/bfnrtv]|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|\n)|[^"\\\n\r\u2028\u2029\x00-\x1F])*"/
      | /'(\\(["'\\\/bfnrtv]|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|\n)|[^'\\\n\r\u2028\u2029\x00-\x1F])*'/
NUMBER: /[+-]?(Infinity|NaN|0[xX][0-9a-fA-F]+)(?![\w$.])/
      | /[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?(?![\w$.])/
WHITE_SPACE: /[ \t\n]+/
COMMENT: /\/\/[^\n\r\u2028\u2029]*\n/ | /\/\*([^*]|\*+[^*\/])*\*+\//
%ignore WHITE_SPACE
%ignore COMMENT
"""

# Words of SQL dialects that stand for something else than a name somewhere.
_SQL_WORDS = (
    "all and any as asc begin between by case cast cross current_date delete desc describe distinct "
    "drop else end except exists explain extract false fetch filter for format from full grant group "
    "having if ilike in inner insert intersect interval into is join kill lateral left like limit "
    "load map merge natural not null nulls offset on or order outer over partition pivot position "
    "prior qualify replace right row rows select set show some struct table then top true try_cast "
    "union unnest unpivot update use using values view when where window with xor sum avg min max "
    "lower upper abs length count"
)

SQL = rf"""
start: query ";"?
query: select (order? limit?) | select ("UNION"i "ALL"i? select)+
select: "SELECT"i "DISTINCT"i? columns "FROM"i table join* where? group?
columns: STAR | column ("," column)*
column: sum ("AS"i NAME)?
table: NAME ("AS"i NAME)? | "(" query ")" "AS"i NAME
join: (("LEFT"i | "INNER"i)? "JOIN"i table "ON"i condition)
where: "WHERE"i condition
group: "GROUP"i "BY"i sum ("," sum)* ("HAVING"i condition)?
order: "ORDER"i "BY"i item ("," item)*
item: sum ("ASC"i | "DESC"i)?
limit: "LIMIT"i INTEGER
condition: conjunction | condition "OR"i conjunction
conjunction: test | conjunction "AND"i test
test: sum COMPARISON sum | sum "NOT"i? "IN"i "(" sum ("," sum)* ")" | sum "IS"i "NOT"i? "NULL"i
    | sum "NOT"i? "LIKE"i TEXT | sum "BETWEEN"i sum "AND"i sum | "NOT"i test
sum: product | sum SIGN product
product: atom | product (STAR | SLASH) atom
atom: NAME | NAME "." NAME | FUNCTION "(" sum ")" | "COUNT"i "(" STAR ")"
    | INTEGER | DECIMAL | TEXT | "(" sum ")"
FUNCTION: "sum"i | "avg"i | "min"i | "max"i | "lower"i | "upper"i | "abs"i | "length"i
COMPARISON: "=" | "<" | "<=" | ">" | ">=" | "<>"
SIGN: "+" | "-" | "||"
STAR: "*"
SLASH: "/"
NAME: /{names_without(_SQL_WORDS.split(), "a-z")}/
INTEGER: /(0|[1-9][0-9]*)(?![\w.])/
DECIMAL: /(0|[1-9][0-9]*)\.[0-9]+(?![\w.])/
TEXT: /'([^'\\\x00-\x1F]|'')*'/
WHITE_SPACE: /[ \t\n]+/
%ignore WHITE_SPACE
"""

_PYTHON_WORDS = (
    "False None True and as assert async await break class continue def del elif else except finally "
    "for from global if import in is lambda nonlocal not or pass raise return try while with yield"
)

PYTHON_EXPRESSION_RULES = rf"""
expression: disjunction | disjunction "if" disjunction "else" expression | "lambda" parameters? ":" expression
parameters: NAME
disjunction: conjunction | disjunction "or" conjunction
conjunction: inversion | conjunction "and" inversion
inversion: "not" inversion | comparison
comparison: bits | comparison compare bits
compare: COMPARISON | "in" | "not" "in" | "is" | "is" "not"
bits: arithmetic | bits BITS arithmetic
arithmetic: term | arithmetic SIGN term
term: factor | term TIMES factor
factor: (SIGN | "~") factor | power
power: primary (POWER factor)?
primary: atom | primary "." NAME | primary "(" arguments? ")" | primary "[" slices "]"
arguments: expression ("," expression)* ","?
slices: expression | expression? ":" expression? (":" expression?)?
atom: NAME | NUMBER | STRING | "None" | "True" | "False" | "..."
    | "(" ")" | "(" expression ")" | "(" expression "," (expression ("," expression)* ","?)? ")"
    | "[" (expression ("," expression)* ","?)? "]" | "[" expression comprehension "]"
    | "{{" (pair ("," pair)* ","?)? "}}" | "{{" expression ("," expression)* ","? "}}"
    | "{{" expression comprehension "}}"
comprehension: "for" NAME "in" disjunction ("if" disjunction)*
pair: expression ":" expression
COMPARISON: "<" | ">" | "==" | ">=" | "<=" | "!="
BITS: "|" | "^" | "&" | "<<" | ">>"
SIGN: "+" | "-"
POWER.1: "**"
TIMES: "*" | "/" | "%" | "//" | "@"
NAME: /{names_without(_PYTHON_WORDS.split(), "A-Za-z_", "A-Za-z0-9_")}/
NUMBER: /(0|[1-9][0-9]*)(?![\w.])/ | /((0|[1-9][0-9]*)\.[0-9]+([eE][-+]?[0-9]+)?)(?![\w.])/
STRING: /"([^"\\\n\r\x00]|\\[\\"'nt])*"(?!["'])/ | /'([^'\\\n\r\x00]|\\[\\"'nt])*'(?!["'])/
"""

PYTHON_EXPRESSION = "start: expression\n" + PYTHON_EXPRESSION_RULES + "%ignore /[ \\t]+/\n"

CSV = r"""
start: row (LINE_END row)* LINE_END?
row: FIELD ("," FIELD?)* | ("," FIELD?)+
FIELD: /[^",\x00-\x1F\x7F]+/ | /"([^"\x00]|"")*"/
LINE_END: /\r?\n/
"""

REGEX = r"""
start: options
options: items ("|" items)*
items: item*
item: atom QUANTIFIER?
atom: CHARACTER | ESCAPED | "." | "(" options ")" | "(?:" options ")" | "[" "^"? member+ "]"
member: MEMBER | RANGE | ESCAPED
CHARACTER: /[^\\.\[\]{}()*+?^$|\x00-\x1F]/
MEMBER: /[A-Za-z0-9_ ,;:!%@#=<>"']/
RANGE: "a-z" | "A-Z" | "0-9" | "a-f" | "0-7"
ESCAPED: /\\[dDwWsS.^$*+?()\[\]{}|\\\/ntr-]/
QUANTIFIER: /([*+?]|\{[1-9]?[0-9]\}|\{[1-9]?[0-9],\}|\{,[1-9]?[0-9]\}|\{[1-9],[1-9][0-9]\})\??/
"""

HTML = r"""
start: block+
block: "<p" attributes ">" inline* "</p>" | "<div" attributes ">" (block+ | inline*) "</div>"
     | "<h1>" inline* "</h1>" | "<h2>" inline* "</h2>" | "<ul>" entry+ "</ul>" | "<ol>" entry+ "</ol>"
     | "<hr>" | "<blockquote>" block+ "</blockquote>" | "<pre>" PRE_START inline* "</pre>"
entry: "<li>" (block+ | inline*) "</li>"
inline: TEXT | ENTITY | "<br>" | emphasis | "<code>" simple* "</code>"
      | "<a" HREF ">" simple* "</a>" | "<img" SOURCE ">"
emphasis: "<b>" simple* "</b>" | "<i>" simple* "</i>"
        | "<em>" simple* "</em>" | "<strong>" simple* "</strong>"
simple: TEXT | ENTITY | "<br>" | "<span" attributes ">" simple* "</span>"
attributes: CLASS? ID?
CLASS: / class="[a-z]+( [a-z]+)*"/
ID: / id="[a-z][a-z0-9-]*"/
HREF: / href="[a-z0-9\/.:#?=_-]*"/
SOURCE: / src="[a-z0-9\/._-]+" alt="[^"<>&\x00-\x1F\x7F-\x9F\uFDD0-\uFDEF\uFFFE\uFFFF]*"/
PRE_START: /[a-z]/
TEXT: /([^<>&\x00-\x1F\x7F-\x9F\uFDD0-\uFDEF\uFFFE\uFFFF]|\n)+/
ENTITY: "&amp;" | "&lt;" | "&gt;" | "&quot;" | "&#39;" | "&nbsp;"
"""

MERMAID = r"""
start: "flowchart " DIRECTION (LINE statement)+ LINE?
statement: node (edge node)* | "subgraph " NAME (LINE node (edge node)*)+ LINE "end"
node: NAME shape?
shape: "[" LABEL "]" | "(" LABEL ")" | "([" LABEL "])" | "[[" LABEL "]]" | "((" LABEL "))" | "{" LABEL "}"
     | "{{" LABEL "}}" | ">" LABEL "]"
edge: ARROW | ARROW "|" LABEL "|"
ARROW: " --> " | " --- " | " -.-> " | " ==> " | " --o " | " --x " | " <--> "
DIRECTION: "TD" | "TB" | "BT" | "LR" | "RL"
NAME: /n[0-9]+/
LABEL: /"[A-Za-z0-9 ,.;:!?'()\/+*=_-]+"/
LINE: /\n( {2}| {4})?/
"""

DATE = (
    r"(?!0000)[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    r"|(?!0000)(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29"
)
TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{3}(?:[0-9]{3})?)?"
DATE_TIME = rf"(?:{DATE})T{TIME}(?:Z|[+-](?:0[0-9]|1[0-9]|2[0-3]):[0-5][0-9])?"

_LABEL = r"[a-z0-9](?:-?[a-z0-9]){0,30}"
_TOP = r"[a-z]{2,18}"
EMAIL = rf"[A-Za-z0-9_+]+(?:[.-][A-Za-z0-9_+]+){{0,3}}@(?:{_LABEL}\.){{1,3}}{_TOP}"
_URL_CHARACTER = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
URL = (
    rf"https?://(?:{_LABEL}\.){{1,3}}{_TOP}(?::[1-9][0-9]{{1,3}})?(?:/{_URL_CHARACTER}*)*"
    rf"(?:\?(?:{_URL_CHARACTER}|[/?])*)?(?:#(?:{_URL_CHARACTER}|[/?])*)?"
)
