#!/usr/bin/env bash
# Water with classical nuclei (one bead) and with quantum ones (eight), side by side, into FOLDER (default: output).
#   CLIENTS=4 Examples/path-integrals/run.sh FOLDER     # four beads at once
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bloch=${BLOCH:-$here/../../.build/release/bloch}
folder=${1:-output}
mkdir -p "$folder"
cd "$folder"
cp "$here/../../Inputs/water-64.xyz" .
sed "s/'quantum'/'classical'/; s/nbeads='8'/nbeads='1'/; s/bloch-water/bloch-classical/" "$here/input.xml" > classical.xml
cp "$here/input.xml" quantum.xml
run() { # name, socket, clients
  i-pi "$1.xml" > "$1.log" 2>&1 &
  local server=$!
  for ((client = 1; client <= $3; client++)); do
    "$bloch" serve "$here/water.yaml" --ipi "unix:$2" --threads 1 > "$1.client-$client.log" 2>&1 &
  done
  wait $server
}
run classical bloch-classical 1
run quantum bloch-water "${CLIENTS:-1}"
wait
