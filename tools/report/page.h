/* A comparison as one HTML page that loads nothing else: tables that can be sorted, figures as SVG
   inside it, settings, and the commands that repeat it. */
#ifndef TOOLS_REPORT_PAGE_H
#define TOOLS_REPORT_PAGE_H

#include "tools/report/comparison.h"

/* `command` repeats the page; a browser reloads it every `refresh` seconds (0: never). A file that
   is not such a page is replaced only with `overwrite`. */
int page_write(const Comparison *c, const char *path, const char *command, int refresh,
               int overwrite, Err *err);

#endif
