"""CUDA devices of this machine, asked of its driver: loading torch takes seconds."""

from __future__ import annotations

DRIVER = "libcuda.so.1"  # torch has CUDA on Linux alone, of the systems that this runs on
NO_CUDA = "--device 'cuda' is not available here; give --device cpu or auto"
NO_MIXED_PRECISION = "--mixed-precision needs CUDA, and the network would train on a CPU; drop it"


def can_have_cuda() -> bool:
    """False if torch is certain to find no CUDA device here."""
    import ctypes  # only where CUDA is asked for, as the next
    from importlib import metadata

    try:
        version = metadata.version("torch")
    except metadata.PackageNotFoundError:
        return False
    if "+rocm" in version:  # whose devices torch calls CUDA as well
        return True
    try:
        driver = ctypes.CDLL(DRIVER)
        count = ctypes.c_int(0)
        failed = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    except (OSError, AttributeError):
        return False
    return not failed and count.value > 0
