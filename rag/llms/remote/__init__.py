"""Any OpenAI-compatible server as an LLM: vLLM, llama.cpp's server, Ollama, a hosted one.

What a server can do is asked with requests of one token when the connection is made, and stands in
`spec.why`: such servers answer 200 to parameters that they do not know.
"""

from rag.llms.remote.abilities import Abilities
from rag.llms.remote.labels import merge
from rag.llms.remote.model import RemoteLLM, connect

__all__ = ["Abilities", "RemoteLLM", "connect", "merge"]
