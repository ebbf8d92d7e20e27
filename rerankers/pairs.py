"""What is known about the pairs of one query, so that no pair is asked twice."""

from collections.abc import Mapping, Sequence

from rag.flows import Reply, Request
from rerankers.comparing import WAYS, Way, compared, lean, shown
from rerankers.consistency import antisymmetric, bias, inconsistency, matrix, triads
from rerankers.demonstrations import Demonstration
from rerankers.sorting import Pair


class Pairs:
    """What is known about the pairs of one query: each is asked once, for all schedules.

    `calls` counts requests that were answered, `missing` letters that the model did not report,
    `malformed` texts that name neither passage.

    With `both` off only one order is asked, the smaller number first, at half the price: the lean
    itself is the margin, and holds whatever preference the model has for a letter (Capital One,
    arXiv 2511.07555). A preference for the first letter then favours the first stage's order.
    """

    def __init__(
        self,
        query: str,
        passages: Sequence[str],
        way: Way = WAYS["scoring", True],
        *,
        both: bool = True,
        demonstrations: Sequence[Demonstration] = (),
    ) -> None:
        self.calls = 0
        self.missing = 0
        self.malformed = 0
        self._query = query
        self._passages = tuple(passages)
        self._way = way
        self._both = both
        self._before = shown(way, demonstrations)
        self._leans: dict[Pair, float] = {}
        self._margins: dict[Pair, float] = {}

    def requests(self, wanted: Sequence[Pair]) -> tuple[Request, ...]:
        """Return the requests for what is not known yet of the pairs; each pair once."""
        texts = self._passages
        return tuple(
            compared(self._way, self._query, texts[i], texts[j], self._before)
            for i, j in self._turns(wanted)
        )

    def learn(self, wanted: Sequence[Pair], replies: Sequence[Reply]) -> None:
        """Remember the replies to `requests(wanted)`."""
        turns = self._turns(wanted)
        self.calls += len(turns)
        for turn, read in zip(turns, map(lean, replies), strict=True):
            self._leans[turn] = read.lean
            self.missing += read.missing
            self.malformed += read.malformed
        for i, j in turns:
            if i < j:
                first = self._leans[i, j]
                settled = self._way.settle(first, self._leans[j, i]) if self._both else first
                self._margins[i, j] = settled

    def margins(self, wanted: Sequence[Pair]) -> tuple[float, ...]:
        """Return by how much the first of each pair is better, 0 a tie; all must be known."""
        return tuple(self._margins[i, j] if i < j else -self._margins[j, i] for i, j in wanted)

    def known(self) -> Mapping[Pair, float]:
        """Return the margins known so far, the smaller number of each pair first."""
        return dict(self._margins)

    def findings(self) -> Mapping[str, float]:
        """Return figures of how the model answered.

        `pairs` compared; rates of `triads_…` that are not transitive, over those known; the mean
        and the largest size of a margin: a passage that tries to command the model wins by
        far more than others do. Of both orders: `inconsistent`, the share of pairs in which the
        same letter won twice, and `position_bias`, the mean lean to the first letter.
        """
        n = len(self._passages)
        sizes = [abs(margin) for margin in self._margins.values()] or [0.0]
        of = triads(antisymmetric(n, self._margins))
        leans = matrix(n, self._leans)
        orders = {"inconsistent": inconsistency(leans), "position_bias": bias(leans)}
        return {
            "pairs": float(len(self._margins)),
            "margin_mean": sum(sizes) / len(sizes),
            "margin_largest": max(sizes),
            "triads_cyclic": of.rate(of.cyclic),
            "triads_one_tie": of.rate(of.one_tie),
            "triads_two_ties": of.rate(of.two_ties),
            **(orders if self._both else {}),
        }

    def _turns(self, wanted: Sequence[Pair]) -> tuple[Pair, ...]:
        """Return what is to be asked, the passage shown first standing first."""
        new = dict.fromkeys((min(pair), max(pair)) for pair in wanted)
        unknown = [pair for pair in new if pair not in self._margins]
        return tuple(
            turn for i, j in unknown for turn in (((i, j), (j, i)) if self._both else ((i, j),))
        )
