// Counts what malloc has given out in this process, and names the case at hand when the process dies.
#pragma once
#include <stddef.h>

// Starts a new measurement of meter_peak().
void meter_reset(void);
// The most bytes that were allocated at once since meter_reset(), above what was allocated then.
size_t meter_peak(void);
// Whether allocations are counted on this system.
int meter_counts(void);

// What is written to standard error when a signal such as SIGSEGV, SIGILL or SIGABRT ends the process.
void meter_set_case(const char *text);
// Installs the signal handlers; an alarm after `seconds` without meter_set_case() counts as a hang.
void meter_watch(unsigned seconds);
