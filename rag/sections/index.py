"""How files become chunks."""

from typing import Annotated, Literal, TypeAlias

import msgspec

from rag.sections.basics import Budget, Count, Positive, Seconds, Section, Share, says

Splitters: TypeAlias = Literal["recursive", "sentences", "structure", "hierarchical", "none"]
NearDuplicates: TypeAlias = Literal["off", "link", "skip"]


class IndexSettings(Section, frozen=True):
    """How documents become chunks."""

    splitter: Annotated[
        Splitters,
        says(
            "recursive fills chunks along the structure, sentences makes small ones, structure "
            "tears nothing, hierarchical nests them, none keeps documents whole"
        ),
    ] = "recursive"
    chunk_tokens: Annotated[
        Annotated[int, msgspec.Meta(ge=16)], says("largest chunk, in tokens of the encoder")
    ] = 192
    updates: Annotated[
        bool, says("ask the language model whether what is new supersedes what is there")
    ] = False
    update_floor: Annotated[Share, says("cosine above which chunks are compared for that")] = 0.7
    update_calls: Annotated[Budget, says("most requests in a run for that; 0 is no limit")] = 0
    update_seconds: Annotated[
        Annotated[float, msgspec.Meta(gt=0)],
        says("most time in a run for that; the next run goes on"),
    ] = 3_600.0
    max_line_bytes: Annotated[Positive, says("a line longer than this is reported and skipped")] = (
        16 * 1024 * 1024
    )
    max_file_bytes: Annotated[Count, says("larger files and archive members are skipped")] = 2**30
    max_archive_bytes: Annotated[Count, says("the most that is unpacked of one archive")] = 2**33
    max_members: Annotated[Count, says("the most members that are read of one archive")] = 100_000
    workers: Annotated[Positive, says("processes that convert files, each another one")] = 2
    file_seconds: Annotated[
        Seconds, says("a file is skipped when a worker gives nothing of it for so long")
    ] = 120.0
    worker_bytes: Annotated[Count, says("memory of a worker; files that need more are skipped")] = (
        2**31
    )
    leaf_tokens: Annotated[
        Annotated[int, msgspec.Meta(ge=16)], says("largest leaf of hierarchical, in such tokens")
    ] = 64
    late: Annotated[
        bool, says("let the encoder read as many chunks at a time as it can, each in their context")
    ] = False
    contextual: Annotated[
        bool, says("let the language model say what each chunk is about, for the index alone")
    ] = False
    context_tokens: Annotated[Positive, says("the most that it may write about a chunk")] = 100
    near_duplicates: Annotated[
        NearDuplicates, says("link records what a document resembles, skip leaves it out")
    ] = "off"
    near_duplicate_share: Annotated[
        Share, says("share of three-word sequences in common that makes a near-duplicate")
    ] = 0.8
    engine: Annotated[
        Literal["local", "ray"], says("who encodes: this process, or actors of a Ray cluster")
    ] = "local"
    ray_address: Annotated[
        str, says("the cluster, HOST:PORT or auto; empty starts one on this machine")
    ] = ""
    ray_actors: Annotated[
        Budget, says("encoders on the cluster, a core each; 0 is as many as it has cores")
    ] = 0
    ray_batch: Annotated[Positive, says("texts that an actor is given at a time")] = 512
