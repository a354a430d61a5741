from .classifier import LiveClassifier
from .cost import filter_cost
from .decision import Decision, DecisionTable
from .epochs import live_epochs
from .lsl import DecisionOutlet, list_streams
from .session import LiveSession

__all__ = [
    "Decision",
    "DecisionOutlet",
    "DecisionTable",
    "LiveClassifier",
    "LiveSession",
    "filter_cost",
    "list_streams",
    "live_epochs",
]
