/* The main of a program that is a list of studies (tools/spectra/study.h): help, options, tables on
   the terminal, files. */
#ifndef TOOLS_SPECTRA_FRAME_H
#define TOOLS_SPECTRA_FRAME_H

#include "tools/spectra/study.h"

typedef struct {
  const char *name;           /* also of the folder in report/ for its files */
  const char *summary;        /* first line of the help */
  const char *about;          /* text of the help before the options */
  const Study *const *studies; /* ends with NULL */
} StudyProgram;

/* PROGRAM STUDY --option ...: runs a study, and returns the exit code of the program. */
int studies_main(const StudyProgram *studies, int argc, char **argv);

#endif
