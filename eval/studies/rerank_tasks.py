"""What is measured of rerankers: methods, the collections and first stages that they rerank."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from eval.data.runs import ScoredDocument
from rag.errors import BadInput
from rag.values import Frozen

SEED = 20_261_121


@dataclass(frozen=True, slots=True)
class Task(Frozen):
    """A method with what it sees: so many candidates of so many queries (0: all).

    `shuffled` ones come in an order of chance, so that nothing is gained by leaving it.
    """

    method: str
    schedule: str = ""
    depth: int = 100
    queries: int = 0
    shuffled: bool = False

    @property
    def name(self) -> str:
        """Method, schedule and depth."""
        said = (self.method, self.schedule, f"@{self.depth}", "shuffled" * self.shuffled)
        return " ".join(filter(None, said))


@dataclass(frozen=True, slots=True)
class Stage(Frozen):
    """A collection with its first stage, a run file below the collections or the results."""

    collection: str
    run: str
    tasks: tuple[Task, ...]


STAGES = (
    Stage(
        "trec-dl19-passage-pool",
        "trec-dl19-passage-pool/runs/first-stage.BM25.trec.gz",
        (
            Task("query-likelihood"),
            Task("late-interaction"),
            Task("yes-no"),
            Task("rating"),
            Task("graded", depth=20),
            Task("first", "sliding", depth=50),
            Task("setwise", "heap", depth=10),
            Task("pairwise", "allpair", depth=10),
            Task("listwise", "head", depth=10),
        ),
    ),
    Stage(
        "scifact",
        "collections/scifact/runs/fused.trec.gz",
        (
            Task("query-likelihood", depth=20),
            Task("query-likelihood", depth=50),
            Task("late-interaction", depth=20, queries=15),
            Task("yes-no", depth=20, queries=15),
            Task("rating", depth=20, queries=15),
            Task("graded", depth=20, queries=15),
            Task("first", "sliding", depth=20, queries=10),
            Task("setwise", "heap", depth=10, queries=10),
            Task("pairwise", "allpair", depth=10, queries=10),
            Task("listwise", "head", depth=10, queries=10),
        ),
    ),
    Stage(
        "hotpotqa-hippo100",
        "collections/hotpotqa-hippo100/runs/fused.trec.gz",
        (Task("query-likelihood", depth=20),),
    ),
    Stage(
        "clapnq-dev",
        "collections/clapnq-dev/runs/fused.trec.gz",
        (Task("query-likelihood", depth=20, queries=40),),
    ),
)


_TASK = re.compile(
    r"(?P<collection>\S+) (?P<method>\S+?)(?: (?P<schedule>[a-z][\w-]*))? @(?P<depth>\d+)"
    r"(?P<shuffled> shuffled)?"
)


def asked_for(texts: Sequence[str]) -> tuple[Stage, ...]:
    """Return the stages of tasks as the command line names them.

    Raises:
        BadInput: one cannot be read.

    >>> asked_for(["scifact first head @10 shuffled"])[0].tasks[0].name
    'first head @10 shuffled'
    """
    runs = {stage.collection: stage.run for stage in STAGES}
    tasks: dict[str, list[Task]] = {}
    for text in texts:
        found = _TASK.fullmatch(text)
        if found is None or found["collection"] not in runs:
            raise BadInput(
                f"'{text}' is no task: write COLLECTION METHOD [SCHEDULE] @DEPTH [shuffled], of "
                f"{', '.join(runs)}"
            )
        depth, shuffled = int(found["depth"]), bool(found["shuffled"])
        task = Task(found["method"], found["schedule"] or "", depth, shuffled=shuffled)
        tasks.setdefault(found["collection"], []).append(task)
    return tuple(Stage(name, runs[name], tuple(of)) for name, of in tasks.items())


def shown(
    query_id: str, documents: Sequence[ScoredDocument], task: Task
) -> Sequence[ScoredDocument]:
    """Return a query's documents as they are shown: the first ones shuffled, if they are to be."""
    if not task.shuffled:
        return documents
    chance = random.Random(f"{SEED} {query_id}")  # noqa: S311 - not for secrets
    head = list(documents[: task.depth])
    return [*chance.sample(head, len(head)), *documents[task.depth :]]
