// What the record of operations keeps for each thread.
#pragma once

// The list that takes what disappearing nodes refer to, while the calling thread lets go of records; NULL at other times.
void *tk_waiting_records(void);
void tk_set_waiting_records(void *list);

// The list of recorded tensors whose elements the calling thread reads, while it runs a derivative that a user wrote and
// that is itself recorded; NULL at other times.
void *tk_read_records(void);
void tk_set_read_records(void *list);
