"""The model card: a page beside the weights that says what they are."""

from typing import Any

from unrolled.models.config import ModelConfig
from unrolled.plural import counted
from unrolled.tasks.language.evaluate import Evaluation
from unrolled.visible import markdown


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

* Model: {counted(model.layers or 1, "layer")} of width {model.width}
* Data: {markdown(data)}
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


CLASSES = {
    "classify": "SequenceClassifier",
    "regress": "SequenceRegressor",
    "tag": "SequenceTagger",
    "transcribe": "Transcriber",
    "forecast": "Forecaster",
}
"""The estimator of each task on records."""


def record_card(task: str, model: ModelConfig, data: str, found: Any, step: int) -> str:
    """README.md of the model directory of a task on records; `found` are its scores, or None without validation."""
    name = CLASSES[task]
    scores = "none was held out" if found is None else found.words()
    return f"""---
library_name: unrolled
tags:
- sequence-model
- {task}
- {model.family}
---

# A model that can {task} ({model.family})

* Model: {counted(model.layers or 1, "layer")} of width {model.width}
* Data: {markdown(data)}
* Validation during training, at step {step:,}: {markdown(scores)}

```sh
unrolled predict . FILE -o predictions.csv
unrolled evaluate . FILE
```

```python
from unrolled import {name}

model = {name}.from_pretrained(".")
print(model.predict("FILE"))
```
"""


def translation_card(model: ModelConfig, data: str, found: Any, step: int) -> str:
    """README.md of the model directory of a translation model."""
    scores = "none was held out" if found is None else found.words()
    return f"""---
library_name: unrolled
pipeline_tag: translation
tags:
- sequence-model
- {model.family}
---

# A translation model ({model.family})

* Model: {counted(model.layers or 1, "layer")} of width {model.width}, {model.attention} attention
* Data: {markdown(data)}
* Validation during training, at step {step:,}: {markdown(scores)}

```sh
unrolled predict . FILE -o translations.csv
unrolled evaluate . FILE
```

```python
from unrolled import Translator

model = Translator.from_pretrained(".")
print(model.predict(["..."]))
```
"""


def description_card(model: ModelConfig, data: str, found: Any, step: int) -> str:
    """README.md of the model directory of a model that describes."""
    scores = "none was held out" if found is None else found.words()
    return f"""---
library_name: unrolled
tags:
- sequence-model
- describe
- {model.family}
---

# A model that writes sequences for labels and numbers ({model.family})

* Model: {counted(model.layers or 1, "layer")} of width {model.width}
* Data: {markdown(data)}
* Validation during training, at step {step:,}: {markdown(scores)}

```sh
unrolled generate . --given NAME=VALUE
unrolled predict . FILE -o sequences.csv
```
"""
