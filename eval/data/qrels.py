"""The judge that looks grades up: the shipped fake of the `Judge` seam, and the honest oracle."""

from collections.abc import Sequence

from eval.data.collection import Qrels
from rag.values import Case, Judgment


class QrelsJudge:
    """Grades by human judgments; None for a pair that nobody judged."""

    def __init__(self, qrels: Qrels) -> None:
        self._qrels = qrels

    async def judge(self, cases: Sequence[Case]) -> tuple[Judgment, ...]:
        """Return the grade of each case, in order."""
        return tuple(
            Judgment(
                case.query_id,
                case.document_id,
                self._qrels.get(case.query_id, {}).get(case.document_id),
            )
            for case in cases
        )
