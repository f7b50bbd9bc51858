#!/bin/sh
# Builds the wheel once, then tests it on every CPython from 3.11 on that is installed, each in a fresh
# virtual environment under target/. `PYTHONS=python3.12 tests/python/run.sh [pytest arguments]` chooses.
set -eu
cd "$(dirname "$0")/../.."

interpreters() {
    for version in 3 3.11 3.12 3.13 3.14; do
        command -v "python$version" || :
    done
    for python in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[1-9]*/bin/python; do
        [ -x "$python" ] && echo "$python"
    done
}

# One interpreter of each version; pyenv's shims are there for versions that are not, so each is tried.
if [ -z "${PYTHONS:-}" ]; then
    PYTHONS=
    seen=' '
    for python in $(interpreters); do
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2]); sys.exit(sys.version_info < (3, 11))' 2>/dev/null) || continue
        case $seen in *" $version "*) continue ;; esac
        seen="$seen$version "
        PYTHONS="$PYTHONS $python"
    done
fi
set -- "$@"
[ -n "$PYTHONS" ] || { echo "no CPython from 3.11 on was found" >&2; exit 1; }

rm -rf target/wheels
for python in $PYTHONS; do
    venv="target/venv-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
    rm -rf "$venv"
    "$python" -m venv "$venv"
    pip="$venv/bin/python -m pip --disable-pip-version-check -q"
    $pip install -r tests/python/requirements.txt
    # The wheel is for every version, so the first one builds it.
    [ -d target/wheels ] || $pip wheel --no-deps -w target/wheels .
    $pip install --no-index --no-deps target/wheels/pep3118-*.whl
    "$venv/bin/python" -m pytest "$@"
    "$venv/bin/python" -m mypy.stubtest pep3118 --allowlist tests/python/stubtest.txt
done
