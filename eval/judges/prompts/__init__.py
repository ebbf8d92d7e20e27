"""The judges' prompts, our own wording; `rag.prompts` reads them."""
