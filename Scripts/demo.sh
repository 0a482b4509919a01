#!/usr/bin/env bash
# Sets up, builds, and runs 64 water molecules for half a picosecond. The files go to output/, replacing those of an
# earlier demonstration.
set -euo pipefail
cd "$(dirname "$0")/.."
source Scripts/setup.sh

swift build -c release --product bloch
.build/release/bloch run Inputs/water.yaml --output-dir output --overwrite
