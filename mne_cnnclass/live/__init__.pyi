from .classifier import LiveClassifier
from .cost import filter_cost
from .decision import Decision, DecisionTable
from .epochs import live_epochs
from .evaluation import LiveEvaluation, evaluate_live
from .lsl import DecisionOutlet, list_streams
from .session import LiveSession

__all__ = [
    "Decision",
    "DecisionOutlet",
    "DecisionTable",
    "LiveClassifier",
    "LiveEvaluation",
    "LiveSession",
    "evaluate_live",
    "filter_cost",
    "list_streams",
    "live_epochs",
]
