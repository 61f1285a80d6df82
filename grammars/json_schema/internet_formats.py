r"""The formats of addresses and names: hosts, mailboxes, URIs and IRIs, URI templates, after their RFCs.

Parts are patterns for `grammars/regex.py` (ECMA-262), composed as in the grammar of the RFC. Exact are ipv4
(RFC 2673, 3.2), ipv6 (RFC 4291, 2.2), uri and uri-reference (RFC 3986, appendix A), iri and iri-reference
(RFC 3987, 2.2) and uri-template (RFC 6570, section 2; an apostrophe is a literal, as the official test suite
has it). Approximated from inside are

- hostname (RFC 1123, 2.1): no A-labels (`xn--`), whose Punycode no automaton decodes. The length of the name,
  at most 253 characters, is left to whoever counts characters;
- email (RFC 5321, 4.1.2): hosts as above, IPv4 and IPv6 literals, no other literals in brackets, no escaped
  space. The local part has at most 64 octets, the path at most 254, which is again left to a counter;
- idn-hostname (RFC 5890): labels of a hostname, and labels of at most 11 characters of alphabets that need no
  combining marks, with some characters under context rules in their usual places; at most 3 labels. So the
  Punycode of a label cannot be longer than 63 octets, whatever the characters;
- idn-email (RFC 6531): as email, with other characters in the local part (64 octets of UTF-8).
"""

from __future__ import annotations

import string
from collections.abc import Collection, Mapping, Sequence

from ..expressions import EPSILON, Expression, automaton, concatenate, literal, optional, repeat, union
from ..regex import pattern_expression

MOST_HOSTNAME = 253
MOST_EMAIL = 254


def _whole(pattern: str) -> Expression:
    return pattern_expression(pattern, search=False)


# Hosts.

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}"


def ipv6() -> Expression:
    """Eight groups, or fewer around two colons; the last two may be an IPv4 address."""
    group, colon = _whole("[0-9A-Fa-f]{1,4}"), literal(":")
    group_colon = concatenate(group, colon)
    last_two = union(concatenate(group_colon, group), _whole(IPV4))
    options = [concatenate(repeat(group_colon, 6, 6), last_two)]
    for before in range(8):  # at most so many groups before the two colons, and 7 in all
        after = 7 - before
        head = optional(concatenate(repeat(group_colon, 0, before - 1), group)) if before else EPSILON
        tail = union(EPSILON, group) if after else EPSILON
        if after >= 2:
            tail = union(tail, concatenate(repeat(group_colon, 0, after - 2), last_two))
        options.append(concatenate(head, colon, colon, tail))
    return union(*options)


