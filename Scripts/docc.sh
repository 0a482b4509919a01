#!/usr/bin/env bash
# The pages of the library, as DocC makes them: each target's README, and the comments of what it declares for other packages.
#
#   Scripts/docc.sh [FOLDER]      FOLDER (.build/docc, made anew) is a site that any web server shows
#
# Takes no package but Swift's own tools, on Linux. A comment that names what is not there is an error. BLOCH_SCRATCH names the folder of
# a build with -enable-testing to use in place of .build.
set -euo pipefail
cd "$(dirname "$0")/.."
source Scripts/setup.sh
site=${1:-.build/docc}
scratch=${BLOCH_SCRATCH:-.build}

swift build -c release --product bloch ${BLOCH_MPI:+--traits MPI} \
  ${BLOCH_SCRATCH:+--scratch-path "$BLOCH_SCRATCH" -Xswiftc -enable-testing}
tools=$(dirname "$(readlink -f "$(command -v swift)")")
targets=$(swift package describe --type json | tr -d ' \n' |
  sed -n 's/.*"name":"Bloch","targets":\[\([^]]*\)\].*/\1/p' | tr -d '"' | tr ',' ' ')
[ -n "$targets" ] || fail "the package has no library Bloch"
includes=$(for folder in Sources/C* "$scratch"/checkouts/Yams/Sources/CYaml/include; do echo "-I $folder"; done)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for target in $targets; do
  mkdir "$work/$target" "$work/$target.docc"
  # shellcheck disable=SC2046,SC2086
  "$tools/swift-symbolgraph-extract" -module-name "$target" -I "$scratch/release/Modules" $includes \
    $(pkg-config --cflags-only-I hdf5 fftw3) -target "$(uname -m)-unknown-linux-gnu" \
    -minimum-access-level public -skip-inherited-docs -output-dir "$work/$target"
  # The README with the target as its title.
  sed "1s/.*/# \`\`$target\`\`/" "Sources/$target/README.md" >"$work/$target.docc/$target.md"
  "$tools/docc" convert "$work/$target.docc" --additional-symbol-graph-dir "$work/$target" \
    --fallback-display-name "$target" --fallback-bundle-identifier "bloch.$target" \
    --output-path "$work/$target.doccarchive" >"$work/$target.log" 2>&1 || fail "$(cat "$work/$target.log")"
  # Parameters that speak for themselves have no words.
  faults=$(awk '/^(warning|error): / { shown = !/is missing documentation$/ } shown' "$work/$target.log")
  [ -z "$faults" ] || fail "$faults"
done
rm -rf "$site"
"$tools/docc" merge "$work"/*.doccarchive --synthesized-landing-page-name Bloch --output-path "$site" >"$work/log"
echo "$site: python3 -m http.server -d $site, then http://localhost:8000/documentation"
