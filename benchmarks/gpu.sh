#!/usr/bin/env bash
# What a machine with an NVIDIA GPU says of the CuPy backend: conformance (full tier), unit tests, and times beside
# PyTorch and JAX. Writes docs/reports/gpu-<device>.md and .json. Arguments go to benchmarks/gpu_report.py, which
# `--help` explains. From a fresh clone; it makes a virtual environment of its own in .venv-gpu.
set -euo pipefail
cd "$(dirname "$0")/.."

refuse() {
    echo "benchmarks/gpu.sh: $1" >&2
    exit 2
}

command -v nvidia-smi >/dev/null || refuse "there is no CUDA here: nvidia-smi, which comes with NVIDIA's driver, is not found"
devices=$(nvidia-smi --list-gpus 2>/dev/null) || refuse "there is no CUDA here: nvidia-smi reaches no driver"
[ -n "$devices" ] || refuse "there is no CUDA here: nvidia-smi lists no GPU"
cuda=$(nvidia-smi | sed -n 's/.*CUDA Version: *\([0-9][0-9]*\).*/\1/p' | head -n 1)
case "$cuda" in
    12 | 13) ;;
    "") refuse "nvidia-smi does not say which CUDA its driver supports" ;;
    *) [ "$cuda" -gt 13 ] || refuse "the driver supports CUDA $cuda; CuPy and JAX need 12 or 13"; cuda=13 ;;
esac
echo "$devices"

if [ ! -x .venv-gpu/bin/python ]; then
    "${PYTHON:-python3}" -m venv .venv-gpu
fi
python=.venv-gpu/bin/python
"$python" -m pip install --quiet --upgrade pip
# Not the extra `test`: it brings the CuPy of CUDA 13, and two of them shadow each other.
"$python" -m pip install --quiet -e ".[cupy$cuda,conformance,oracle]" "jax[cuda$cuda]>=0.10" \
    "pytest>=8.2" "pytest-xdist>=3.7" "hypothesis>=6.100" "array-api-strict>=2.3"
exec "$python" benchmarks/gpu_report.py "$@"
