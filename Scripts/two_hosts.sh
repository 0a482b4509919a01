#!/usr/bin/env bash
# Runs Bloch on two hosts that are network namespaces of this machine, with names of their own and nothing but TCP between them, and
# compares with one process: energies and forces of a structure, and a run of 20 steps. Linux, as root, with iproute2, Open MPI and a
# bloch built with MPI (Documentation/mpi.md): Scripts/two_hosts.sh [BLOCH]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
bloch=$(realpath "${1:-$root/.build/release/bloch}")
[ "$(id -u)" = 0 ] || { echo "error: network namespaces need root" >&2; exit 1; }

hosts=("bloch-$$-a" "bloch-$$-b")
addresses=(10.77.0.1 10.77.0.2)
work=$(mktemp -d)
finish() {
  for host in "${hosts[@]}"; do ip netns del "$host" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT
for host in "${hosts[@]}"; do ip netns add "$host"; done
ip link add bloch0 netns "${hosts[0]}" type veth peer name bloch0 netns "${hosts[1]}"
for n in 0 1; do
  ip -n "${hosts[n]}" address add "${addresses[n]}/24" dev bloch0
  ip -n "${hosts[n]}" link set bloch0 up
  ip -n "${hosts[n]}" link set lo up
done

# In the place of ssh: a command on the host of an address, under a host name of its own.
cat >"$work/on" <<END
#!/usr/bin/env bash
case \$1 in ${addresses[0]}) host=${hosts[0]} ;; *) host=${hosts[1]} ;; esac
shift
exec ip netns exec "\$host" unshare --uts sh -c "hostname \$host; \$*"
END
chmod +x "$work/on"

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_plm_rsh_agent=$work/on OMPI_MCA_pml=ob1 OMPI_MCA_btl=tcp,self OMPI_MCA_btl_tcp_if_include=bloch0 \
  OMPI_MCA_oob_tcp_if_include=bloch0
two_hosts() { "$work/on" "${addresses[0]}" "cd $work && mpirun -n 2 --host ${addresses[0]},${addresses[1]} $*"; }
received() { ip netns exec "${hosts[1]}" cat /sys/class/net/bloch0/statistics/rx_bytes; }

# The largest difference between the numbers of two files; energies are large, and rounded as they are.
compare() {
  paste -d ' ' <(tr -s ' \t"=' '\n' <"$1") <(tr -s ' \t"=' '\n' <"$2") | awk -v most="$3" -v what="$4" '
    $1 + 0 == $1 && $2 + 0 == $2 { d = $1 - $2; if (d < 0) d = -d; if (d > worst) worst = d; n++ }
    END { printf "%s: %d numbers, at most %.1e apart\n", what, n, worst; exit !(n > 100 && worst < most) }'
}

water=$root/Inputs/water-64.xyz
model=$root/Models/water.h5
cat >"$work/water.yaml" <<END
structure: $water
model: $model
ensemble: nve
temperature: 300 K
timestep: 0.5 fs
steps: 20
precision: double
threads: 1
log: {every: 1 step}
END
cd "$work"
mkdir one two
"$bloch" evaluate --model "$model" "$water" --threads 1 --output one.xyz >/dev/null
"$bloch" run water.yaml --output-dir one >/dev/null
before=$(received)
two_hosts "$bloch" evaluate --model "$model" "$water" --threads 1 --output two.xyz
two_hosts "$bloch" run water.yaml --output-dir two | grep -E 'ranks|microseconds'
compare one.xyz two.xyz 1e-7 "energy, forces, stress"
compare one/water.log.tsv two/water.log.tsv 1e-6 "log of 20 steps"
echo "$((($(received) - before) / 1000)) kB came to the second host"
