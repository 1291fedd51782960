/* The runs in folders and archives. */
#ifndef TOOLS_REPORT_RUNSET_H
#define TOOLS_REPORT_RUNSET_H

#include "run/runlog.h"

/* What the path of a run and its info.txt contain. In the folder of a sweep (which holds
   sweep.spec, or was given) the runs in tune/METHOD/ chose the rates, and those in final/METHOD/
   are judged. */
typedef struct {
  char method[128]; /* empty outside of a sweep */
  size_t sweep;     /* how many bytes of the run's path are the sweep's folder */
  int tuning;
  char *info;
} Origin;

typedef struct {
  RunLog *logs;    /* (count) */
  Origin *origins; /* (count) */
  int count;
  char **notes;    /* sentences about what was left out */
  int note_count;
  char spec[OPTION_TEXT]; /* path of the first sweep.spec met, or empty */
  char archives[OPTION_TEXT]; /* commands that unpack the archives, one a line, or empty */
} RunSet;

/* Reads the runs in each path: a run, a log file, a folder that has runs in it at any depth, or an
   archive of such a folder (.tar.gz, .tgz, .tar), which is unpacked with tar and read as if it were
   unpacked in its own folder. Runs that cannot be read are left out and named in the notes. Errors:
   no such path; an archive that cannot be unpacked; no run in any of the paths. */
int runset_read(RunSet *set, char *const *paths, int count, Err *err);
void runset_free(RunSet *set);

/* Adds a sentence to the notes. */
void runset_note(RunSet *set, const char *text);

/* Whether two runs are of the same sweep. */
int runset_same_sweep(const RunSet *set, int a, int b);

/* The last loss of a run that has not ended, and where it is: "3.7412 at step 23 of 3000"; with
   "training loss" before it unless the run was validated at a later step than 0. */
void run_last_value(const RunLog *log, char *out, size_t size);

#endif
