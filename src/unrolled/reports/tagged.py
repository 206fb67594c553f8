"""Tags of tokens: truth against prediction."""

from collections.abc import Mapping, Sequence
from html import escape

from unrolled.scoring.spans import has_spans, span_kind, span_kinds

_HUES = (212, 28, 142, 285, 52, 335, 178, 250, 95, 5)


def tagged_text(tokens: Sequence[str], truth: Sequence[str], predicted: Sequence[str], names: Sequence[str]) -> str:
    """A sentence with its true tags in the first row below it and the predicted ones in the second; errors are framed.

    `names` are all tags of the model, so that a tag has the same colour in every sentence. An empty true tag is not
    known and is not compared.
    """
    hues = tag_hues(names)
    heads = '<span class="rows"><b>&nbsp;</b><i>true</i><i>predicted</i></span>'
    cells = []
    for token, true, guess in zip(tokens, truth, predicted, strict=True):
        wrong = " wrong" if true and true != guess else ""
        cells.append(f"<span><b>{escape(token)}</b>{_tag(true, hues, '')}{_tag(guess, hues, wrong)}</span>")
    return f'<div class="tagged">{heads}{"".join(cells)}</div>'


def tag_hues(names: Sequence[str]) -> dict[str, int]:
    """A hue in degrees for each tag: the same for all tags of a kind of span, none for what is outside of spans."""
    if not has_spans(names):
        return {name: _HUES[index % len(_HUES)] for index, name in enumerate(names)}
    kinds = span_kinds(names)
    return {name: _HUES[kinds.index(span_kind(name)) % len(_HUES)] for name in names if name != "O"}


def _tag(tag: str, hues: Mapping[str, int], wrong: str) -> str:
    if tag in hues:
        return f'<i class="tag{wrong}" style="--hue:{hues[tag]}">{escape(tag)}</i>'
    return f'<i class="none{wrong}">{escape(tag)}</i>'
