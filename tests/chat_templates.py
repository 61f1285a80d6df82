"""Chat templates of model families, as text: how an assistant's turn with calls is written.

Excerpts of the templates that the families publish, cut down to the roles user and assistant. What stands in
a turn is as there, to the blank.
"""

# ruff: noqa: E501
from __future__ import annotations

from tests.gemma_templates import FUNCTION_GEMMA, GEMMA, GEMMA_4

_DEEPSEEK_NAMES = {
    "CALLS_BEGIN": "<\uff5ctool\u2581calls\u2581begin\uff5c>",
    "CALLS_END": "<\uff5ctool\u2581calls\u2581end\uff5c>",
    "CALL_BEGIN": "<\uff5ctool\u2581call\u2581begin\uff5c>",
    "CALL_END": "<\uff5ctool\u2581call\u2581end\uff5c>",
    "SEP": "<\uff5ctool\u2581sep\uff5c>",
    "USER": "<\uff5cUser\uff5c>",
    "ASSISTANT": "<\uff5cAssistant\uff5c>",
    "DSML": "\uff5cDSML\uff5c",
    "EOS": "<\uff5cend\u2581of\u2581sentence\uff5c>",
}


def _deepseek(template: str) -> str:
    for name, token in _DEEPSEEK_NAMES.items():
        template = template.replace(f"@{name}@", token)
    return template


LLAMA_3 = r"""{{- bos_token }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("This model only supports single tool-calls at once!") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}
        {{- '{"name": "' + tool_call.name + '", ' }}
        {{- '"parameters": ' }}
        {{- tool_call.arguments | tojson }}
        {{- "}" }}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %}
"""

LLAMA_4 = r"""{{- bos_token }}
{%- for message in messages %}
    {%- if not 'tool_calls' in message %}
        {{- '<|header_start|>' + message['role'] + '<|header_end|>\n\n' + message['content'] | trim + '<|eot|>' }}
    {%- else %}
        {{- '<|header_start|>assistant<|header_end|>\n\n' -}}
        {{- '<|python_start|>' }}
        {{- '<|python_end|>' }}
        {%- for tool_call in message.tool_calls %}
            {{- '{"name": "' + tool_call.function.name + '", ' }}
            {{- '"parameters": ' }}
            {{- tool_call.function.arguments | tojson }}
            {{- "}" }}
        {%- endfor %}
        {{- "<|eot|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|header_start|>assistant<|header_end|>\n\n' }}
{%- endif %}
"""

LLAMA_PYTHONIC = r"""{{- bos_token }}
{#- You SHOULD NOT include any other text: [func_name1(params_name1=params_value1, ...), func_name2(params)] -#}
{%- for message in messages %}
    {%- if not 'tool_calls' in message %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}
    {%- else %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\n\n[' -}}
        {%- for tool_call in message.tool_calls %}
            {{- tool_call.function.name + '(' -}}
            {%- for param in tool_call.function.arguments %}
                {{- param + '=' -}}
                {%- set value = tool_call.function.arguments[param] %}
                {%- if value is string %}{{- value | tojson }}{%- else %}{{- value | string }}{%- endif %}
                {%- if not loop.last %}{{- ', ' }}{%- endif %}
            {%- endfor %}
            {{- ')' -}}
            {%- if not loop.last %}{{- ', ' }}{%- endif %}
        {%- endfor %}
        {{- ']<|eot_id|>' -}}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %}
"""

QWEN = r"""{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role }}
        {%- if message.content %}
            {{- '\n' + message.content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- if tool_call.function is defined %}
                {%- set tool_call = tool_call.function %}
            {%- endif %}
            {{- '\n<tool_call>\n{"name": "' }}
            {{- tool_call.name }}
            {{- '", "arguments": ' }}
            {{- tool_call.arguments | tojson }}
            {{- '}\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %}
"""

