"""Every value of FirstCite, frozen, in the order in which they flow.

Document ─split→ Chunk ─encode→ Point ─put→ Store
Query ─plan→ Plan ─find→ Found ─fuse→ Fused ─fetch→ Results ─pack→ Context ─generate→ Answer

A later value may refer to an earlier one, never change it. Spans are half-open and count Unicode
code points. Values copy to themselves: Haystack deep-copies the inputs of every component, which
costs 80 ms for 200 candidates with vectors and nothing at all for values that return themselves.
"""

from rag.values.answers import (
    Answer,
    Citation,
    Context,
    Contradiction,
    Passage,
    Reference,
    Sentence,
    Support,
)
from rag.values.asking import (
    Choose,
    Chosen,
    Complete,
    Completed,
    Piece,
    Score,
    Scored,
    Search,
    Searched,
    Usage,
)
from rag.values.documents import (
    DEFAULT_TENANT,
    PRINCIPALS,
    Access,
    Chunk,
    Document,
    Fault,
    Point,
    SparseVector,
)
from rag.values.finding import (
    Candidate,
    FeedbackProbe,
    Found,
    Fused,
    Hit,
    Lookup,
    Probe,
    Ranking,
    Results,
    ranked,
)
from rag.values.frozen import Frozen, Json, Metadata, Scalar, Vector, is_unicode
from rag.values.judging import Case, Judgment
from rag.values.messages import Message, Prompt, Role
from rag.values.queries import (
    Branch,
    Condition,
    Form,
    Handling,
    Kind,
    Operator,
    Part,
    Plan,
    Query,
    Where,
)
from rag.values.stages import Cost, Stage, Trace

__all__ = [
    "DEFAULT_TENANT",
    "PRINCIPALS",
    "Access",
    "Answer",
    "Branch",
    "Candidate",
    "Case",
    "Choose",
    "Chosen",
    "Chunk",
    "Citation",
    "Complete",
    "Completed",
    "Condition",
    "Context",
    "Contradiction",
    "Cost",
    "Document",
    "Fault",
    "FeedbackProbe",
    "Form",
    "Found",
    "Frozen",
    "Fused",
    "Handling",
    "Hit",
    "Json",
    "Judgment",
    "Kind",
    "Lookup",
    "Message",
    "Metadata",
    "Operator",
    "Part",
    "Passage",
    "Piece",
    "Plan",
    "Point",
    "Probe",
    "Prompt",
    "Query",
    "Ranking",
    "Reference",
    "Results",
    "Role",
    "Scalar",
    "Score",
    "Scored",
    "Search",
    "Searched",
    "Sentence",
    "SparseVector",
    "Stage",
    "Support",
    "Trace",
    "Usage",
    "Vector",
    "Where",
    "is_unicode",
    "ranked",
]
