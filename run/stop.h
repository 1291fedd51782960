/* Signals and limits that end a run. It stops within the current step and saves. */
#ifndef RUN_STOP_H
#define RUN_STOP_H

/* Ignores SIGPIPE (a closed standard output) and SIGXFSZ (the file size limit), so that they become
   write errors, for programs whose main output is files. */
void stop_ignore_broken_output(void);

/* After this call SIGUSR1 requests a checkpoint, and SIGINT, SIGTERM, SIGHUP (unless ignored, as
   under nohup) and SIGXCPU request a stop, with a message on stderr. A second SIGINT or SIGTERM
   ends the program at once. SIGXCPU comes up to 30 seconds before the limit on CPU time (ulimit
   -t), to leave time for saving. */
void stop_catch(void);

/* Whether a stop of this process was requested. */
int stop_pending(void);

/* Why the run must stop, as the beginning of a message; NULL if it need not. All ranks must call it
   together, and get the same answer. */
const char *stop_reason(void);

/* Whether a checkpoint was requested since the last call. */
int stop_save_requested(void);

#endif
