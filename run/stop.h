/* Signals and limits that end a run: it stops after the pass that it is in, and saves. */
#ifndef RUN_STOP_H
#define RUN_STOP_H

/* For a program whose output is more than what it prints: a standard output that nobody reads
   (SIGPIPE) and the largest size of a file (SIGXFSZ) become errors of a write. */
void stop_ignore_broken_output(void);

/* From here on SIGINT, SIGTERM, SIGHUP (unless it is ignored, as under nohup) and SIGXCPU ask for a
   stop. The first is answered at once, on stderr. A second SIGINT or SIGTERM ends the program at
   once. SIGXCPU comes somewhat before the limit on CPU time (ulimit -t), to leave time to save. */
void stop_catch(void);

/* Why the run has to stop, as the beginning of a sentence; NULL as long as it does not. */
const char *stop_reason(void);

#endif
