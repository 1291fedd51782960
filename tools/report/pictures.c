#include "tools/report/pictures.h"

#include "tools/report/forest.h"

const char *picture_caption(int picture) {
  if (picture > 0) return figure_kinds[picture - 1].caption;
  return "Final validation loss compared with the baseline: mean difference of runs with the same "
         "seed, with its 95 % interval. Blue: lower, orange: higher, grey: the difference may be "
         "chance.";
}

int picture_draw(const Comparison *c, int picture, FigureFormat format, int small, char **out,
                 size_t *size, Err *err) {
  int status = 0;
  *out = NULL;
  if (picture == 0) return forest_draw(c, format, out, size, err);
  Figure f = figure_kinds[picture - 1].make(c, figure_kinds[picture - 1].axis);
  if (format == FIGURE_CHARACTERS) figure_fit_terminal(&f);
  else if (small) f.width = 820, f.height = f.rows ? f.height : 560;
  if (figure_has_points(&f)) status = figure_draw(&f, format, out, size, err);
  figure_free(&f);
  return status;
}
