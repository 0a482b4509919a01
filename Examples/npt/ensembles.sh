#!/usr/bin/env bash
# 32 molecules of water at two temperatures under each thermostat and barostat, twice each, for the physical_validation package:
#   Examples/npt/ensembles.sh FOLDER [RUNS AT A TIME]
# Hot, because energies then forget what they were five times as fast as at 300 K. Needs numpy; 16 runs of 200 ps, ten to thirty minutes of
# one core each.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
bloch=${BLOCH:-$root/.build/release/bloch}
model=$(realpath "${MODEL:-$root/Models/water.h5}")
mkdir -p "$1" && cd "$1"
[ -e water-32.xyz ] || python3 "$root/Tools/make_water_box.py" 32 water-32.xyz
for kelvin in 400 430; do
  for kind in nvt-langevin nvt-nose-hoover npt-mtk npt-c-rescale; do
    for seed in 1 2; do
      case $kind in
        nvt-langevin) coupling="thermostat: {type: langevin, friction: 10 /ps}" ;;
        nvt-nose-hoover) coupling="thermostat: {type: nose-hoover, tau: 50 fs}" ;;
        npt-mtk) coupling="thermostat: {type: nose-hoover, tau: 50 fs}
pressure: 2000 bar
barostat: {type: mtk, tau: 300 fs}" ;;
        npt-c-rescale) coupling="thermostat: {type: langevin, friction: 10 /ps}
pressure: 2000 bar
barostat: {type: c-rescale, tau: 300 fs, compressibility: 4.5e-5 1/bar}" ;;
      esac
      cat >"$kind-$kelvin-$seed.yaml" <<DECK
structure: water-32.xyz
model: $model
ensemble: ${kind%%-*}
temperature: $kelvin K
$coupling
timestep: 0.5 fs
steps: 400000
seed: $kelvin$seed
log: {every: 20 fs}
trajectory: {every: 10 ps}
DECK
    done
  done
done
ls ./*-*-*-?.yaml | xargs -P "${2:-1}" -I DECK sh -c "'$bloch' run DECK --threads 1 --overwrite --output-dir . >DECK.out 2>&1"