QWEN_3 = QWEN.replace(
    "{%- if add_generation_prompt %}",
    "{#- <think> and </think> stand around the reasoning -#}\n{%- if add_generation_prompt %}",
)

QWEN_3_CODER = r"""{%- for message in messages %}
    {%- if message.role == "assistant" and message.tool_calls %}
        {{- '<|im_start|>' + message.role }}
        {%- if message.content %}
            {{- '\n' + message.content | trim + '\n' }}
        {%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- set tool_call = tool_call.function %}
            {{- '\n<tool_call>\n<function=' + tool_call.name + '>\n' }}
            {%- for args_name, args_value in tool_call.arguments|items %}
                {{- '<parameter=' + args_name + '>\n' }}
                {%- set args_value = args_value | tojson | safe if args_value is mapping or (args_value is sequence and args_value is not string) else args_value | string %}
                {{- args_value }}
                {{- '\n</parameter>\n' }}
            {%- endfor %}
            {{- '</function>\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\n' }}
    {%- else %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %}
"""

MISTRAL = r"""{{- bos_token }}
{%- for message in messages %}
    {%- if message["role"] == "user" %}
        {{- '[INST]' + message['content'] + '[/INST]' }}
    {%- elif message.tool_calls is defined %}
        {{- "[TOOL_CALLS] [" }}
        {%- for tool_call in message.tool_calls %}
            {%- set out = tool_call.function|tojson %}
            {{- out[:-1] }}
            {{- ', "id": "' + tool_call.id[-9:] + '"}' }}
            {%- if not loop.last %}
                {{- ", " }}
            {%- else %}
                {{- "]" + eos_token }}
            {%- endif %}
        {%- endfor %}
    {%- else %}
        {{- message['content'] + eos_token }}
    {%- endif %}
{%- endfor %}
"""

MISTRAL_V11 = r"""{{- bos_token }}
{%- for message in messages %}
    {%- if message["role"] == "user" %}
        {{- '[INST]' + message['content'] + '[/INST]' }}
    {%- elif message.tool_calls is defined %}
        {{- message['content'] or '' }}
        {%- for tool_call in message.tool_calls %}
            {%- set arguments = tool_call.function.arguments | tojson %}
            {{- '[TOOL_CALLS]' + tool_call.function.name + '[CALL_ID]' + tool_call.id[-9:] + '[ARGS]' + arguments }}
        {%- endfor %}
        {{- eos_token }}
    {%- else %}
        {{- message['content'] + eos_token }}
    {%- endif %}
{%- endfor %}
"""

DEEPSEEK_V3 = _deepseek(r"""{{ bos_token }}{%- set ns = namespace(is_first=false) -%}
{%- for message in messages %}
    {%- if message['role'] == 'user' %}{{'@USER@' + message['content']}}{%- endif %}
    {%- if message['role'] == 'assistant' and message['tool_calls'] is defined %}
        {%- set ns.is_first = false -%}
        {{- '@ASSISTANT@' -}}
        {%- for tool in message['tool_calls'] -%}
            {%- if not ns.is_first -%}
                {{'@CALLS_BEGIN@@CALL_BEGIN@' + tool['type'] + '@SEP@' + tool['function']['name'] + '\n' + '```json' + '\n' + tool['function']['arguments'] | tojson + '\n' + '```' + '@CALL_END@'}}
                {%- set ns.is_first = true -%}
            {%- else -%}
                {{'\n' + '@CALL_BEGIN@' + tool['type'] + '@SEP@' + tool['function']['name'] + '\n' + '```json' + '\n' + tool['function']['arguments'] | tojson + '\n' + '```' + '@CALL_END@'}}
            {%- endif -%}
        {%- endfor -%}
        {{'@CALLS_END@@EOS@'}}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{'@ASSISTANT@'}}{%- endif %}
""")

