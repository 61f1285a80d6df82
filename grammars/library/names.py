"""Names that are none of a language's own words -> a pattern without look-ahead into what is refused.

In comes a list of words; out comes a pattern of names, made of their trie: at each of its nodes a name may
end, unless a word ends there, go on as a word does, or leave the words for good. Cost: linear in the words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable


def names_without(words: Iterable[str], first: str = "a-z_", further: str = "a-z0-9_") -> str:
    """A pattern, in the notation of `re`, of the names that are none of the words.

    first, further: the characters of a name, as they stand in brackets. The words have such characters only.
    """
    trie: dict[str, dict] = {"": {}}  # the empty text is no name
    for word in words:
        node = trie
        for letter in word:
            node = node.setdefault(letter, {})
        node[""] = {}
    return rf"{_from(trie, first, further)}(?!\w)"


def with_whole_words(text: str) -> str:
    """A Lark grammar whose words in quotes end where no letter follows, as a language's own words do.

    `"word"i` takes letters of either case, and no others: `re` takes more, such as a long s for an s.
    """

    def pattern(found: re.Match[str]) -> str:
        word = "".join(f"[{c.upper()}{c.lower()}]" for c in found[1]) if found[2] else found[1]
        return rf"/{word}(?!\w)/"

    return re.sub(r'"([A-Za-z]+)"(i?)', pattern, text)


def _from(node: dict[str, dict], members: str, further: str) -> str:
    """What a name may have after the letters that lead to a node of the trie."""
    letters = sorted(letter for letter in node if letter)
    options = [letter + _from(node[letter], further, further) for letter in letters]
    others = f"(?![{''.join(letters)}])" if letters else ""
    options.append(f"{others}[{members}][{further}]*")
    end = "" if "" in node else "?"
    return f"(?:{'|'.join(options)}){end}"


def with_trailing_blanks(text: str) -> str:
    """A Lark grammar, of patterns and strings, in which blanks may follow each of them.

    Instead of `%ignore`, where none may stand at the begin of a text or of a line.
    """
    return _LITERAL.sub(lambda found: f"/{found[1] or _escaped(found[2])}[ \\t]*/{found[3] or ''}", text)


def _escaped(text: str) -> str:
    return re.escape(text).replace("/", "\\/")


_LITERAL = re.compile(r'/((?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\n])+)/(?=[\s|)?*]|$)|"([^"\n]+)"(i?)')
