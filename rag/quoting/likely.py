"""How likely people would quote each sentence."""

from dataclasses import dataclass

from rag.logistic import Logistic
from rag.quoting.features import documents, of_documents, of_lines
from rag.quoting.lines import Read
from rag.values import Frozen

FAR = 0.3
"""How far a document's best cosine may be behind the best of all; chosen.

The farthest that people quoted from was .29 behind. The first in the ranking can be farther where
the question itself stands in it, in a text that cannot be quoted.
"""


@dataclass(frozen=True, slots=True)
class Likely(Frozen):
    """A fitted model of what people quote.

    Args:
        document: how likely anything of a document is quoted, over `features.DOCUMENT`.
        line: how likely a line of a document that is quoted is, over `features.LINE`.
    """

    document: Logistic
    line: Logistic

    def probabilities(self, read: Read) -> list[float]:
        """Return the probability of each line, in their order: its document's times its own.

        The lines of a document that is `FAR` behind have none.
        """
        found = [0.0] * len(read.lines)
        for told, places in zip(of_documents(read), documents(read), strict=True):
            if told["behind"] > FAR:
                continue
            whole = self.document.probability(told)
            for place, line in zip(places, of_lines(read, places), strict=True):
                found[place] = whole * self.line.probability(line)
        return found
