# Sourced by the other scripts: makes sure of Swift, and of HDF5 and FFTW3 (single and double precision), which Bloch links
# to and finds through pkg-config; of MPI only where BLOCH_MPI names one, ompi-c or mpich. Installs what is missing with apt-get
# or Homebrew, without questions.

fail() {
  printf 'error: %s\n' "$@" >&2
  exit 1
}

version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1 || true)
[ -n "$version" ] || fail "no Swift compiler found: Bloch needs Swift 6.2 or newer, see https://swift.org/install"
read -r major minor <<<"$version"
if ((major < 6 || (major == 6 && minor < 2))); then
  fail "Swift $major.$minor is too old: Bloch needs Swift 6.2 or newer, see https://swift.org/install"
fi

libraries=(hdf5 fftw3 fftw3f ${BLOCH_MPI:+"$BLOCH_MPI"})
debian=(pkg-config libhdf5-dev libfftw3-dev)
homebrew=(pkgconf hdf5 fftw)
case ${BLOCH_MPI:-} in
  "") ;;
  ompi-c) debian+=(libopenmpi-dev openmpi-bin) homebrew+=(open-mpi) ;;
  mpich) debian+=(libmpich-dev mpich) homebrew+=(mpich) ;;
esac

if ! pkg-config --exists "${libraries[@]}" 2>/dev/null; then
  echo "Installing what is missing of ${debian[*]} ..."
  if command -v apt-get >/dev/null; then
    as_root=()
    if [ "$(id -u)" != 0 ]; then
      command -v sudo >/dev/null ||
        fail "not root and no sudo; have installed: ${debian[*]}"
      as_root=(sudo)
    fi
    as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -qq)
    "${as_root[@]}" update </dev/null
    "${as_root[@]}" install -y --no-install-recommends "${debian[@]}" </dev/null
  elif command -v brew >/dev/null; then
    brew install --quiet "${homebrew[@]}" </dev/null
  else
    fail "neither apt-get nor brew found; install pkg-config, HDF5 and FFTW3"
  fi
  pkg-config --print-errors --exists "${libraries[@]}" ||
    fail "installed, but pkg-config does not find them; see above"
fi
