"""An endpoint for one machine that speaks the OpenAI protocol: requests in, complete and valid texts out.

The files in the order of the data's way: `endpoint.py` receives HTTP; `protocol.py` reads a request;
`constraint.py` turns what it demands into a grammar, which `grammar_cache.py` compiles within
`deadline.py`; `prompts.py` makes token ids of its messages; `scheduler.py` puts it into the running batch
(`batch.py`), where `row.py` writes each text, token by token (`choosing.py`, `text_stream.py`);
`responses.py` writes the answer. `limits.py` has what one client may ask for, `errors.py` how a refusal
looks, `engine.py` holds it all together and `command.py` is `tokentrellis serve`.
"""
