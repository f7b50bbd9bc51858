#!/bin/sh
# Builds the wheel once, then tests it on every installed CPython from 3.11 on, each in a fresh virtual environment
# under target/. A build without the GIL (3.14t) needs a separate wheel, and polars has no wheel for such builds. To
# select interpreters: `PYTHONS=python3.12 tests/python/run.sh [pytest arguments]`.
set -eu
cd "$(dirname "$0")/../.."

interpreters() {
    for version in 3 3.11 3.12 3.13 3.14 3.15 3.14t 3.15t; do
        command -v "python$version" || :
    done
    for python in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[1-9]*/bin/python; do
        [ -x "$python" ] && echo "$python"
    done
}

# Prints 3.13, or 3.14t for a build without the GIL. 3.13t is not tested: PyO3 does not support it.
version_of() {
    "$1" - <<'END'
import sys, sysconfig
version, free = sys.version_info[:2], bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
print("%d.%d" % version + "t" * free)
sys.exit(version < ((3, 14) if free else (3, 11)))
END
}

# One interpreter of each version. pyenv has shims for versions that are not installed, so the script starts each
# interpreter once.
if [ -z "${PYTHONS:-}" ]; then
    PYTHONS=
    seen=' '
    for python in $(interpreters); do
        version=$(version_of "$python" 2>/dev/null) || continue
        case $seen in *" $version "*) continue ;; esac
        seen="$seen$version "
        PYTHONS="$PYTHONS $python"
    done
fi
set -- "$@"
[ -n "$PYTHONS" ] || { echo "no CPython from 3.11 on was found" >&2; exit 1; }

rm -rf target/wheels
for python in $PYTHONS; do
    version=$(version_of "$python")
    venv="target/venv-$version"
    rm -rf "$venv"
    "$python" -m venv "$venv"
    pip="$venv/bin/python -m pip --disable-pip-version-check -q"
    case $version in
    *t) wheels="target/wheels/$version" without=polars ;;
    *) wheels=target/wheels/abi3 without='nothing' ;;
    esac
    grep -v "^$without==" tests/python/requirements.txt > "$venv/requirements.txt"
    $pip install -r "$venv/requirements.txt"
    # The abi3 wheel is for every version with the GIL, so the script builds this wheel only for the first version.
    [ -d "$wheels" ] || $pip wheel --no-deps -w "$wheels" .
    $pip install --no-index --no-deps "$wheels"/pep3118-*.whl
    "$venv/bin/python" -m pytest -n auto --dist worksteal "$@"
    "$venv/bin/python" -m mypy.stubtest pep3118 --allowlist tests/python/stubtest.txt
done
