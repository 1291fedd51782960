#include "tools/spectra/shape.h"

#include <stdlib.h>

#include "core/option.h"
#include "optim/parts/polynomials.h"

enum { SIDE_MAX = 16384 };

static int bad(const char *text, Err *err) {
  return fail(err, "\"%s\" is not a list of shapes: ROWSxCOLUMNS, each side 2 to %d, with commas "
                   "between, as 768x768,3072x768", text, SIDE_MAX);
}

int read_shapes(const char *text, int64_t *rows, int64_t *cols, int room, Err *err) {
  int count = 0;
  for (const char *at = text; *at; count++) {
    char *x, *end;
    long long r = strtoll(at, &x, 10);
    if (x == at || *x != 'x') return bad(text, err);
    long long c = strtoll(x + 1, &end, 10);
    if (end == x + 1 || (*end && *end != ',')) return bad(text, err);
    if (r < 2 || c < 2 || r > SIDE_MAX || c > SIDE_MAX) return bad(text, err);
    if (count == room) return fail(err, "%s: at most %d shapes", text, room);
    rows[count] = r;
    cols[count] = c;
    at = *end ? end + 1 : end;
  }
  return count > 0 ? count : bad(text, err);
}

int schedule_count(void) { return NS_SCHEDULE_COUNT; }

const char *schedule_name(int schedule) {
  static char name[32];
  word_at(NS_SCHEDULE_NAMES, schedule, name, sizeof name);
  return name;
}
