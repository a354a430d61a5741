from .classifier import LiveClassifier
from .cost import filter_cost
from .decision import Decision, DecisionTable
from .epochs import live_epochs
from .evaluation import LiveEvaluation, evaluate_live
from .heart import LiveHeart
from .heart_session import HeartSession
from .lsl import DecisionOutlet, list_streams
from .session import LiveSession

__all__ = [
    "Decision",
    "DecisionOutlet",
    "DecisionTable",
    "HeartSession",
    "LiveClassifier",
    "LiveEvaluation",
    "LiveHeart",
    "LiveSession",
    "evaluate_live",
    "filter_cost",
    "list_streams",
    "live_epochs",
]
