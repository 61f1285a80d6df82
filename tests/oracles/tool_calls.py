"""Calls out of a text, by a plain parser for each family: Python's own `json`, `ast` and `re`.

In come the name of a format and an output, out come the calls as (name, arguments), or None where the text
is not what the family writes. Nothing is shared with the package.
"""

from __future__ import annotations

import ast
import json
import re
from typing import Any

Calls = list[tuple[str, dict[str, Any]]]

_DEEPSEEK = ("<\uff5ctool\u2581calls\u2581begin\uff5c>", "<\uff5ctool\u2581calls\u2581end\uff5c>")
_CALL = ("<\uff5ctool\u2581call\u2581begin\uff5c>", "<\uff5ctool\u2581call\u2581end\uff5c>")
_SEP = "<\uff5ctool\u2581sep\uff5c>"


def parse(format: str, text: str) -> Calls | None:
    """The calls, or None."""
    try:
        return _PARSERS[format](text)
    except (ValueError, SyntaxError, KeyError, TypeError, AttributeError, IndexError):
        return None


def _objects(text: str, name: str, arguments: str, separators: str) -> Calls:
    """JSON objects, one after the other."""
    calls, at = [], 0
    while at < len(text):
        if text[at] in separators:
            at += 1
            continue
        value, at = json.JSONDecoder().raw_decode(text, at)
        calls.append((value[name], value[arguments]))
    return calls


def _list(text: str, name: str, arguments: str) -> Calls:
    return [(value[name], value[arguments]) for value in json.loads(text)]


def _between(text: str, begin: str, end: str) -> str | None:
    if begin not in text:
        return None
    inner = text.split(begin, 1)[1]
    if not inner.rstrip().endswith(end):
        raise ValueError(end)
    return inner.rstrip()[: len(inner.rstrip()) - len(end)]


def _hermes(text: str) -> Calls:
    calls, at = [], text.find("<tool_call>")
    while at >= 0:
        begin = re.compile(r"\s*").match(text, at + len("<tool_call>")).end()  # type: ignore[union-attr]
        value, end = json.JSONDecoder().raw_decode(text, begin)
        rest = text[end:].lstrip()
        if not rest.startswith("</tool_call>"):
            raise ValueError(rest)
        calls.append((value["name"], value["arguments"]))
        rest = rest[len("</tool_call>") :].lstrip()
        if rest and not rest.startswith("<tool_call>"):
            raise ValueError(rest)
        at = len(text) - len(rest) if rest else -1
    return calls


def _qwen3_coder(text: str) -> Calls:
    calls = []
    pattern = r"<tool_call>\s*<function=([^>]+)>\n(.*?)</function>\s*</tool_call>"
    for name, body in re.findall(pattern, text, re.DOTALL):
        arguments = {}
        for key, raw in re.findall(r"<parameter=([^>]+)>\n(.*?)\n</parameter>\n", body, re.DOTALL):
            words = {"True": True, "False": False, "true": True, "false": False}
            is_string = key in ("city", "unit")  # by their schema
            arguments[key] = raw if is_string else words[raw] if raw in words else json.loads(raw)
        calls.append((name, arguments))
    return calls


def _python(source: str) -> Calls:
    """The escapes of JSON that Python has not are replaced first: a slash, and characters in two halves."""
    source = re.sub(r"\\.[0-9a-fA-F]{0,4}", _plain_escape, source, flags=re.DOTALL)
    source = source.encode("utf-16", "surrogatepass").decode("utf-16")
    body = ast.parse(source.strip()).body
    nodes = [statement.value for statement in body]  # type: ignore[attr-defined]
    if len(nodes) == 1 and isinstance(nodes[0], ast.List):
        nodes = nodes[0].elts
    return [
        (ast.unparse(node.func), {keyword.arg: ast.literal_eval(keyword.value) for keyword in node.keywords})
        for node in nodes
    ]


def _plain_escape(match: re.Match[str]) -> str:
    escape = match[0]
    if escape.startswith("\\/"):
        return escape[1:]
    if re.fullmatch(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}", escape):
        return chr(int(escape[2:], 16))
    return escape


def _without(text: str, *marks: str) -> str:
    for mark in marks:
        text = text.removeprefix(mark).removesuffix(mark)
    return text


def _deepseek(text: str, pattern: str) -> Calls:
    inner = _between(text, *_DEEPSEEK)
    if inner is None:
        return []
    found = re.findall(_CALL[0] + pattern + _CALL[1], inner, re.DOTALL)
    return [(name, json.loads(arguments)) for name, arguments in found]


def _harmony(text: str) -> Calls:
    calls = []
    for message in re.split(r"<\|start\|>assistant", text):
        header, _, body = message.partition("<|message|>")
        if to := re.search(r" to=functions\.([\w.:/-]+)", header):
            calls.append((to[1], json.loads(body.removesuffix("<|call|>"))))
    return calls


