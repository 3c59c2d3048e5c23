#!/bin/sh
# Runs its arguments with a Python that can set this program up: 3.11 or later, with venv.
# Plain sh, so that an old Python, or none, gets a sentence in place of a syntax error.
# PYTHON=… names the one to use; otherwise the first good one on the PATH is taken.

too_old=
without_venv=

try() {
    found=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || return
    if ! "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        too_old="${too_old:+$too_old, }$1 is $found"
    elif ! "$1" -c 'import ensurepip, venv' 2>/dev/null; then
        without_venv=${without_venv:-$found}
    else
        chosen=$1
    fi
}

chosen=
if [ -n "$PYTHON" ]; then
    try "$PYTHON"
else
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        [ -n "$chosen" ] || try "$name"
    done
fi

if [ -n "$chosen" ]; then
    exec "$chosen" "$@"
elif [ -n "$without_venv" ]; then
    echo "Python $without_venv has no venv module here. Install it (Debian, Ubuntu: apt install python$without_venv-venv) and try again." >&2
elif [ -n "$too_old" ]; then
    echo "Python 3.11 or later is needed, and was not found ($too_old)." >&2
else
    echo "Python 3.11 or later is needed, and none was found${PYTHON:+ as PYTHON=$PYTHON}." >&2
fi
exit 1