_LABEL = (
    "(?:[0-9A-Za-z](?:[0-9A-Za-z-]?[0-9A-Za-z])?|[0-9A-Za-z][0-9A-Za-z-]{2}[0-9A-Za-z]"
    "|[0-9A-Za-z][0-9A-Za-z-](?:[0-9A-Za-z][0-9A-Za-z-]|-[0-9A-Za-z])[0-9A-Za-z-]{0,58}[0-9A-Za-z])"
)
HOSTNAME = rf"{_LABEL}(?:\.{_LABEL})*"
_LOOSE_LABEL = "[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?"
LOOSE_HOSTNAME = rf"{_LOOSE_LABEL}(?:\.{_LOOSE_LABEL})*"
# Latin, Greek, Cyrillic, Armenian, Devanagari, Thai, Georgian, kana, Han, Hangul: letters only.
_SAFE_LETTERS = (
    r"0-9A-Za-z\u00DF-\u00F6\u00F8-\u0131\u0134-\u013E\u0141-\u0148\u014A-\u017E\u0388-\u038A\u038C\u038E-\u03A1"
    r"\u03A3-\u03CE\u0400-\u045F\u0561-\u0586\u0904-\u0939\u0E01-\u0E2E\u10D0-\u10FA\u3005\u3041-\u3096\u30A1-\u30FA"
    r"\u30FC\u4E00-\u9FA5\uAC00-\uD7A3\u0F0B\u3007"
)
# Labels with the characters that have context rules (RFC 5892, appendix A): between "l", before Greek, beside
# kana or Han, Arabic digits of one kind, joiners after a virama.
_GREEK, _KANA = r"\u03B1-\u03C9", r"\u3041-\u3096\u30A1-\u30FA\u4E00-\u9FA5"
_DEVANAGARI = r"[\u0915-\u0928\u092A-\u0930\u0932\u0933\u0935-\u0939]"
_CONTEXT_LABELS = (
    rf"[a-z]{{0,4}}l\u00B7l[a-z]{{0,4}}|[{_GREEK}]{{0,5}}\u0375[{_GREEK}]{{1,5}}"
    rf"|[{_KANA}]{{0,5}}\u30FB[{_KANA}]{{1,5}}|[{_KANA}]{{1,5}}\u30FB|[\u06F0-\u06F9][0-9\u06F0-\u06F9]{{0,9}}"
    rf"|(?:{_DEVANAGARI}(?:\u094D[\u200C\u200D]?{_DEVANAGARI})?){{1,3}}"
)
_ANY_LABEL = f"(?:{_LABEL}|[{_SAFE_LETTERS}]{{1,11}}|{_CONTEXT_LABELS})"
# Names written from right to left: every label has to be (RFC 5893). Hebrew, and Arabic letters that join on
# both sides, so that a non-joiner may stand between them.
_HEBREW, _ARABIC = r"\u05D0-\u05EA", r"\u0628\u062A-\u062E\u0633-\u063A\u0641-\u0647\u064A"
_RIGHT_TO_LEFT_LABEL = (
    rf"(?:[{_HEBREW}]{{1,5}}(?:[\u05F3\u05F4][{_HEBREW}]{{0,5}})?|[\u06FD\u06FE]{{1,9}}"
    rf"|[{_ARABIC}]{{1,5}}(?:\u200C[{_ARABIC}]{{1,5}}|[\u0660-\u0669]{{1,4}}[{_ARABIC}]{{0,2}})?)"
)
_SEPARATOR = r"[.\u3002\uFF0E\uFF61]"
IDN_HOSTNAME = (
    rf"{HOSTNAME}|{_ANY_LABEL}(?:{_SEPARATOR}{_ANY_LABEL}){{0,2}}"
    rf"|{_RIGHT_TO_LEFT_LABEL}(?:{_SEPARATOR}{_RIGHT_TO_LEFT_LABEL}){{0,2}}"
)

# URIs and IRIs.

_ESCAPED = "%[0-9A-Fa-f]{2}"
_OTHER_CHARACTERS = r"\u00A0-\uD7FF\uF900-\uFDCF\uFDF0-\uFFEF" + "".join(
    rf"\u{{{plane:X}{'1000' if plane == 0xE else '0000'}}}-\u{{{plane:X}FFFD}}" for plane in range(1, 0xF)
)
_PRIVATE_CHARACTERS = r"\uE000-\uF8FF\u{F0000}-\u{FFFFD}\u{100000}-\u{10FFFD}"


def resource(*, international: bool, relative: bool) -> Expression:
    """URIs or IRIs; relative: relative references too."""
    others, private = (_OTHER_CHARACTERS, _PRIVATE_CHARACTERS) if international else ("", "")
    plain = rf"A-Za-z0-9\-._~!$&'()*+,;={others}"
    colon, slash, slashes = literal(":"), literal("/"), literal("//")
    characters = _whole(f"(?:[{plain}:@]|{_ESCAPED})*")
    some_characters = _whole(f"(?:[{plain}:@]|{_ESCAPED})+")
    future = _whole(r"[Vv][0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+")
    name = _whole(f"(?:[{plain}]|{_ESCAPED})*")
    host = union(concatenate(literal("["), union(ipv6(), future), literal("]")), name)
    user = optional(_whole(f"(?:[{plain}:]|{_ESCAPED})*@"))
    more = repeat(concatenate(slash, characters))
    rooted = union(
        concatenate(slashes, user, host, optional(_whole(":[0-9]*")), more),
        concatenate(slash, optional(concatenate(some_characters, more))),
    )
    query = optional(_whole(rf"\?(?:[{plain}:@/?{private}]|{_ESCAPED})*"))
    end = concatenate(query, optional(_whole(f"#(?:[{plain}:@/?]|{_ESCAPED})*")))
    rootless = concatenate(some_characters, more)
    scheme = _whole(r"[A-Za-z][A-Za-z0-9+\-.]*")
    absolute = concatenate(scheme, colon, optional(union(rooted, rootless)))
    if not relative:
        return concatenate(absolute, end)
    first_segment = _whole(f"(?:[{plain}@]|{_ESCAPED})+")  # without a colon: it would end a scheme
    path = optional(union(rooted, concatenate(first_segment, more)))
    return concatenate(union(absolute, path), end)


