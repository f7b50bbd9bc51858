"""A second reader of PEP 3118 formats, written from the documentation alone.

The function is `reconcile`. README.md of this directory lists the rules for changes.
"""

from .errors import Ambiguous, Refused
from .models import MODELS, Model
from .reconcile import Result, reconcile

__all__ = ["MODELS", "Ambiguous", "Model", "Refused", "Result", "reconcile"]
