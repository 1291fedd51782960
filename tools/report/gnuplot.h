/* Runs gnuplot on a script. What it draws comes back as memory, so that no file name ever has to
   be quoted for it and a figure is written whole or not at all. */
#ifndef TOOLS_REPORT_GNUPLOT_H
#define TOOLS_REPORT_GNUPLOT_H

#include <stdio.h>

#include "core/error.h"

/* Runs the script of `size` bytes; the picture is in *out (freed by the caller, a zero byte after
   its end). Errors: gnuplot is not installed; it complains. */
int gnuplot_run(const char *script, size_t size, char **out, size_t *out_size, Err *err);

#endif
