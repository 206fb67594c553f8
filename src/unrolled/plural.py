"""Numbers as people read them."""


def counted(number: int | float, noun: str) -> str:
    """`1 record`, `2,000 records`, `0.5 epochs`: a number with its noun, whose plural ends in s."""
    return f"{number:,.10g} {noun}{'' if number == 1 else 's'}"


def rounded(value: float | None, digits: int = 4) -> str:
    """A measured value in so many digits, with an exponent only beyond a billion or below a ten-thousandth; None is
    "undefined"."""
    if value is None:
        return "undefined"
    if 1e-4 <= abs(value) < 1e9:
        return f"{float(f'{value:.{digits}g}'):,.10g}"
    return f"{value:.{digits}g}"
