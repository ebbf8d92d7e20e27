"""ONNX Runtime reads a graph. torch is not imported here."""

import os
from pathlib import Path

from onnxruntime import InferenceSession, SessionOptions
from onnxruntime import __version__ as _version
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    RuntimeException,
)

from rag.errors import ModelUnavailable
from rag.settings import thread_limit

RUNTIME = f"onnxruntime {_version}"

_FAILS = (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NoSuchFile, RuntimeException)


def cores() -> int:
    """Return the number of cores that this process may use, at most OMP_NUM_THREADS."""
    allowed = len(os.sched_getaffinity(0))
    return min(allowed, thread_limit() or allowed)


def session(file: Path, threads: int, remedy: str) -> InferenceSession:
    """Return the graph of a file, ready to run: on so many cores, idle ones asleep.

    The memory of a pass is kept for the next (1.5 times as fast, measured); what a batch may hold
    bounds it.

    Args:
        file: the graph; its weights may lie in a file beside it.
        threads: how many compute one pass.
        remedy: what to do where it cannot be read.

    Raises:
        ModelUnavailable: ONNX Runtime cannot read it.
    """
    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    try:
        return InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except _FAILS as error:
        raise ModelUnavailable(f"ONNX Runtime cannot read {file}: {error}. {remedy}") from error
