#!/usr/bin/env bash
# What the tests alone do not see. Needs what Scripts/test.sh has set up.
#
#   format    every Swift file as swift format writes it
#   pages     comments of the library name what is there (Scripts/docc.sh)
#   checked   kernels built with the language's own checks (overflow, bounds), which a release leaves out
#   address   the same checks under AddressSanitizer, of tests that bring memory into states of their own
#   thread    under ThreadSanitizer, two threads on small systems; not part of a plain run: it takes long
#
# Without arguments: format, pages and address, as continuous integration does. BLOCH_BUILD_ONLY=1 builds and tests nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
source Scripts/setup.sh

# checked: in-process tests of files, kernels and runs; without long tests of gradients by weights and of ensembles, whose code
# shorter ones pass through.
targets='HDF5Tests|TrajectoryTests|DeckTests|LatticeTests|KernelsTests|EquivariantTests|ReciprocalTests'
targets+='|LRMACETests|DynamicsTests|StaticsTests|RestraintsTests|AnalysisTests|TrainingTests|SimulationTests'
long='everyKindOfWeight|firstFiftyLosses|differentiableNetwork|volumesOfAnIdealGas|volumesFluctuate|VirialTheorem'

# address: a test belongs here if it reads files, sound or damaged, or is the one that passes through code with pointers or
# without the language's checks and knows the result: goldens, slow sums, both precisions, every boundary. What repeats such
# steps with other numbers (invariances, derivatives, ensembles, trainings, runs, large systems) touches no memory in a new way.
files='HDF5Tests|TrajectoryTests|Model(File|Validation|Mutation|Writing)Tests|TrainingDomainTests|DataTests'
files+='|damaged|malformedInput|OfTheStandardAreRead|OfLAMMPSAreRead|ThroughTheFaces'
kernels='KernelsTests|LatticeTests|EquivariantTests|ReciprocalTests|LRMACETests\.[a-z]|GoldenTests|ConfigurationTests'
kernels+='|ContractionTests|ConvolutionTests|FirstLayerTests|RadialTableTests|ConservedSourcesTests|ShippedModelTests'
pointers='structureFactors|chiOfAnIdealGas|ContinuationTests|eigenvectorsAre|aBandGoesOn|gradientOfEveryBlock|batchesAreShared'
repeated='HundredThousand|largeDroplet|LargeSystems|largerSystems|everyPointOfTheWindow|widerWindows|importedThirdParty'

# Arguments: a name for the build folder, what the build is told, then what the tests are told.
checked_tests() {
  local options=(-c release -Xswiftc -enable-testing --scratch-path ".build/$1" ${2:+"$2"})
  shift 2
  BLOCH_CHECKED=1 swift build --build-tests "${options[@]}"
  [ -z "${BLOCH_BUILD_ONLY:-}" ] || return 0
  # Fewer mutations than Scripts/test.sh tries: what they may do to memory shows soon.
  BLOCH_CHECKED=1 BLOCH_MUTATIONS=40 swift test --skip-build "${options[@]}" "$@"
}

[ $# -gt 0 ] || set -- format pages address
for check in "$@"; do
  echo "== $check"
  case $check in
    format) swift format lint --strict --recursive Sources Tests Package.swift ;;
    pages) BLOCH_SCRATCH=.build/tests bash Scripts/docc.sh ;;
    checked) checked_tests checked "" --filter "$targets" --skip "$long" ;;
    address)
      # What Swift's runtime and Foundation keep until the end of a process is no leak of ours.
      ASAN_OPTIONS=detect_leaks=0 BLOCH_SANITIZED=1 checked_tests address --sanitize=address \
        --filter "$files|$kernels|$pointers" --skip "$repeated"
      ;;
    thread) BLOCH_SANITIZED=1 checked_tests thread --sanitize=thread --filter 'Kernels|Reciprocal|LRMACE' ;;
    *) fail "no check is called $check: format, pages, checked, address, thread" ;;
  esac
done
