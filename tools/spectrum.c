/* spectrum: what orthogonalization does to singular values, in numbers and figures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/memory.h"
#include "run/program.h"
#include "tools/spectra/study.h"

static const Study *const studies[] = {&study_scale, &study_converge, &study_methods};
enum { STUDIES = sizeof studies / sizeof *studies };

static void help(FILE *out) {
  fprintf(out, "Shows what orthogonalization does to singular values.\n\n");
  for (int i = 0; i < STUDIES; i++)
    fprintf(out, "  tools/spectrum %-9s %s\n", studies[i]->name, studies[i]->summary);
  fprintf(out, "\nWrites tables as CSV and figures into --out. The singular values of a training\n"
               "run: ./train --log-spectrum 50, then tools/plot FOLDER --spectrum quantiles.\n\n");
  for (int i = 0; i < STUDIES; i++) {
    OptionSet set = {.title = studies[i]->name, .rows = studies[i]->options};
    options_help(out, &set);
    fputc('\n', out);
  }
  OptionSet common = {.title = "all of them", .rows = output_options};
  options_help(out, &common);
}

static const Study *find(const char *name, Err *err) {
  for (int i = 0; i < STUDIES; i++)
    if (strcmp(studies[i]->name, name) == 0) return studies[i];
  fail(err, "unknown study \"%s\": use scale, converge or methods; --help explains them", name);
  return NULL;
}

static int study(const Study *s, int argc, char **argv, Err *err) {
  Output output;
  void *options = memory_take(1, s->options_size);
  OptionSet sets[] = {{.title = s->name, .rows = s->options, .values = options},
                      {.title = "output", .rows = output_options, .values = &output},
                      {0}};
  int code = program_options(sets, argc, argv, err) ? EXIT_USAGE : EXIT_DONE;
  if (code == EXIT_DONE) {
    threads_start(0);
    if (s->run(options, &output, err)) code = EXIT_FAILED;
  }
  free(options);
  return code;
}

static int run(int argc, char **argv, Err *err) {
  const Study *s = NULL;
  if (argc < 2) fail(err, "name a study: scale, converge or methods; --help explains them");
  else s = find(argv[1], err);
  return s ? study(s, argc - 1, argv + 1, err) : EXIT_USAGE;
}

int main(int argc, char **argv) {
  const Program program = {.name = "spectrum", .help = help, .run = run, .computes = 1};
  return program_main(&program, argc, argv);
}