def _mistral_v11(text: str) -> Calls:
    calls = []
    for call in text.split("[TOOL_CALLS]")[1:]:
        head, arguments = call.split("[ARGS]", 1)
        calls.append((head.split("[CALL_ID]")[0], json.loads(arguments)))
    return calls


def _elements(text: str, call: str, parameter: str) -> Calls:
    """Elements for arguments, in elements for calls; the second of three groups is its own kind."""
    calls = []
    for name, body in re.findall(call, text, re.DOTALL):
        arguments = {}
        for key, kind, raw in re.findall(parameter, body, re.DOTALL):
            is_string = kind == "true" if kind else key in ("city", "unit")  # by their schema
            words = {"True": True, "False": False}
            arguments[key] = raw if is_string else words[raw] if raw in words else json.loads(raw)
        calls.append((name, arguments))
    return calls


def _kimi(text: str) -> Calls:
    inner = _between(text, "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>")
    pattern = (
        r"<\|tool_call_begin\|>functions\.(.*?):\d+<\|tool_call_argument_begin\|>(.*?)<\|tool_call_end\|>"
    )
    return [(name, json.loads(given)) for name, given in re.findall(pattern, inner or "", re.DOTALL)]


def _delimited(text: str, begin: str, quote: str, end: str) -> Calls:
    """Strings are taken out and put back as JSON, then bare names are put in quotes."""
    strings: list[str] = []

    def put_aside(match: re.Match[str]) -> str:
        strings.append(match[1])
        return f"\x00{len(strings) - 1}\x00"

    aside = re.sub(re.escape(quote) + "(.*?)" + re.escape(quote), put_aside, text, flags=re.DOTALL)
    calls = []
    for name, body in re.findall(
        re.escape(begin) + r"call:([^{]+)(\{.*?\})" + re.escape(end), aside, re.DOTALL
    ):
        named = re.sub(
            r"([{,]\s*)([^\s:,{}\[\]\x00]+)\s*:", lambda match: f"{match[1]}{json.dumps(match[2])}:", body
        )
        calls.append(
            (name, json.loads(re.sub("\x00(\\d+)\x00", lambda m: json.dumps(strings[int(m[1])]), named)))
        )
    return calls


_DSML = "\uff5cDSML\uff5c"
_PARSERS = {
    "glm45": lambda text: _elements(
        text,
        r"<tool_call>([^\n]+)\n(.*?)</tool_call>",
        r"<arg_key>(.*?)</arg_key>\n()<arg_value>(.*?)</arg_value>\n",
    ),
    "kimi_k2": _kimi,
    "minimax_m2": lambda text: _elements(
        text, r'<invoke name="([^"]+)">\n(.*?)</invoke>\n', r'<parameter name="(.*?)">()(.*?)</parameter>\n'
    ),
    "deepseek_v32": lambda text: _elements(
        text,
        rf'<{_DSML}invoke name="([^"]+)">\n(.*?)</{_DSML}invoke>',
        rf'<{_DSML}parameter name="(.*?)" string="(.*?)">(.*?)</{_DSML}parameter>\n',
    ),
    "llama3": lambda text: _objects(_without(text, "<|python_tag|>"), "name", "parameters", " ;\n"),
    "llama4": lambda text: _objects(
        _without(text, "<|python_start|>", "<|python_end|>"), "name", "parameters", " \n"
    ),
    "llama_pythonic": lambda text: _python(_without(text, "<|python_start|>", "<|python_end|>")),
    "hermes": _hermes,
    "qwen": _hermes,
    "qwen3_coder": _qwen3_coder,
    "mistral": lambda text: _list(text.split("[TOOL_CALLS]", 1)[1], "name", "arguments"),
    "mistral_v11": _mistral_v11,
    "deepseek_v3": lambda text: _deepseek(text, "function" + _SEP + "([^\n]+)\n```json\n(.*?)\n```"),
    "deepseek_v31": lambda text: _deepseek(text, "(.*?)" + _SEP + "(.*?)"),
    "gemma": lambda text: _python(_between(text, "```tool_code\n", "\n```") or ""),
    "gemma4": lambda text: _delimited(text, "<|tool_call>", '<|"|>', "<tool_call|>"),
    "functiongemma": lambda text: _delimited(
        text, "<start_function_call>", "<escape>", "<end_function_call>"
    ),
    "harmony": _harmony,
    "phi4": lambda text: _list(
        _between(text, "<|tool_call|>", "<|/tool_call|>") or "[]", "name", "arguments"
    ),
    "phi4_object": lambda text: _hermes(
        text.replace("<|tool_call|>", "<tool_call>").replace("<|/tool_call|>", "</tool_call>")
    ),
    "phi4_functools": lambda text: _list(text.split("functools", 1)[1], "name", "arguments"),
    "command": lambda text: _list(
        _between(text, "<|START_ACTION|>", "<|END_ACTION|>") or "[]", "tool_name", "parameters"
    ),
    "command_r": lambda text: _list(_between(text, "```json\n", "```") or "[]", "tool_name", "parameters"),
}
