# syntax=docker/dockerfile:1
# One small image for every role: the command says which (serve, worker, migrate). With the GraphiQL
# page: docker build --build-arg GRAPHIQL=with . The example service of compose.yaml: --target example
# checkov:skip=CKV_DOCKER_7:every image has a tag, which the check does not see behind an argument
ARG PYTHON_IMAGE=python:3.13-slim
ARG NODE_IMAGE=node:22
ARG GRAPHIQL=without

FROM ${NODE_IMAGE} AS graphiql-with
WORKDIR /src
COPY scripts/fetch_graphiql.py scripts/
COPY scripts/graphiql/ scripts/graphiql/
RUN python3 scripts/fetch_graphiql.py

FROM ${PYTHON_IMAGE} AS graphiql-without
RUN mkdir -p /src/gateway/surfaces/graphql/http/static

# One of the two stages above, which have no tag:
# hadolint ignore=DL3006
FROM graphiql-${GRAPHIQL} AS graphiql

FROM ${PYTHON_IMAGE} AS builder
WORKDIR /src
RUN python -m venv /opt/gateway && python -m venv /opt/build
COPY requirements/ requirements/
RUN /opt/gateway/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.lock \
 && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements/build.lock
COPY LICENSE README.md pyproject.toml ./
COPY examples/ examples/
COPY schema/ schema/
COPY policies/ policies/
COPY gateway/ gateway/
COPY --from=graphiql /src/gateway/surfaces/graphql/http/static/ gateway/surfaces/graphql/http/static/
RUN /opt/build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /dist . \
 && /opt/gateway/bin/pip install --no-cache-dir --no-deps /dist/*.whl

FROM ${PYTHON_IMAGE} AS runtime
# The numeric user owns its data and keys alone; everything else may be mounted read-only.
RUN install -d -o 10001 -g 10001 -m 0700 /data /keys
COPY --from=builder /opt/gateway /opt/gateway
ENV PATH=/opt/gateway/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GATEWAY_HOST=0.0.0.0 \
    GATEWAY_PORT=8000 \
    GATEWAY_DATA_DIR=/data \
    GATEWAY_KEY_DIR=/keys
WORKDIR /data
VOLUME /data /keys
EXPOSE 8000
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:' + os.environ['GATEWAY_PORT'] + '/healthz', timeout=4)"]

# The support desk that the shipped contracts act on: for trying out, no part of the gateway.
FROM runtime AS example
COPY examples/__init__.py /opt/example/examples/__init__.py
COPY examples/support_service/ /opt/example/examples/support_service/
ENV PYTHONPATH=/opt/example
EXPOSE 8900
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:8900/effects', timeout=4)"]
ENTRYPOINT ["python", "-m", "examples.support_service", "--host", "0.0.0.0", "--port", "8900", "--db", "/data/support.db"]

FROM runtime AS gateway
ENTRYPOINT ["gateway"]
CMD ["serve"]
