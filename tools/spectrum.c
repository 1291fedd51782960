/* spectrum: what orthogonalization does to singular values, in numbers and figures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/startup.h"
#include "tools/spectra/study.h"

enum { DONE = 0, FAILED = 1, USAGE = 2 };

static const Study *const studies[] = {&study_scale, &study_converge, &study_methods};
enum { STUDIES = sizeof studies / sizeof *studies };

static void help(FILE *out) {
  fprintf(out, "Shows what orthogonalization does to singular values.\n\n");
  for (int i = 0; i < STUDIES; i++)
    fprintf(out, "  tools/spectrum %-9s %s\n", studies[i]->name, studies[i]->summary);
  fprintf(out, "\nWrites tables as CSV and figures into --out. The singular values of a training\n"
               "run: ./train --log-spectrum 50, then tools/plot FOLDER --spectrum quantiles.\n\n");
  for (int i = 0; i < STUDIES; i++) {
    OptionSet set = {studies[i]->name, studies[i]->options, NULL};
    options_help(out, &set);
    fputc('\n', out);
  }
  OptionSet common = {"all of them", output_options, NULL};
  options_help(out, &common);
}

static const Study *find(const char *name, Err *err) {
  for (int i = 0; i < STUDIES; i++)
    if (strcmp(studies[i]->name, name) == 0) return studies[i];
  fail(err, "\"%s\" is none of scale, converge, methods; --help explains them", name);
  return NULL;
}

/* `program` has the whole command line. */
static int study(const Study *s, int argc, char **argv, char **program, Err *err) {
  Output output;
  Settings settings = {0};
  void *options = calloc(1, s->options_size);
  OptionSet sets[] = {{s->name, s->options, options}, {"output", output_options, &output},
                      {NULL, NULL, NULL}};
  int code = settings_read(&settings, argc, argv, err) ||
             options_apply(sets, NULL, &settings, err) ? USAGE : DONE;
  settings_free(&settings);
  if (code == DONE && startup(program, err)) code = FAILED;
  if (code == DONE) {
    if (*startup_warning()) fprintf(stderr, "spectrum: %s\n", startup_warning());
    threads_start(0);
    if (s->run(options, &output, err)) code = FAILED;
  }
  free(options);
  return code;
}

int main(int argc, char **argv) {
  Err err;
  int code = USAGE;
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
      help(stdout);
      return DONE;
    }
  const Study *s = NULL;
  if (argc < 2) fail(&err, "name a study: scale, converge or methods; --help explains them");
  else s = find(argv[1], &err);
  if (s) code = study(s, argc - 1, argv + 1, argv, &err);
  if (code != DONE) fprintf(stderr, "spectrum: %s\n", err.text);
  return code;
}
