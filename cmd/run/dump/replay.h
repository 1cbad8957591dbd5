#ifndef IMQ_REPLAY_H
#define IMQ_REPLAY_H

#include "dump.h"

/* Sends the selected records, or of them those of COMMAND (.at NULL: all), to a new process of WORDS, and waits for its end. What an imq
 * command rejects again is appended to AGAIN, as lines of a file of rejects. False: PROBLEM; nobody knows what became of the records. */
bool replay(struct dump *d, char *const *words, struct text command, struct buf *again, struct problem *problem);
/* Appends RECORD, which is JSON, without line feeds in it, and one behind it. */
void put_in_one_line(struct buf *out, struct text record);

#endif
