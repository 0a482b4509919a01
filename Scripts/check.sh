#!/usr/bin/env bash
# What the tests alone do not see. Needs what Scripts/test.sh has set up.
#
#   format    every Swift file as swift format writes it
#   checked   kernels built with the language's own checks (overflow, bounds), which a release leaves out
#   address   the same checks under AddressSanitizer, without invariances, which need no more memory than what else runs there
#   both      without long tests of gradients by weights and of ensembles, whose code shorter ones pass through
#   thread    under ThreadSanitizer, two threads on small systems; not part of a plain run: it takes long
#
# Without arguments: format and address, as continuous integration does.
set -euo pipefail
cd "$(dirname "$0")/.."
source Scripts/setup.sh

# In-process tests of files, kernels and runs; those that start the program are Scripts/test.sh's.
targets='HDF5Tests|TrajectoryTests|DeckTests|LatticeTests|KernelsTests|EquivariantTests|ReciprocalTests'
targets+='|LRMACETests|DynamicsTests|StaticsTests|RestraintsTests|AnalysisTests|TrainingTests|SimulationTests'
long='everyKindOfWeight|firstFiftyLosses|differentiableNetwork|volumesOfAnIdealGas|volumesFluctuate|VirialTheorem'

# Arguments: a name for the build folder, what the build is told, then what the tests are told.
checked_tests() {
  local options=(-c release -Xswiftc -enable-testing --scratch-path ".build/$1" ${2:+"$2"})
  shift 2
  BLOCH_CHECKED=1 swift build --build-tests "${options[@]}"
  # Fewer mutations than Scripts/test.sh tries: what they may do to memory shows soon.
  BLOCH_CHECKED=1 BLOCH_MUTATIONS=40 swift test --skip-build "${options[@]}" "$@"
}

[ $# -gt 0 ] || set -- format address
for check in "$@"; do
  echo "== $check"
  case $check in
    format) swift format lint --strict --recursive Sources Tests Package.swift ;;
    checked) checked_tests checked "" --filter "$targets" --skip "$long" ;;
    address)
      # What Swift's runtime and Foundation keep until the end of a process is no leak of ours.
      ASAN_OPTIONS=detect_leaks=0 BLOCH_SANITIZED=1 checked_tests address --sanitize=address --filter "$targets" --skip "InvarianceTests|$long"
      ;;
    thread) BLOCH_SANITIZED=1 checked_tests thread --sanitize=thread --filter 'Kernels|Reciprocal|LRMACE' ;;
    *) fail "no check is called $check: format, checked, address, thread" ;;
  esac
done
