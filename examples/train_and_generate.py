"""Train a model on a text file and let it write. Without a file: on what Python's help() says about the language."""

import sys

from unrolled import LanguageModel

if len(sys.argv) > 1:
    text, max_time = sys.argv[1], "3m"
else:
    from pydoc_data.topics import topics

    text, max_time = "\n".join(topics.values()), "5s"

model = LanguageModel(family="gru", width=64, max_time=max_time).fit(text)
print(f"{model.result_['loss']:.3f} nats per token on text it has not seen; it goes on from nothing:")
for piece in model.generate_stream(length=300, temperature=0.6):
    print(piece, end="", flush=True)
print()
