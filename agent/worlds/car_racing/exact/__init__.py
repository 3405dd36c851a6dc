"""CarRacing-v3 anew, to the bit and to the pixel; knows numpy and numba alone."""
