"""The generator: gates, a writer, and what finishes its draft."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from rag.abstain import Gate, Verdict
from rag.answering.extractive import Extractive
from rag.answering.finishing import Checking, finish
from rag.answering.writer import Writer, Written
from rag.errors import RagError
from rag.flows import stopped
from rag.quoting.choosing import Limits
from rag.quoting.lines import Read, read
from rag.seams import Encoder
from rag.spans import Timed
from rag.values import Answer, Context, Cut, Stage, Told, Trace

USUAL = "extractive"
"""The writer that needs no model, and takes the place of one that fails."""


class Answering:
    """The `Generator` of FirstCite.

    Args:
        encoder: of sentences.
        gates: asked in order before anything is written; the first "no" is an abstention.
        writers: by name; "extractive" is among them.
        usual: the writer of queries that name none.
        checking: how drafts are verified.
    """

    def __init__(
        self,
        encoder: Encoder,
        gates: Sequence[Gate],
        writers: Mapping[str, Writer],
        usual: str = USUAL,
        checking: Checking | None = None,
    ) -> None:
        self._encoder = encoder
        self._gates = gates
        self._writers = writers
        self._usual = usual
        self._checking = checking or Checking()

    async def answer(self, context: Context) -> AsyncGenerator[Told, None]:
        """Yield the text, its sentences and late fixes as they are known, then the `Answer`.

        A writer that fails before it has written anything is replaced by quoting; the trace says
        so. An abstention yields only the answer, or drops all that was written.
        """
        found = await read(context, self._encoder)
        verdict = await self._judged(context, found)
        context = replace(context, trace=(*context.trace, *verdict.trace))
        if verdict.answerable == "no":
            yield _abstain(context, verdict.reason)
            return
        written: Written | None = None
        async with aclosing(self._writing(context, found)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Written):
                    written = piece
                else:
                    yield piece
        if written is None:
            raise RuntimeError("a writer ended without a draft")
        done = await finish(context, found, written, verdict, self._encoder, self._checking)
        for fix in done.fixes:
            yield fix
        yield done.answer

    async def _judged(self, context: Context, found: Read) -> Verdict:
        if not found.lines:
            return Verdict("no", "nothing was found to quote from")
        reasons: list[str] = []
        trace: Trace = ()
        for gate in self._gates:
            verdict = await gate(context, found)
            trace += verdict.trace
            if verdict.answerable == "no":
                return replace(verdict, trace=trace)
            reasons += [verdict.reason] if verdict.answerable == "partial" else []
        return Verdict("partial" if reasons else "yes", "; ".join(reasons), trace)

    async def _writing(
        self, context: Context, found: Read
    ) -> AsyncGenerator[str | Cut | Written, None]:
        name = context.query.handled.generator or self._usual
        with Timed("generate") as clock:
            failed: Stage | None = None
            writing = clock.over(self._writers[name].write(context, found))
            try:
                async with aclosing(writing) as pieces:
                    async for piece in pieces:
                        yield _timed(piece, clock) if isinstance(piece, Written) else piece
            except RagError as error:
                failed = stopped(Stage(f"generate {name}", 0.0), error)
            if failed is None:
                return
            writing = clock.over(self._writers[USUAL].write(context, found))
            async with aclosing(writing) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Written):
                        told = f"{piece.stage.detail}, for {name} failed: {failed.detail}"
                        stage = replace(piece.stage, status=failed.status, detail=told)
                        piece = _timed(replace(piece, stage=stage), clock)
                    yield piece


def quoting(encoder: Encoder, gate: Gate, limits: Limits) -> Answering:
    """Return the generator that only quotes."""
    return Answering(encoder, [gate], {USUAL: Extractive(limits)})


def _timed(written: Written, clock: Timed) -> Written:
    return replace(written, stage=clock.stage(written.stage))


def _abstain(context: Context, reason: str) -> Answer:
    stage = Stage("generate", 0.0, "ok", "abstained")
    return Answer(context.query, "", (), (), reason, (*context.trace, stage), "no")
