#!/usr/bin/env bash
# Have a Chromium on the machine, for the tests that look at the console; prints where it is.
set -euo pipefail

find_it() {
  command -v chromium || command -v chromium-browser || command -v google-chrome
}

if ! find_it; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "The tests of the console need Chromium, and there is none. Install it, then run make again" >&2
    exit 1
  fi
  echo "Installing Debian's Chromium" >&2
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends chromium fonts-dejavu-core >/dev/null
  find_it
fi
