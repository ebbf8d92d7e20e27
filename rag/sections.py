"""The sections of the settings: every key with its default and a sentence about it.

`docs/settings.md` repeats the sentences; a test compares them.
"""

from typing import Annotated, Literal, TypeAlias

import msgspec

MASK = "********"

Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]  # what Qdrant takes
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(gt=0)]
Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Secret(str):
    """A string that prints as a mask; use it as a string where it is needed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK if len(self) else "")


def _says(text: str) -> msgspec.Meta:
    return msgspec.Meta(description=text)


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the settings file."""


class StoreSettings(Section, frozen=True):
    """Where the points live."""

    path: Annotated[str, _says("folder of the embedded store, one folder per collection")] = (
        ".firstcite"
    )
    url: Annotated[str, _says("address of a Qdrant server; empty means the embedded store")] = ""
    api_key: Annotated[Secret, _says("key for that server")] = Secret("")
    timeout_s: Annotated[Seconds, _says("limit of one call to the server")] = 30.0
    grpc: Annotated[bool, _says("talk gRPC to the server (faster) instead of HTTP")] = True
    grpc_port: Annotated[Annotated[int, msgspec.Meta(ge=1, le=65535)], _says("its gRPC port")] = (
        6334
    )
    shards: Annotated[Positive, _says("shards of a new collection on a cluster")] = 1
    replicas: Annotated[Positive, _says("copies of each shard on a cluster")] = 1


class EncoderSettings(Section, frozen=True):
    """Which dense encoder, and how."""

    model: Annotated[str, _says("folder or hub name; empty means the packaged MiniLM")] = ""
    runtime: Annotated[
        Literal["torch", "onnx"],
        _says("what computes it; onnx exports it once; firstcite models bench-encoder compares"),
    ] = "torch"
    precision: Annotated[
        Literal["auto", "fp32", "bf16", "int8"],
        _says(
            "torch: auto takes bf16 where the CPU has it and a probe shows that it is safe; onnx: "
            "auto takes int8 where a probe does"
        ),
    ] = "auto"


class SparseSettings(Section, frozen=True):
    """BM25."""

    k1: Annotated[float, msgspec.Meta(ge=0), _says("term-frequency saturation")] = 0.9
    b: Annotated[Share, _says("length normalisation, 0 none, 1 full")] = 0.4
    language: Annotated[str, _says("stop words and stemmer")] = "english"


Splitters: TypeAlias = Literal["recursive", "sentences", "structure", "hierarchical", "none"]
"""How documents may be split."""


class IndexSettings(Section, frozen=True):
    """How documents become chunks."""

    splitter: Annotated[
        Splitters,
        _says(
            "recursive fills chunks along the structure, sentences makes small ones, structure "
            "tears nothing, hierarchical nests them, none keeps documents whole"
        ),
    ] = "recursive"
    chunk_tokens: Annotated[
        Annotated[int, msgspec.Meta(ge=16)], _says("largest chunk, in tokens of the encoder")
    ] = 192
    max_line_bytes: Annotated[
        Positive, _says("a line longer than this is reported and skipped")
    ] = 16 * 1024 * 1024
    max_file_bytes: Annotated[Count, _says("larger files, or members of archives, are skipped")] = (
        2**30
    )
    max_archive_bytes: Annotated[Count, _says("the most that is unpacked of one archive")] = 2**33
    max_members: Annotated[Count, _says("the most members that are read of one archive")] = 100_000
    workers: Annotated[Positive, _says("processes that convert files, each another one")] = 2
    file_seconds: Annotated[
        Seconds, _says("a file is skipped when a worker gives nothing of it for so long")
    ] = 120.0
    worker_bytes: Annotated[
        Count, _says("memory of a worker; files that need more are skipped")
    ] = 2**31
    leaf_tokens: Annotated[
        Annotated[int, msgspec.Meta(ge=16)], _says("largest leaf of hierarchical, in such tokens")
    ] = 64
    contextual: Annotated[
        bool, _says("let the language model say what each chunk is about, for the index alone")
    ] = False
    context_tokens: Annotated[Positive, _says("the most that it may write about a chunk")] = 100
    engine: Annotated[
        Literal["local", "ray"], _says("who encodes: this process, or actors of a Ray cluster")
    ] = "local"
    ray_address: Annotated[
        str, _says("the cluster, HOST:PORT or auto; empty starts one on this machine")
    ] = ""
    ray_actors: Annotated[
        Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)],
        _says("encoders on the cluster, a core each; 0 is as many as it has cores"),
    ] = 0
    ray_batch: Annotated[Positive, _says("texts that an actor is given at a time")] = 512


