"""Arithmetic of training on a CPU: a few hundred lines of C++, compiled for the machine once, called by ctypes."""
