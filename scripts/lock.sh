#!/usr/bin/env bash
# Pin every dependency, with hashes and without index addresses. The development lock leads; the
# others take their versions from it, but for the linters of deployment files and the clients and the
# fuzzer of the conformance tests, which live apart.
# UPGRADE=1 asks for the newest versions that fit.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

compile() {
  local lock=$1
  shift
  .venv/bin/uv pip compile "$@" --quiet --universal --python-version 3.11 \
    --generate-hashes --no-header --no-annotate --output-file "requirements/$lock.lock"
  echo "wrote requirements/$lock.lock"
}

compile dev pyproject.toml --group dev ${UPGRADE:+--upgrade}
compile runtime pyproject.toml --constraints requirements/dev.lock
compile build --group build --constraints requirements/dev.lock
compile bench --group bench --constraints requirements/dev.lock ${UPGRADE:+--upgrade}
compile browser --group browser --constraints requirements/dev.lock ${UPGRADE:+--upgrade}
compile deploy --group deploy ${UPGRADE:+--upgrade}
compile conformance --group conformance ${UPGRADE:+--upgrade}
compile gql --group gql ${UPGRADE:+--upgrade}
compile ariadne --group ariadne ${UPGRADE:+--upgrade}
