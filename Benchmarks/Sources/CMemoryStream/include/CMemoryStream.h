#pragma once
#include <stdint.h>

// Reads elements [begin, end) of some arrays once and writes their sum to others; returns what keeps the reads alive.
float memory_stream(int reads, float *const *from, int writes, float *const *to, int64_t begin, int64_t end);
