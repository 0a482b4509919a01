#!/usr/bin/env bash
# Boxes of 64, 300 and 1,000 water molecules with one model: 10 ps at 300 K, then 5 ps without a thermostat, and the structure
# factor of the charges.
#   Examples/train-water/stability.sh MODEL FOLDER [MOLECULES ...]
# Needs numpy and h5py; an hour and a half on one core for all three.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
bloch=${BLOCH:-$root/.build/release/bloch}
model=$(realpath "$1")
mkdir -p "$2" && cd "$2"
shift 2
for n in "${@:-64}"; do
  [ -e "water-$n.xyz" ] || python3 "$root/Tools/make_water_box.py" "$n" "water-$n.xyz"
  common="model: $model
timestep: 0.5 fs
threads: ${THREADS:-1}
trajectory: {every: 50 fs, charges: true, velocities: false}
log: {every: 5 fs}"
  cat >"nvt-$n.yaml" <<DECK
structure: water-$n.xyz
ensemble: nvt
temperature: 300 K
thermostat: {type: nose-hoover, tau: 50 fs}
steps: 20000
$common
DECK
  cat >"nve-$n.yaml" <<DECK
structure: start-$n.xyz
ensemble: nve
velocities: structure
steps: 10000
$common
DECK
  "$bloch" run "nvt-$n.yaml" --overwrite --output-dir .
  rm -f "start-$n.xyz"
  "$bloch" export "nvt-$n.checkpoint.h5" "start-$n.xyz"
  "$bloch" run "nve-$n.yaml" --overwrite --output-dir .
done
python3 "$here/charge_structure.py" nvt-*.trajectory.h5 --skip 2