DEEPSEEK_V31 = _deepseek(r"""{{ bos_token }}
{%- for message in messages -%}
  {%- if message['role'] == 'user' -%}{{'@USER@' + message['content']}}{%- endif -%}
  {%- if message['role'] == 'assistant' and message['tool_calls'] is defined -%}
    {{'@ASSISTANT@</think>'}}
    {%- for tool in message['tool_calls'] -%}
      {%- if loop.first -%}{{ (message['content'] or '') + '@CALLS_BEGIN@'}}{%- endif -%}
      {{'@CALL_BEGIN@' + tool['function']['name'] + '@SEP@' + tool['function']['arguments'] | tojson + '@CALL_END@'}}
    {%- endfor -%}
    {{'@CALLS_END@@EOS@'}}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{'@ASSISTANT@'}}{%- if not thinking -%}{{'</think>'}}{%- else -%}{{'<think>'}}{%- endif -%}{%- endif %}
""")

HARMONY = r"""{%- for message in messages -%}
    {%- if message.role == 'user' -%}
        {{- "<|start|>user<|message|>" + message.content + "<|end|>" }}
    {%- elif "tool_calls" in message %}
        {%- set tool_call = message.tool_calls[0].function %}
        {%- if message.thinking %}
            {{- "<|start|>assistant<|channel|>analysis<|message|>" + message.thinking + "<|end|>" }}
        {%- endif %}
        {{- "<|start|>assistant to=" }}
        {{- "functions." + tool_call.name + "<|channel|>commentary " }}
        {{- (tool_call.content_type if tool_call.content_type is defined else "json") + "<|message|>" }}
        {{- tool_call.arguments|tojson }}
        {{- "<|call|>" }}
    {%- else %}
        {{- "<|start|>assistant<|channel|>final<|message|>" + message.content + "<|return|>" }}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
<|start|>assistant
{%- endif -%}
"""

PHI_4 = r"""{%- for message in messages -%}
    {#- tools: '<|tool|>' + tools + '<|/tool|>' -#}
    {{- '<|' + message['role'] + '|>' -}}
    {%- if message.content -%}
        {{- message['content'] -}}
    {%- endif -%}
    {%- if message.tool_calls -%}
        {{- '<|tool_call|>[' -}}
        {%- for tool_call in message.tool_calls -%}
            {{- tool_call['function'] | tojson -}}
            {%- if not loop.last -%}{{- ', ' -}}{%- endif -%}
        {%- endfor -%}
        {{- ']<|/tool_call|>' -}}
    {%- endif -%}
    {{- '<|end|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
   {{- '<|assistant|>' -}}
{%- endif -%}
"""

PHI_4_OBJECT = r"""{%- for message in messages -%}
    {{- '<|' + message['role'] + '|>' -}}
    {%- if message.content -%}
        {{- message['content'] -}}
    {%- endif -%}
    {%- for tool_call in message.tool_calls -%}
        {{- '<|tool_call|>' + (tool_call['function'] | tojson) + '<|/tool_call|>' -}}
    {%- endfor -%}
    {{- '<|end|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
   {{- '<|assistant|>' -}}
{%- endif -%}
"""

PHI_4_FUNCTOOLS = r"""{%- for message in messages %}
    {{- '<|' + message['role'] + '|>' }}
    {%- if message.tool_calls %}
        {{- 'functools[' -}}
        {%- for tool_call in message.tool_calls %}
            {{- '{"name": "' + tool_call.function.name + '", "arguments": ' + tool_call.function.arguments | tojson + '}' -}}
            {%- if not loop.last %}{{- ', ' -}}{%- endif %}
        {%- endfor %}
        {{- ']' -}}
    {%- else %}
        {{- message['content'] }}
    {%- endif %}
    {{- '<|end|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|assistant|>' }}
{%- endif %}
"""

