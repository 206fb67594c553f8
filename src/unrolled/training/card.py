"""The model card: a page beside the weights that says what they are."""

from unrolled.inference.evaluate import Evaluation
from unrolled.models.config import ModelConfig


def model_card(model: ModelConfig, data: str, found: Evaluation, step: int) -> str:
    """README.md of a model directory, with the metadata block that model hubs read."""
    return f"""---
library_name: unrolled
pipeline_tag: text-generation
tags:
- sequence-model
- {model.family}
---

# A language model ({model.family})

* Model: {model.layers} layer(s) of width {model.width}
* Data: {data}
* Validation during training, at step {step:,}: {found.loss:.4f} nats per token, perplexity {found.perplexity:.4g}
  ({found.policy})

It learned from one text and repeats its errors, its views and pieces of it word for word.

```sh
unrolled generate . --prompt "..."
unrolled evaluate . FILE
unrolled stream .
```

```python
from unrolled import LanguageModel

model = LanguageModel.from_pretrained(".")
print(model.generate("..."))
```
"""
