"""Everything that FirstCite raises on purpose.

RagError
├── BadInput                the caller sent something that cannot be used
│   ├── BadQuery            an empty query, k < 1, an unknown branch or fusion
│   ├── BadFilter           a filter that cannot be read
│   ├── BadPrompt           a prompt longer than the model's window, or labels it cannot tell apart
│   ├── BadCollection       a collection name or a test collection that cannot be used
│   └── BadSettings         an unknown key, or a value of the wrong type
├── Refused
│   ├── Unauthenticated         no API key, or none that is known
│   └── Forbidden               the API key does not reach so far
├── NotFound
│   ├── JobNotFound         no job of that id, or one that was deleted since
│   ├── CollectionNotFound  no collection of that name: index something first
│   └── DocumentNotFound    no document of that id, or none that may be read
├── Conflict
│   ├── AnotherRequest      an idempotency key that another request had
│   ├── CollectionMismatch  the collection was built with another encoder, or another schema
│   └── StoreLocked         another process has the embedded store open
├── Overloaded              there is more to do than the server takes on: try again later
└── Unavailable
    ├── StoreUnavailable    the store did not answer, or refused
    ├── ModelUnavailable    model files or packages are missing
    ├── LLMUnavailable      the language model's server did not answer, refused, or made no sense
    ├── StillLoading        the server has just started
    ├── DeadlineExceeded    the time given for something is over
    ├── OutOfMemory         the machine's memory, or the device's, does not suffice
    └── BudgetExceeded      a flow asked for more than its budget allows

Every message names the value at fault and the remedy. `api/problems.py` maps the second level to
HTTP statuses, `rag/cli` to exit codes.
"""


class RagError(Exception):
    """Anything FirstCite raises on purpose."""


class BadInput(RagError):
    """The caller sent something that cannot be used."""


class BadQuery(BadInput):
    """An empty query, k < 1, an unknown branch or fusion."""


class BadFilter(BadInput):
    """A filter that cannot be read."""


class BadPrompt(BadInput):
    """A prompt longer than the model's window, or labels it cannot tell apart."""


class BadCollection(BadInput):
    """A collection name or a test collection that cannot be used."""


class BadSettings(BadInput):
    """An unknown settings key, or a value of the wrong type."""


class Refused(RagError):
    """The caller may not do that."""


class Unauthenticated(Refused):
    """No API key, or none that is known."""


class Forbidden(Refused):
    """The API key does not reach so far."""


class NotFound(RagError):
    """Something named does not exist."""


class CollectionNotFound(NotFound):
    """No collection of that name: index something first."""


class DocumentNotFound(NotFound):
    """No document of that id, or none that may be read."""


class JobNotFound(NotFound):
    """No job of that id, or one that was deleted since."""


class Conflict(RagError):
    """The state of the world does not allow the request."""


class AnotherRequest(Conflict):
    """An idempotency key that another request had."""


class CollectionMismatch(Conflict):
    """The collection was built with another encoder, or another schema."""


class StoreLocked(Conflict):
    """Another process has the embedded store open."""


class Overloaded(RagError):
    """There is more to do than the server takes on: try again later."""

    def __init__(self, message: str, seconds: int = 1) -> None:
        super().__init__(message)
        self.seconds = seconds


class Unavailable(RagError):
    """Something outside is missing or does not answer."""


class StoreUnavailable(Unavailable):
    """The store did not answer, or refused."""


class ModelUnavailable(Unavailable):
    """Model files or packages are missing."""


class LLMUnavailable(Unavailable):
    """The language model's server did not answer, refused, or made no sense."""


class StillLoading(Unavailable):
    """The server has just started: ask again in a few seconds."""


class DeadlineExceeded(Unavailable):
    """The time given for something is over."""


class OutOfMemory(Unavailable):
    """The machine's memory, or the device's, does not suffice."""


class BudgetExceeded(Unavailable):
    """A flow asked for more than its budget allows."""
