"""What figures are worth: tests, intervals and corrections, always paired by query.

Values are arrays of one number per query (n,), or a column for each system (n, s).
"""

from eval.statistics.bootstrap import intervals
from eval.statistics.comparing import TIE, Comparison, compare, compare_all
from eval.statistics.correcting import Correction, adjusted
from eval.statistics.paired import TESTS, Test
from eval.statistics.power import mde, needed, power
from eval.statistics.several import FEWEST, Pairwise, letters, randomised_tukey, tukey

__all__ = [
    "FEWEST",
    "TESTS",
    "TIE",
    "Comparison",
    "Correction",
    "Pairwise",
    "Test",
    "adjusted",
    "compare",
    "compare_all",
    "intervals",
    "letters",
    "mde",
    "needed",
    "power",
    "randomised_tukey",
    "tukey",
]
