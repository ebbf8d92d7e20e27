"""The engine that the settings describe."""

from indexers.splitting.splitters import make_split, sizes
from rag.errors import BadSettings
from rag.settings import Settings
from rag.wiring.encoding import encoder_on_demand, open_encoder
from rag.wiring.engine import Engine
from rag.wiring.memory import for_good

SPECIAL_TOKENS = 2  # the start and end marks that encoders put around a text


@for_good()
def build(settings: Settings, *, on_demand: bool = False) -> Engine:
    """Return the engine that the settings describe, its encoder loaded, or loaded on demand.

    Raises:
        ModelUnavailable: the encoder cannot be loaded or exported.
        BadSettings: chunks would be longer than what the encoder reads, or its runtime does not
            compute its precision.
    """
    encoder = encoder_on_demand(settings) if on_demand else open_encoder(settings)
    most = encoder.spec.max_tokens
    for name, size in sizes(settings.index)[-1:]:
        if size > most - SPECIAL_TOKENS:
            raise BadSettings(
                f"index.{name} is {size}, but {encoder.spec.name} reads at most {most} tokens, "
                f"{SPECIAL_TOKENS} of them its own: set at most {most - SPECIAL_TOKENS}"
            )
        room = most - SPECIAL_TOKENS - size
        if settings.index.contextual and room < settings.index.context_tokens:
            raise BadSettings(
                f"index.context_tokens is {settings.index.context_tokens}, but beside a chunk "
                f"{encoder.spec.name} has room for {room}: set it or index.{name} lower"
            )
    return Engine(settings, encoder, make_split(settings.index, encoder.tokenizer, most))
