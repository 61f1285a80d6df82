"""Chat templates of the Gemma family, as text (see `chat_templates.py`)."""

# ruff: noqa: E501
from __future__ import annotations

GEMMA = r"""{{ bos_token }}
{%- for message in messages %}
    {%- set role = "model" if message['role'] == 'assistant' else message['role'] %}
    {{- '<start_of_turn>' + role + '\n' }}
    {%- if message.tool_calls %}
        {{- '```tool_code\n' }}
        {%- for tool_call in message.tool_calls %}
            {{- tool_call.function.name + '(' }}
            {%- for param in tool_call.function.arguments %}
                {%- set value = tool_call.function.arguments[param] %}
                {{- param + '=' }}
                {%- if value is string %}{{- value | tojson }}{%- else %}{{- value | string }}{%- endif %}
                {%- if not loop.last %}{{- ', ' }}{%- endif %}
            {%- endfor %}
            {{- ')\n' }}
        {%- endfor %}
        {{- '```' }}
    {%- else %}
        {{- message['content'] | trim }}
    {%- endif %}
    {{- '<end_of_turn>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<start_of_turn>model\n' }}
{%- endif %}
"""

GEMMA_4 = r"""{%- macro format_argument(argument, escape_keys=True) -%}
    {%- if argument is none -%}
        {{- 'null' -}}
    {%- elif argument is string -%}
        {{- '<|"|>' + argument + '<|"|>' -}}
    {%- elif argument is boolean -%}
        {{- 'true' if argument else 'false' -}}
    {%- elif argument is mapping -%}
        {{- '{' -}}
        {%- set ns = namespace(found_first=false) -%}
        {%- for key, value in argument | dictsort -%}
            {%- if ns.found_first %},{% endif -%}
            {%- set ns.found_first = true -%}
            {%- if escape_keys -%}
                {{- '<|"|>' + key + '<|"|>' -}}
            {%- else -%}
                {{- key -}}
            {%- endif -%}
            :{{- format_argument(value, escape_keys=escape_keys) -}}
        {%- endfor -%}
        {{- '}' -}}
    {%- elif argument is sequence -%}
        {{- '[' -}}
        {%- for item in argument -%}
            {{- format_argument(item, escape_keys=escape_keys) -}}
            {%- if not loop.last %},{% endif -%}
        {%- endfor -%}
        {{- ']' -}}
    {%- else -%}
        {{- argument -}}
    {%- endif -%}
{%- endmacro -%}
{{- bos_token -}}
{%- for message in messages -%}
    {%- set role = 'model' if message['role'] == 'assistant' else message['role'] -%}
    {{- '<|turn>' + role + '\n' }}
    {%- set thinking_text = message.get('reasoning') or message.get('reasoning_content') -%}
    {%- if thinking_text and message.get('tool_calls') -%}
        {{- '<|channel>thought\n' + thinking_text + '\n<channel|>' -}}
    {%- endif -%}
    {%- if message['tool_calls'] -%}
        {%- for tool_call in message['tool_calls'] -%}
            {%- set function = tool_call['function'] -%}
            {{- '<|tool_call>call:' + function['name'] + '{' -}}
            {%- set ns_args = namespace(found_first=false) -%}
            {%- for key, value in function['arguments'] | dictsort -%}
                {%- if ns_args.found_first %},{% endif -%}
                {%- set ns_args.found_first = true -%}
                {{- key -}}:{{- format_argument(value, escape_keys=False) -}}
            {%- endfor -%}
            {{- '}<tool_call|>' -}}
        {%- endfor -%}
        {{- '<|tool_response>' -}}
    {%- else -%}
        {{- message['content'] | trim -}}
        {{- '<turn|>\n' -}}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|turn>model\n' -}}
{%- endif -%}
"""

# Put together from what its documentation shows of turns, calls and values; the macro is that of its successor.
FUNCTION_GEMMA = (
    GEMMA_4.replace('<|"|>', "<escape>")
    .replace("<|tool_call>call:", "<start_function_call>call:")
    .replace("<tool_call|>", "<end_function_call>")
    .replace("<|tool_response>", "<start_function_response>")
    .replace("<|turn>", "<start_of_turn>")
    .replace("<turn|>", "<end_of_turn>")
    .replace("thinking_text and", "false and")
)