class SearchSettings(Section, frozen=True):
    """How queries find chunks."""

    fusion: Annotated[
        Literal["rrf", "dbsf", "convex"], _says("how the branches' rankings become one")
    ] = "dbsf"
    depth: Annotated[Positive, _says("hits fetched per branch, at least k")] = 100
    preset: Annotated[
        Literal["fast", "balanced", "quality"],
        _says("how queries are handled that do not say: what is asked of a model, how deep"),
    ] = "balanced"
    route: Annotated[
        Literal["", "rules", "classifier", "neighbours", "claims"],
        _says("who routes where a preset does; empty is the router's file, without one the rules"),
    ] = ""
    router: Annotated[
        str, _says("file of a router: a trained classifier or a log of outcomes; empty is none")
    ] = ""
    rrf_k: Annotated[Positive, _says("the constant of reciprocal rank fusion")] = 60
    dense_weight: Annotated[Share, _says("the dense branch's share; BM25 has the rest")] = 0.5
    widen: Annotated[
        Literal["auto", "none", "window", "merge"],
        _says(
            "what is read around a result: its neighbours, or the piece most of which is found; "
            "auto is what the collection's splitter is for"
        ),
    ] = "auto"
    window: Annotated[Positive, _says("neighbours on each side that a window reads")] = 3


Budget: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
"""The most of something; 0 is no limit."""


class RerankSettings(Section, frozen=True):
    """How what was found is put in a better order."""

    method: Annotated[
        str,
        _says(
            "empty leaves the fused order; a method, or several as a cascade: setwise:50, first:20"
        ),
    ] = ""
    schedule: Annotated[
        str, _says("which candidates a method looks at together, and when; empty is its usual one")
    ] = ""
    depth: Annotated[Positive, _says("candidates that are reranked")] = 50
    passage_tokens: Annotated[Positive, _says("the most that is read of a candidate")] = 192
    window: Annotated[
        Annotated[int, msgspec.Meta(ge=2, le=20)], _says("passages in one prompt of a window")
    ] = 20
    stride: Annotated[Positive, _says("how far a sliding window moves")] = 10
    top: Annotated[Positive, _says("how many of the best must be right; the rest may stay")] = 10
    together: Annotated[
        Annotated[int, msgspec.Meta(ge=2, le=20)], _says("passages in one prompt of setwise")
    ] = 4
    writes: Annotated[
        bool, _says("pairwise and setwise let the model write its answer, where it has no logprobs")
    ] = False
    shuffles: Annotated[
        Positive, _says("orders in which a window is shown, the answers merged; 1 is the usual one")
    ] = 1
    letter_prior: Annotated[
        bool, _says("take the model's liking for letters out of its answers")
    ] = False
    merge: Annotated[
        Literal["borda", "kemeny", "rrf"],
        _says("how the orders of pairwise's schedule fusion become one"),
    ] = "borda"
    demonstrations: Annotated[
        Annotated[int, msgspec.Meta(ge=0, le=8)], _says("examples shown to the pairwise method")
    ] = 0
    model: Annotated[str, _says("folder or hub name of the cross-encoder")] = ""
    runtime: Annotated[Literal["torch", "onnx"], _says("what computes the cross-encoder")] = "torch"
    calls: Annotated[Budget, _says("most requests to the model for a query; 0 is no limit")] = 0
    tokens: Annotated[Budget, _says("most tokens for a query; 0 is no limit")] = 0
    seconds: Annotated[Seconds, _says("most time for a query; then the best so far")] = 30.0
    guard: Annotated[
        Literal["pool", "rrf", "convex", "none"],
        _says("how the reranked order is fused with the one before, against a reranker that errs"),
    ] = "pool"
    guard_weight: Annotated[
        Share,
        _says("the reranker's share in that; 0 is the usual one: pool .7, rrf .4, convex .3"),
    ] = 0.0
    guard_jump: Annotated[
        Annotated[int, msgspec.Meta(ge=0)],
        _says("most ranks a candidate may move; 0 is any number"),
    ] = 0
    feedback: Annotated[
        Literal["none", "kl", "ranknet", "native"],
        _says("look again with a dense query moved by the scores, by the order, or by Qdrant"),
    ] = "none"
    unguarded: Annotated[str, _says("collections without a guard, by comma")] = ""


Generators: TypeAlias = Literal[
    "extractive", "inline", "attribute-first", "quote-first", "ensemble"
]
"""Who may write an answer."""


