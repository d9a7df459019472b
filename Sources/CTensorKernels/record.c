#include <stddef.h>

#include "CTensorKernels.h"

static _Thread_local void *waiting, *read_records;

void *tk_waiting_records(void) { return waiting; }
void tk_set_waiting_records(void *list) { waiting = list; }

void *tk_read_records(void) { return read_records; }
void tk_set_read_records(void *list) { read_records = list; }
