// SIMD inner loops over contiguous rows. Shapes, strides, threads and gradients are Swift's business.
#pragma once
#include "tk_complex.h"
#include "tk_convert.h"
#include "tk_elementwise.h"
#include "tk_fft.h"
#include "tk_fused.h"
#include "tk_record.h"
#include "tk_resample.h"
#include "tk_runtime.h"
#include "tk_selection.h"
#include "tk_windows.h"
