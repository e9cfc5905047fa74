"""Personal data in texts: found by detectors, one file a kind, and protected."""

from penjing.data.personal.finding import Detector, Finding, find_personal, load_detectors
from penjing.data.personal.protecting import Action, Protector, mask, replace_by_surrogates

__all__ = [
    "Action",
    "Detector",
    "Finding",
    "Protector",
    "find_personal",
    "load_detectors",
    "mask",
    "replace_by_surrogates",
]
