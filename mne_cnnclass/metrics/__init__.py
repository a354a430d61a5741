"""Numbers from predictions: scores, intervals, tests and chance levels."""
