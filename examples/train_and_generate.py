"""Train a model on a text file and let it write. Without a file: on what Python's help() says about the language."""

import sys

from unrolled import LanguageModel

if len(sys.argv) > 1:
    text, limit = sys.argv[1], {"max_time": "3m"}
else:
    from pydoc_data.topics import topics

    text, limit = "\n".join(topics.values()), {"max_steps": 300}

model = LanguageModel(family="gru", width=64, **limit).fit(text)
print(f"{model.result_['loss']:.3f} nats per token on text it has not seen; it goes on from nothing:")
for piece in model.generate_stream(length=300, temperature=0.6):
    print(piece, end="", flush=True)
print()
