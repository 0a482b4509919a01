#!/usr/bin/env bash
# Sets up, builds, and runs every test in release, the mode that users run. Arguments go to `swift test`, such as
# `--filter LatticeTests`. BLOCH_PYTHON names the Python to use instead of python3; BLOCH_MPI=ompi-c, or mpich,
# builds with MPI and tests that, too; BLOCH_BUILD_ONLY=1 builds and tests nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
source Scripts/setup.sh

# A folder of its own, because -enable-testing would otherwise rebuild what Scripts/demo.sh has built, and back.
options=(-c release -Xswiftc -enable-testing --scratch-path .build/tests ${BLOCH_MPI:+--traits MPI})
swift build --build-tests "${options[@]}"
[ -z "${BLOCH_BUILD_ONLY:-}" ] || exit 0
swift test --skip-build "${options[@]}" "$@"

python=${BLOCH_PYTHON:-python3}
if "$python" -c 'import h5py, numpy' 2>/dev/null; then
  "$python" -m unittest discover Tools
else
  echo "Skipped: the tests of Tools/ need $python with numpy and h5py (torch and mace-torch optional)."
fi
