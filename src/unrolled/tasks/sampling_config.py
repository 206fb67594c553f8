"""How tokens are drawn. Light: importing this does not import torch."""

from dataclasses import dataclass

from unrolled.errors import UserError


@dataclass
class Sampling:
    """How tokens are drawn. The filters apply in the order of the fields."""

    repetition_penalty: float = 1.0
    """divides the logits of tokens already seen if positive, else multiplies them (Keskar et al. 2019,
    arXiv:1909.05858)"""
    temperature: float = 0.8
    """divides the logits; 0 takes the likeliest token"""
    top_k: int | None = None
    """keep this many likeliest tokens"""
    top_p: float | None = None
    """keep the likeliest tokens that together reach this probability (Holtzman et al. 2019,
    arXiv:1904.09751)"""
    min_p: float | None = None
    """keep tokens of at least this fraction of the likeliest one's probability (Nguyen et al. 2024,
    arXiv:2407.01082)"""

    def __post_init__(self) -> None:
        """Raises `UserError` for a value that cannot be."""
        bounds = {
            "temperature": self.temperature >= 0,
            "top_k": self.top_k is None or self.top_k >= 1,
            "top_p": self.top_p is None or 0 < self.top_p <= 1,
            "min_p": self.min_p is None or 0 <= self.min_p <= 1,
            "repetition_penalty": 0.01 <= self.repetition_penalty <= 100,
        }
        allowed = {
            "temperature": "0 or more",
            "top_k": "1 or more",
            "top_p": "above 0 and at most 1",
            "min_p": "between 0 and 1",
            "repetition_penalty": "between 0.01 and 100",
        }
        for name, fine in bounds.items():
            if not fine:
                raise UserError(f"{name} must be {allowed[name]}, got {getattr(self, name)}")
