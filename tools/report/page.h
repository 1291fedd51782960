/* A comparison as one HTML page that needs nothing else: tables, figures as SVG inside it,
   settings, and the commands that repeat it. */
#ifndef TOOLS_REPORT_PAGE_H
#define TOOLS_REPORT_PAGE_H

#include "tools/report/comparison.h"

/* `command` is how the page is made again. A file that is not such a page is replaced only with
   `overwrite`. */
int page_write(const Comparison *c, const char *path, const char *command, int overwrite,
               Err *err);

#endif