_VARIABLE = f"(?:[A-Za-z0-9_]|{_ESCAPED})"
_VARIABLE = rf"{_VARIABLE}(?:\.?{_VARIABLE})*(?::[1-9][0-9]{{0,3}}|\*)?"
URI_TEMPLATE = (
    rf"(?:[!#$&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~{_OTHER_CHARACTERS}{_PRIVATE_CHARACTERS}]|{_ESCAPED}"
    rf"|\{{[+#./;?&=,!@|]?{_VARIABLE}(?:,{_VARIABLE})*\}})*"
)

# Mailboxes. A local part is read by a small automaton beside a counter of its bytes.

_MOST_LOCAL = 64
_ATOM = sum(
    1 << byte for byte in b"!#$%&'*+-/=?^_`{|}~" + string.digits.encode() + string.ascii_letters.encode()
)


def _bytes(first: int, last: int | None = None) -> int:
    return (2 << (first if last is None else last)) - (1 << first)


def _local_part(others: bool) -> Expression:
    """Dot-string or quoted string of at most 64 bytes; others: with characters outside ASCII."""
    backslash, quote = _bytes(0x5C), _bytes(0x22)
    table: dict[str, list[tuple[int, str]]] = {
        "start": [(_ATOM, "atom"), (quote, "quoted")],
        "dot": [(_ATOM, "atom")],
        "atom": [(_ATOM, "atom"), (_bytes(0x2E), "dot")],
        "quoted": [
            (_bytes(0x20, 0x7E) & ~backslash & ~quote, "quoted"),
            (backslash, "escape"),
            (quote, "end"),
        ],
        "escape": [(_bytes(0x21, 0x7E), "quoted")],
        "end": [],
    }
    if others:
        for state in ("start", "dot", "atom"):
            table[state] += _add_utf8(table, "atom")
        table["quoted"] += _add_utf8(table, "quoted")
    return _counted(table, ("atom", "end"), _MOST_LOCAL)


def _add_utf8(table: dict[str, list[tuple[int, str]]], after: str) -> list[tuple[int, str]]:
    """Edges over one character outside ASCII (Unicode standard, table 3-7) to `after`."""
    one, two, three = (f"{after} {count}" for count in (1, 2, 3))
    more = _bytes(0x80, 0xBF)
    table.update({one: [(more, after)], two: [(more, one)], three: [(more, two)]})
    edges = [
        (_bytes(0xC2, 0xDF), one),
        (_bytes(0xE1, 0xEF) & ~_bytes(0xED), two),
        (_bytes(0xF1, 0xF3), three),
    ]
    for lead, second, rest in (
        (0xE0, _bytes(0xA0, 0xBF), one),
        (0xED, _bytes(0x80, 0x9F), one),
        (0xF0, _bytes(0x90, 0xBF), two),
        (0xF4, _bytes(0x80, 0x8F), two),
    ):
        table[f"{after} {lead}"] = [(second, rest)]
        edges.append((_bytes(lead), f"{after} {lead}"))
    return edges


def _counted(
    table: Mapping[str, Sequence[tuple[int, str]]], accepting: Collection[str], most: int
) -> Expression:
    """The automaton of `table` (state -> byte sets with the next state), on at most `most` bytes.

    It begins at "start".
    """
    numbers = {("start", 0): 0}
    edges = []
    accepted = []
    for state, count in (pending := [("start", 0)]):
        number = numbers[state, count]
        if state in accepting:
            accepted.append(number)
        for members, after in table[state] if count < most else ():
            target = (after, count + 1)
            if target not in numbers:
                numbers[target] = len(numbers)
                pending.append(target)
            edges.append((number, members, numbers[target]))
    return automaton(len(numbers), edges, accepted)


def email(others: bool) -> tuple[Expression, Expression]:
    """Valid mailboxes, and a language around all that may be valid; others: with characters outside ASCII."""
    numeric = union(_whole(IPV4), concatenate(_whole("[Ii][Pp][Vv]6:"), ipv6()))
    address = concatenate(literal("["), numeric, literal("]"))
    domain = union(_whole(IDN_HOSTNAME if others else HOSTNAME), address)
    inside = concatenate(_local_part(others), literal("@"), domain)
    character = r"[^\x00-\x1F\x7F]" if others else r"[\x20-\x7E]"
    around = _whole(rf"{character}+@{character}+")
    return inside, around