COMMAND_R7B = r"""{{ bos_token }}{%- set tool_idx = namespace(value=0) %}
{%- for message in messages %}
    {%- if message.role|lower == 'user' %}
<|START_OF_TURN_TOKEN|><|USER_TOKEN|>{{ message.content }}<|END_OF_TURN_TOKEN|>
    {%- elif message.role|lower == 'assistant' or message.role|lower == 'chatbot' %}
<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>{% if message.tool_calls %}<|START_THINKING|>{{message.reasoning_content}}<|END_THINKING|><|START_ACTION|>[
    {% for tc in message.tool_calls %}
    {"tool_call_id": "{{ tool_idx.value }}", "tool_name": "{{ tc['function']['name'] }}", "parameters": {{ tc['function']['arguments']|tojson }}}{% if not loop.last %},{% endif %}

    {% set tool_idx.value = tool_idx.value + 1 %}
    {% endfor %}
]<|END_ACTION|><|END_OF_TURN_TOKEN|>{% else %}<|START_RESPONSE|>{{message.content}}<|END_RESPONSE|><|END_OF_TURN_TOKEN|>{% endif %}
    {%- endif %}
{%- endfor %}{%- if add_generation_prompt %}<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>{%- endif %}
"""

COMMAND_R = r"""{{ bos_token }}
{%- for message in messages %}
    {%- if message.role == 'user' %}
        {{- '<|START_OF_TURN_TOKEN|><|USER_TOKEN|>' + message['content'] + '<|END_OF_TURN_TOKEN|>' }}
    {%- elif message.tool_calls %}
        {{- '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}
        {{- 'Action: ```json\n[\n' }}
        {%- for tool_call in message.tool_calls %}
            {{- '    {\n        "tool_name": "' + tool_call['function']['name'] + '",\n        "parameters": ' }}
            {{- tool_call['function']['arguments'] | tojson }}
            {{- '\n    }' }}
            {%- if not loop.last %}{{- ',\n' }}{%- endif %}
        {%- endfor %}
        {{- '\n]```<|END_OF_TURN_TOKEN|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}
{%- endif %}
"""

GLM_46 = r"""[gMASK]<sop>
{#- <arg_key> <arg_value> -#}
{% for m in messages %}
{%- if m.role == 'user' -%}<|user|>
{{ m.content }}
{%- elif m.role == 'assistant' -%}
<|assistant|>
{%- set reasoning_content = m.reasoning_content %}
{%- set content = m.content or '' %}
{%- if reasoning_content -%}
{{ '\n<think>' + reasoning_content.strip() +  '</think>'}}
{%- else -%}
{{ '\n<think></think>' }}
{%- endif -%}
{%- if content.strip() -%}
{{ '\n' + content.strip() }}
{%- endif -%}
{% if m.tool_calls %}
{% for tc in m.tool_calls %}
{%- if tc.function %}
    {%- set tc = tc.function %}
{%- endif %}
{{ '\n<tool_call>' + tc.name }}
{% set _args = tc.arguments or {} %}
{% for k, v in _args.items() %}
<arg_key>{{ k }}</arg_key>
<arg_value>{{ v | tojson(ensure_ascii=False) if v is not string else v }}</arg_value>
{% endfor %}
</tool_call>{% endfor %}
{% endif %}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    <|assistant|>
{%- endif -%}
"""

KIMI_K2 = r"""{%- macro render_toolcalls(message) -%}
  <|tool_calls_section_begin|>
  {%- for tool_call in message['tool_calls'] -%}
    {%- set formatted_id = tool_call['id'] -%}
    <|tool_call_begin|>{{ formatted_id }}<|tool_call_argument_begin|>{% if tool_call['function']['arguments'] is string %}{{ tool_call['function']['arguments'] }}{% else %}{{ tool_call['function']['arguments'] | tojson }}{% endif %}<|tool_call_end|>
  {%- endfor -%}
  <|tool_calls_section_end|>
{%- endmacro -%}
{%- for message in messages -%}
  {%- if message['role'] == 'assistant' -%}
    <|im_assistant|>assistant<|im_middle|>
    {%- set rc = message.get('reasoning_content', '') -%}
    <think>{{rc}}</think>{{ message['content'] or '' }}
    {%- if message.get('tool_calls') -%}
     {{render_toolcalls(message)}}
    {%- endif -%}
  {%- else -%}
    <|im_user|>user<|im_middle|>{{ message['content'] }}
  {%- endif -%}
  <|im_end|>
{%- endfor -%}
{%- if add_generation_prompt -%}
  <|im_assistant|>assistant<|im_middle|>
{%- endif -%}
"""

