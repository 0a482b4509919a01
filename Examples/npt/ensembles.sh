#!/usr/bin/env bash
# 32 molecules of water at two temperatures under each thermostat and barostat, for the physical_validation package:
#   Examples/npt/ensembles.sh FOLDER
# So few that energies at 300 and 320 K overlap; 110 ps each, an hour on one core for the ten runs. Langevin dynamics also at half the
# time step, as its kinetic energy errs with the square. Needs numpy and physical_validation.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
bloch=${BLOCH:-$root/.build/release/bloch}
mkdir -p "$1" && cd "$1"
[ -e water-32.xyz ] || python3 "$root/Tools/make_water_box.py" 32 water-32.xyz
for kind in nvt-langevin nvt-langevin-fine nvt-nose-hoover npt-mtk npt-c-rescale; do
  timestep=0.5
  [ $kind != nvt-langevin-fine ] || timestep=0.25
  case $kind in
    nvt-langevin*) coupling="thermostat: {type: langevin, friction: 10 /ps}" ;;
    nvt-nose-hoover) coupling="thermostat: {type: nose-hoover, tau: 50 fs}" ;;
    npt-mtk) coupling="thermostat: {type: nose-hoover, tau: 50 fs}
pressure: 1 bar
barostat: {type: mtk, tau: 300 fs}" ;;
    npt-c-rescale) coupling="thermostat: {type: nose-hoover, tau: 50 fs}
pressure: 1 bar
barostat: {type: c-rescale, tau: 300 fs, compressibility: 4.5e-5 1/bar}" ;;
  esac
  for kelvin in 300 320; do
    cat >"$kind-$kelvin.yaml" <<DECK
structure: water-32.xyz
model: $root/Models/water.h5
ensemble: ${kind%%-*}
temperature: $kelvin K
$coupling
timestep: $timestep fs
steps: $([ $timestep = 0.5 ] && echo 220000 || echo 440000)
seed: $kelvin
log: {every: 20 fs}
trajectory: {every: 1 ps}
DECK
    "$bloch" run "$kind-$kelvin.yaml" --threads 1 --overwrite --output-dir .
  done
done
