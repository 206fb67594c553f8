"""Durations and large numbers as people read them."""


def format_duration(seconds: float | int) -> str:
    """A duration in its two largest units, such as `4.2s`, `43s`, `1m 20s`, `2h 05m`, `1d 03h`."""
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60}h {minutes % 60:02d}m"
    hours = round(seconds / 3600)
    return f"{hours // 24}d {hours % 24:02d}h"


def format_count(number: float | int, unit: str = "") -> str:
    """A number in three digits and a decimal prefix, such as 950, 12.3k or, with the unit B, 4.56 MB."""
    prefixes = iter("kMGT")
    prefix = ""
    while number >= 999.5 and (following := next(prefixes, None)):
        number, prefix = number / 1000, following
    digits = 0 if not prefix or number >= 99.95 else 1 if number >= 9.995 else 2
    return f"{number:.{digits}f}{' ' if unit else ''}{prefix}{unit}"
