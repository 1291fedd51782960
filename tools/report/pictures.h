/* All pictures of a comparison: the forest plot, then the figures. */
#ifndef TOOLS_REPORT_PICTURES_H
#define TOOLS_REPORT_PICTURES_H

#include "tools/report/comparison.h"
#include "tools/report/figure.h"
#include "tools/report/figures.h"

#define PICTURE_NAMES "forest|" FIGURE_NAMES

/* The caption of a picture of PICTURE_NAMES, by its index. */
const char *picture_caption(int picture);

/* Draws it as figure_draw does, on a smaller area (with larger text) if `small`. *out is NULL if
   there is nothing to show. */
int picture_draw(const Comparison *c, int picture, FigureFormat format, int small, char **out,
                 size_t *size, Err *err);

#endif