class AnswerSettings(Section, frozen=True):
    """How answers are made."""

    passages: Annotated[Positive, _says("chunks an answer may cite")] = 5
    tokens: Annotated[
        Budget, _says("tokens of all passages together, about, at most; 0 is no limit")
    ] = 0
    per_document: Annotated[
        Budget, _says("chunks of one document an answer may cite; 0 is no limit")
    ] = 0
    passage_floor: Annotated[
        float, _says("score below which no chunk is packed, on the last ranking's scale; 0 is none")
    ] = 0.0
    order: Annotated[
        Literal["rank", "middle", "best-last"],
        _says("how passages are shown: best first, best at both ends, or best last"),
    ] = "rank"
    generator: Annotated[
        Generators,
        _says("who writes: quoted sentences alone, or the language model, in one of four ways"),
    ] = "extractive"
    scorer: Annotated[
        Literal["", "query-likelihood", "cross-encoder"],
        _says(
            "relevance model with a say in what is quoted, the latter rerank.model; empty is none"
        ),
    ] = ""
    max_tokens: Annotated[Positive, _says("tokens that a model may write for an answer")] = 400
    seconds: Annotated[Seconds, _says("most time for writing; then what is written")] = 60.0
    samples: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=16)],
        _says("answers that inline writes, the best cited of which is given"),
    ] = 1
    sufficient: Annotated[
        Share,
        _says(
            "the model's probability that the passages suffice, below which nothing is answered; "
            "0 asks nobody"
        ),
    ] = 0.0
    verify: Annotated[
        Literal["overlap", "entailment", "reverse", "nli"],
        _says("who is asked about sentences that facts and overlap leave in doubt"),
    ] = "overlap"
    nli_model: Annotated[str, _says("folder or hub name of the NLI model, for verify nli")] = ""
    policy: Annotated[
        Literal["mark", "drop", "rewrite"],
        _says("what becomes of a sentence that no passage carries; rewrite puts a quote there"),
    ] = "drop"
    verified: Annotated[
        Share, _says("share of written sentences that must be carried; below, nothing is answered")
    ] = 0.3
    sentences: Annotated[Positive, _says("sentences in an answer, at most")] = 5
    words: Annotated[Budget, _says("words in an answer of several sentences; 0 is no limit")] = 0
    floor: Annotated[
        Annotated[float, msgspec.Meta(ge=-1, le=1)],
        _says("cosine of the question and its nearest sentence below which nothing is answered"),
    ] = 0.44
    calibration: Annotated[
        str, _says("file of firstcite calibrate that decides instead of the floor; empty is none")
    ] = ""


class LLMSettings(Section, frozen=True):
    """Which language model; the spine needs none."""

    model: Annotated[str, _says("folder or name; empty means the packaged SmolLM2")] = ""
    url: Annotated[str, _says("OpenAI-compatible server; empty means a local model")] = ""
    api_key: Annotated[Secret, _says("key for that server")] = Secret("")
    timeout_s: Annotated[Seconds, _says("limit of one try of one request to the server")] = 60.0
    concurrency: Annotated[Positive, _says("requests to the server at the same time, at most")] = 16
    retries: Annotated[
        Annotated[int, msgspec.Meta(ge=0)], _says("further tries after a failure that may pass")
    ] = 3
    context_window: Annotated[
        Annotated[int, msgspec.Meta(ge=0)],
        _says("tokens that prompt and answer may have together; 0 means what the model says"),
    ] = 0
    runtime: Annotated[
        Literal["torch", "onnx"],
        _says("what computes a local model; onnx needs firstcite models export first"),
    ] = "torch"
    precision: Annotated[
        Literal["auto", "fp32", "bf16", "int8", "int4"],
        _says(
            "of a local model; torch: auto takes bf16 where the CPU has it and a probe allows; "
            "onnx: auto is fp32, int8 and int4 are stored weights"
        ),
    ] = "auto"
    cache: Annotated[
        str, _says("folder of converted models and kept replies; empty means the user's cache")
    ] = ""
    replies_mb: Annotated[
        Annotated[int, msgspec.Meta(ge=0)],
        _says("most megabytes of kept replies; 0 asks the model every time"),
    ] = 256


class ServerSettings(Section, frozen=True):
    """The HTTP face."""

    host: Annotated[str, _says("address to listen on; loopback only by default")] = "127.0.0.1"
    port: Annotated[Annotated[int, msgspec.Meta(ge=0, le=65535)], _says("0 takes a free one")] = (
        8000
    )
    collection: Annotated[str, _says("collection that requests use when they name none")] = (
        "default"
    )
    max_body_bytes: Annotated[Positive, _says("largest request body")] = 1024 * 1024