MINIMAX_M2 = r"""{%- set toolcall_begin_token   = '<minimax:tool_call>'         -%}
{%- set toolcall_end_token     = '</minimax:tool_call>'        -%}
{%- for message in messages -%}
    {%- if message.role == 'assistant' -%}
        {{- ']~b]ai' ~ '\n' }}
        {%- set reasoning_content = message.reasoning_content %}
        {%- set content = message.content %}
        {%- if reasoning_content -%}
            {{- '<think>' ~ '\n' ~ reasoning_content ~ '\n' ~ '</think>' ~ '\n\n' }}
        {%- endif -%}
        {%- if content -%}
            {{- content }}
        {%- endif -%}
        {%- if message.tool_calls -%}
            {{- '\n' ~ toolcall_begin_token ~ '\n' }}

            {%- for tool_call in message.tool_calls -%}
                {%- if tool_call.function %}
                    {%- set tool_call = tool_call.function %}
                {%- endif %}
                {{- '<invoke name="' + tool_call.name + '">\n' }}
                {%- if tool_call.arguments is defined and tool_call.arguments is mapping -%}
                {% set _args = tool_call.arguments %}
                {%- for k, v in _args|items %}
                {{- '<parameter name="' + k + '">' }}
                {{- v | tojson | string if v is not string else v }}
                {{- '</parameter>' }}
                {% endfor %}{%- endif -%}
                {{- '</invoke>' ~ '\n' }}
            {%- endfor -%}

            {{- toolcall_end_token}}
        {%- endif -%}
        {{- '[e~[' ~ '\n' }}
    {%- elif message.role == 'user' -%}
        {{- ']~b]user' ~ '\n' }}
        {{- message.content }}
        {{- '[e~[' ~ '\n' }}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- ']~b]ai' ~ '\n' }}
{%- endif -%}
"""

DEEPSEEK_V32 = _deepseek(
    r"""{%- set dsml_token = "@DSML@" -%}
{%- macro encode_arguments_to_dsml(tool_call) -%}
{%- set arguments = tool_call.function.arguments -%}
{%- if arguments is mapping -%}
  {%- for key, value in arguments.items() -%}
    {%- if not loop.first -%}{{ "\n" }}{%- endif -%}
    <{{ dsml_token }}parameter name="{{ key }}" string="{{ 'true' if value is string else 'false' }}">{{ value if value is string else (value | tojson(ensure_ascii=False)) }}</{{ dsml_token }}parameter>
  {%- endfor -%}
{%- endif -%}
{%- endmacro -%}
{{ bos_token }}
{%- for message in messages -%}
  {%- if message.role == "user" -%}
    @USER@{{ message.content }}@ASSISTANT@
    {{- "</think>" }}
  {%- elif message.role == "assistant" -%}
    {{- message.get('content') or '' }}
    {%- if message.get('tool_calls') -%}
{{ "\n\n" }}<{{ dsml_token }}function_calls>
{%- for tool_call in message.tool_calls -%}
{{ "\n" }}<{{ dsml_token }}invoke name="{{ tool_call.function.name }}">{{ "\n" }}{{- encode_arguments_to_dsml(tool_call) -}}{{ "\n" }}</{{ dsml_token }}invoke>
{%- endfor -%}
{{ "\n" }}</{{ dsml_token }}function_calls>
    {%- endif -%}
    @EOS@
  {%- endif -%}
{%- endfor -%}
"""
)

