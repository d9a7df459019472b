#pragma once
// Debian keeps the headers of its serial build in a folder of their own, which no compiler searches by itself. Naming it here
// instead of asking pkg-config keeps programs that use `Tensor` alone free of warnings about a library they do not need.
#if __has_include(<hdf5/serial/hdf5.h>)
#include <hdf5/serial/hdf5.h>
#if H5_VERSION_GE(1, 14, 0)
#include <hdf5/serial/H5FDdevelop.h>
#endif
#else
#include <hdf5.h>
#if H5_VERSION_GE(1, 14, 0)
#include <H5FDdevelop.h>
#endif
#endif
