#!/usr/bin/env bash
# 64 molecules of water at two temperatures under each thermostat and barostat, for the physical_validation package:
#   Examples/npt/ensembles.sh FOLDER
# Needs numpy and physical_validation; 40 ps each, an hour on one core for the eight runs.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
bloch=${BLOCH:-$root/.build/release/bloch}
mkdir -p "$1" && cd "$1"
for kelvin in 300 320; do
  for kind in nvt-langevin nvt-nose-hoover npt-mtk npt-c-rescale; do
    case $kind in
      nvt-langevin) coupling="thermostat: {type: langevin, friction: 10 /ps}" ;;
      nvt-nose-hoover) coupling="thermostat: {type: nose-hoover, tau: 50 fs}" ;;
      npt-mtk) coupling="thermostat: {type: nose-hoover, tau: 50 fs}
pressure: 1 bar
barostat: {type: mtk, tau: 300 fs}" ;;
      npt-c-rescale) coupling="thermostat: {type: langevin, friction: 10 /ps}
pressure: 1 bar
barostat: {type: c-rescale, tau: 300 fs, compressibility: 4.5e-5 1/bar}" ;;
    esac
    cat >"$kind-$kelvin.yaml" <<DECK
structure: $root/Inputs/water-64.xyz
model: $root/Models/water.h5
ensemble: ${kind%%-*}
temperature: $kelvin K
$coupling
timestep: 0.5 fs
steps: 80000
seed: $kelvin
log: {every: 20 fs}
DECK
    "$bloch" run "$kind-$kelvin.yaml" --threads 1 --overwrite --output-dir .
  done
done