TEMPLATES = {
    "llama3": LLAMA_3,
    "llama4": LLAMA_4,
    "llama_pythonic": LLAMA_PYTHONIC,
    "hermes": QWEN,
    "qwen3_coder": QWEN_3_CODER,
    "mistral": MISTRAL,
    "mistral_v11": MISTRAL_V11,
    "deepseek_v3": DEEPSEEK_V3,
    "deepseek_v31": DEEPSEEK_V31,
    "gemma": GEMMA,
    "gemma4": GEMMA_4,
    "functiongemma": FUNCTION_GEMMA,
    "harmony": HARMONY,
    "phi4": PHI_4,
    "phi4_object": PHI_4_OBJECT,
    "phi4_functools": PHI_4_FUNCTOOLS,
    "command": COMMAND_R7B,
    "command_r": COMMAND_R,
    "glm45": GLM_46,
    "kimi_k2": KIMI_K2,
    "minimax_m2": MINIMAX_M2,
    "deepseek_v32": DEEPSEEK_V32,
}
"""By the format that each is to be detected as."""

TURN_ENDS = (
    *("<|eot_id|>", "<|eot|>", "<|im_end|>", "</s>", "<end_of_turn>", "<|end|>", "<|END_OF_TURN_TOKEN|>"),
    *("<|return|>", "[e~[", "<turn|>"),
    _DEEPSEEK_NAMES["EOS"],
)
SPECIAL_TOKENS = {
    "llama3": ["<|python_tag|>"],
    "llama4": ["<|python_start|>", "<|python_end|>"],
    "llama_pythonic": ["<|python_start|>", "<|python_end|>"],
    "hermes": ["<tool_call>", "</tool_call>", "<think>", "</think>"],
    "qwen3_coder": ["<tool_call>", "</tool_call>"],
    "mistral": ["[TOOL_CALLS]"],
    "mistral_v11": ["[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"],
    "deepseek_v3": [name for role, name in _DEEPSEEK_NAMES.items() if "CALL" in role or role == "SEP"],
    "deepseek_v31": [
        *[name for role, name in _DEEPSEEK_NAMES.items() if "CALL" in role or role == "SEP"],
        "<think>",
        "</think>",
    ],
    "gemma": [],
    "gemma4": [
        *["<|tool_call>", "<tool_call|>", "<|tool_response>", '<|"|>', "<|channel>", "<channel|>"],
    ],
    "functiongemma": [
        *["<start_function_call>", "<end_function_call>", "<start_function_response>", "<escape>"],
    ],
    "harmony": ["<|channel|>", "<|message|>", "<|constrain|>", "<|start|>", "<|end|>", "<|call|>"],
    "phi4": ["<|tool_call|>", "<|/tool_call|>"],
    "phi4_object": ["<|tool_call|>", "<|/tool_call|>"],
    "phi4_functools": [],
    "command": [
        *["<|START_ACTION|>", "<|END_ACTION|>", "<|START_THINKING|>", "<|END_THINKING|>"],
        *["<|START_RESPONSE|>", "<|END_RESPONSE|>"],
    ],
    "command_r": [],
    "glm45": [
        *["<tool_call>", "</tool_call>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>"],
        *["<think>", "</think>"],
    ],
    "kimi_k2": [
        *["<|tool_calls_section_begin|>", "<|tool_calls_section_end|>", "<|tool_call_begin|>"],
        *["<|tool_call_argument_begin|>", "<|tool_call_end|>", "<think>", "</think>"],
    ],
    "minimax_m2": ["<minimax:tool_call>", "</minimax:tool_call>", "<think>", "</think>"],
    "deepseek_v32": [_DEEPSEEK_NAMES["DSML"], "<think>", "</think>"],
}
"""What of a format are tokens in the family's vocabulary."""
