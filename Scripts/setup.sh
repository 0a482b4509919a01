# Sourced by the other scripts: makes sure of Swift, and of HDF5 and FFTW3 (single and double precision), which Bloch links
# to and finds through pkg-config. Installs what is missing with apt-get or Homebrew, without questions.

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

if ! pkg-config --exists hdf5 fftw3 fftw3f 2>/dev/null; then
  echo "Installing what is missing of pkg-config, HDF5 and FFTW3 ..."
  if command -v apt-get >/dev/null; then
    as_root=()
    if [ "$(id -u)" != 0 ]; then
      command -v sudo >/dev/null ||
        fail "not root and no sudo; have installed: pkg-config libhdf5-dev libfftw3-dev"
      as_root=(sudo)
    fi
    as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -qq)
    "${as_root[@]}" update </dev/null
    "${as_root[@]}" install -y --no-install-recommends \
      pkg-config libhdf5-dev libfftw3-dev </dev/null
  elif command -v brew >/dev/null; then
    brew install --quiet pkgconf hdf5 fftw </dev/null
  else
    fail "neither apt-get nor brew found; install pkg-config, HDF5 and FFTW3"
  fi
  pkg-config --print-errors --exists hdf5 fftw3 fftw3f ||
    fail "installed, but pkg-config does not find them; see above"
fi
