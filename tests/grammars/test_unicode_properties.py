"""Binary properties and script extensions: against the package `regex`, over all code points, and against
what holds in every version of Unicode."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache

import pytest
from tokentrellis.grammars import unicode_classes, unicode_tables
from tokentrellis.grammars.unicode_classes import LAST_CODE_POINT, Ranges, invert, merge_ranges, overlap

EVERY_CHARACTER = "".join(map(chr, range(LAST_CODE_POINT + 1)))
MOST_CHANGES = 20
"""How many code points that were assigned before may change a property between two versions of Unicode."""

NAMES = """
ASCII; ASCII_Hex_Digit AHex; Alphabetic Alpha; Any; Assigned; Bidi_Control Bidi_C; Bidi_Mirrored Bidi_M;
Case_Ignorable CI; Cased; Changes_When_Casefolded CWCF; Changes_When_Casemapped CWCM;
Changes_When_Lowercased CWL; Changes_When_Titlecased CWT; Changes_When_Uppercased CWU; Dash;
Default_Ignorable_Code_Point DI; Deprecated Dep; Diacritic Dia; Emoji; Emoji_Component EComp;
Emoji_Modifier EMod; Emoji_Modifier_Base EBase; Emoji_Presentation EPres; Extended_Pictographic ExtPict;
Extender Ext; Grapheme_Base Gr_Base; Grapheme_Extend Gr_Ext; Hex_Digit Hex; IDS_Binary_Operator IDSB;
IDS_Trinary_Operator IDST; ID_Continue IDC; ID_Start IDS; Ideographic Ideo; Join_Control Join_C;
Logical_Order_Exception LOE; Lowercase Lower; Math; Noncharacter_Code_Point NChar; Pattern_Syntax Pat_Syn;
Pattern_White_Space Pat_WS; Quotation_Mark QMark; Radical; Regional_Indicator RI; Sentence_Terminal STerm;
Soft_Dotted SD; Terminal_Punctuation Term; Unified_Ideograph UIdeo; Uppercase Upper; Variation_Selector VS;
White_Space space; XID_Continue XIDC; XID_Start XIDS
"""
"""ECMA-262, "Binary Unicode property aliases", but for Changes_When_NFKC_Casefolded."""

PROPERTIES = [names.split() for names in NAMES.split(";")]
SCRIPTS = sorted({pair.partition("=")[0] for pair in unicode_tables.SCRIPT_NAMES.split()})

Oracle = Callable[[str], Ranges]


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    regex = pytest.importorskip("regex", reason="the package `regex` is the oracle")

    @cache
    def find(expression: str) -> Ranges:
        # `regex` looks a bare name up among the values of several properties; "=Yes" is a binary property.
        bare = "=" in expression or expression in ("Any", "Assigned", "ASCII")
        pattern = rf"\p{{{expression if bare else expression + '=Yes'}}}+"
        found = regex.finditer(pattern, EVERY_CHARACTER)
        return tuple((match.start(), match.end() - 1) for match in found)

    return find


def table(expression: str) -> Ranges:
    found = unicode_classes.unicode_property(expression)
    assert found is not None, expression
    return found


def size(ranges: Ranges) -> int:
    return sum(last - first + 1 for first, last in ranges)


def both(left: Ranges, right: Ranges) -> Ranges:
    return merge_ranges([*left, *right])


EXPRESSIONS = [names[0] for names in PROPERTIES] + [f"scx={script}" for script in SCRIPTS]


def test_tables_are_those_of_regex(oracle: Oracle) -> None:
    if oracle("gc=Cn") != unicode_classes.general_category("Cn"):
        pytest.skip("`regex` has another version of Unicode, seen by what is assigned")
    assert [expression for expression in EXPRESSIONS if table(expression) != oracle(expression)] == []


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_tables_are_nearly_those_of_another_version(expression: str, oracle: Oracle) -> None:
    """Over what both versions assign, `regex` of any version differs by a few code points at most."""
    assigned = overlap(table("Assigned"), oracle("Assigned"))
    ours, theirs = overlap(table(expression), assigned), overlap(oracle(expression), assigned)
    differences = overlap(both(ours, theirs), invert(overlap(ours, theirs)))
    assert size(differences) <= MOST_CHANGES, differences[:10]


@pytest.mark.parametrize("names", PROPERTIES, ids=lambda names: names[0])
def test_names_are_exact(names: list[str]) -> None:
    first, *aliases = names
    found = table(first)
    assert all(table(alias) == found for alias in aliases)
    for name in names:
        for other in {name.lower(), name.upper(), name.replace("_", ""), f"{name} "} - set(names):
            assert unicode_classes.unicode_property(other) is None, other
        for other in (f"{name}=Yes", f"{name}=", f"gc={name}", f"{name}=Y"):
            assert unicode_classes.unicode_property(other) is None, other


@pytest.mark.parametrize("script", SCRIPTS)
def test_names_of_script_extensions(script: str) -> None:
    found = table(f"scx={script}")
    assert table(f"Script_Extensions={script}") == found
    if script not in ("Zyyy", "Zinh"):  # the two are given up where scripts are listed
        assert overlap(table(f"sc={script}"), invert(found)) == ()


NOT_LISTED = ["CWKCF", "Changes_When_NFKC_Casefolded", "Hyphen", "IDS_Unary_Operator", "Other_Math", "Latin"]
NOT_LISTED += ["Age=6.0", "Script_Extensions", "scx", "scx=", "scx=Klingon", "scx=latn", "RGI_Emoji"]


@pytest.mark.parametrize("name", NOT_LISTED)
def test_other_names_have_no_table(name: str) -> None:
    assert unicode_classes.unicode_property(name) is None


def test_derived_properties_follow_from_others() -> None:
    """Definitions in UAX 31, UAX 44 and UTS 51 that need no data of their own."""

    def union(*expressions: str) -> Ranges:
        return merge_ranges(pair for expression in expressions for pair in table(expression))

    def without(expression: str, *removed: str) -> Ranges:
        return overlap(table(expression), invert(union(*removed)))

    assert table("ASCII") == ((0, 0x7F),)
    assert table("Any") == ((0, LAST_CODE_POINT),)
    assert table("Assigned") == invert(table("Cn"))
    assert table("Cased") == union("Lowercase", "Uppercase", "Lt")
    assert table("Changes_When_Casemapped") == union("CWL", "CWT", "CWU")
    assert table("Grapheme_Base") == without("Any", "Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Gr_Ext")
    assert without("ID_Start", "ID_Continue") == without("XID_Start", "XID_Continue") == ()
    assert without("XID_Start", "ID_Start") == without("XID_Continue", "ID_Continue") == ()
    assert union("L", "Nl", "Lowercase", "Uppercase") == overlap(
        table("Alphabetic"), union("L", "Nl", "Lowercase", "Uppercase")
    )
    for part in ("Emoji_Modifier", "Emoji_Modifier_Base", "Emoji_Presentation", "Regional_Indicator"):
        assert without(part, "Emoji") == ()
    assert size(table("Noncharacter_Code_Point")) == 66
    assert re.fullmatch(r"\s+", "".join(chr(c) for a, b in table("White_Space") for c in range(a, b + 1)))


def test_the_tables_are_read_when_first_asked_for() -> None:
    script = (
        "import sys, tokentrellis\n"
        "from tokentrellis.grammars.regex import pattern_expression\n"
        "pattern_expression(r'\\p{L}\\p{sc=Grek}', syntax='ecma', search=True)\n"
        "name = 'tokentrellis.grammars.unicode_properties'\n"
        "assert name not in sys.modules\n"
        "pattern_expression(r'\\p{Emoji}', syntax='ecma', search=True)\n"
        "assert name in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
