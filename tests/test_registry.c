/* What a method needs besides its file: a unique name, a reference, tuned settings, a look and
   documentation. `test_registry NAME` is about one method. Run from the project's root. */
#include "optim/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "run/tuned.h"
#include "tests/check.h"
#include "tools/report/palette.h"

static Err err;

static void test_name(const Optimizer *o) {
  for (const Optimizer *const *p = optimizers; *p; p++)
    check(*p == o || strcmp((*p)->name, o->name) != 0,
          "%s: two methods have this .name, and only the first can be used", o->name);
  check(strspn(o->name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(o->name),
        "%s: .name may have small letters, digits and \"-\"", o->name);
  check(!o->like || optimizer_find(o->like, &err), "%s: .like = \"%s\" is not a method", o->name,
        o->like ? o->like : "");
}

/* Whether the file has the name in backquotes. */
static int documents(const char *path, const char *name) {
  char *text, word[80];
  size_t size;
  snprintf(word, sizeof word, "`%s`", name);
  if (file_read(path, &text, &size, &err)) return 0;
  int found = strstr(text, word) != NULL;
  free(text);
  return found;
}

static void test_complete(const Optimizer *o) {
  char path[128];
  snprintf(path, sizeof path, "tests/golden/%s.txt.gz", o->name);
  check(file_exists(path), "%s: no reference: add its equations to tests/reference.py, which then "
        "makes %s", o->name, path);
  check(tuned_settings(o->name, "nano") || o->like, "%s: no tuned settings: add a row for nano to "
        "run/tuned.c, or set .like to a related method until then", o->name);
  check(!palette_is_own(o->name), "%s: no colour: add a row to tools/report/palette.c", o->name);
  check(documents("docs/optimizers.md", o->name),
        "%s: no documentation: describe `%s` in docs/optimizers.md", o->name, o->name);
}

int main(int argc, char **argv) {
  if (argc > 1 && !optimizer_find(argv[1], &err)) {
    check(0, "%s: not in the list in optim/registry.c: %s", argv[1], err.text);
    return check_report("registry");
  }
  for (const Optimizer *const *o = optimizers; *o; o++) {
    if (argc > 1 && strcmp((*o)->name, argv[1]) != 0) continue;
    test_name(*o);
    test_complete(*o);
  }
  return check_report("registry");
}
