#include "run/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/map.h"
#include "core/quote.h"
#include "core/ranks.h"
#include "core/startup.h"

static const char *program_name;

/* If descriptor 0, 1 or 2 were closed, the next file opened would get its number, and printed text
   would go into that file. */
static void open_standard_streams(void) {
  int file;
  do file = open("/dev/null", O_RDWR);
  while (file >= 0 && file <= STDERR_FILENO);
  if (file >= 0) close(file);
}

static void write_error(const char *text) {
  ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
  (void)ignored;
}

/* SIGBUS: a mapped file became shorter. Calls only async-signal-safe functions. */
static void say_bus_error(int number, siginfo_t *info, void *context) {
  const char *path = map_path_at(info->si_addr);
  (void)context;
  signal(number, SIG_DFL);
  if (!path) return; /* the signal is raised again and ends the program */
  write_error(program_name);
  write_error(": ");
  write_error(path);
  write_error(": cannot be read: the file became shorter after it was opened, or its disk "
              "failed; restore it and start again\n");
  _exit(EXIT_FAILED);
}

static void catch_bus_error(void) {
  struct sigaction action = {.sa_sigaction = say_bus_error, .sa_flags = SA_SIGINFO};
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, NULL);
}

/* The line is written at once, so that lines of several processes do not mix. */
void program_error(const char *name, const char *sentence) {
  char *line = NULL;
  size_t size;
  FILE *memory = open_memstream(&line, &size);
  if (!memory) return;
  fprintf(memory, "%s: ", name);
  quote_terminal(memory, sentence);
  fputc('\n', memory);
  if (fclose(memory) == 0) write_error(line);
  free(line);
}

static int asks_help(int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return 1;
  return 0;
}

static int run(const Program *p, int argc, char **argv, Err *err) {
  if (p->ranks && ranks_start(err)) return EXIT_FAILED;
  if (rank_number() > 0 && !freopen("/dev/null", "w", stdout))
    return fail(err, "/dev/null cannot be written") ? EXIT_FAILED : EXIT_DONE;
  if (*startup_warning() && rank_number() == 0) program_error(p->name, startup_warning());
  return p->run(argc, argv, err);
}

/* An error of all ranks is printed by rank 0. If only some ranks fail, each prints its own and ends
   all. */
static void print_result(const Program *p, int code, const Err *err) {
  int failed = code == EXIT_FAILED || code == EXIT_USAGE, first = rank_number() == 0;
  char name[64];
  snprintf(name, sizeof name, ranks_count() > 1 ? "%s: rank %d" : "%s", p->name, rank_number());
  if (first && *err->text) program_error(p->name, err->text);
  if (!failed || ranks_all_failed(3)) return;
  if (!first && *err->text) program_error(name, err->text);
  fflush(NULL);
  ranks_abort(code);
}

int program_main(const Program *p, int argc, char **argv) {
  Err err = {""};
  int code = EXIT_DONE;
  program_name = p->name;
  open_standard_streams();
  catch_bus_error();
  if (p->help && asks_help(argc, argv)) p->help(stdout);
  else if (p->computes && startup(argv, &err)) code = EXIT_FAILED;
  else code = run(p, argc, argv, &err);
  if (code != EXIT_DONE) print_result(p, code, &err);
  if (p->ranks) ranks_end();
  errno = 0;
  if (fflush(stdout) == 0 && !ferror(stdout)) return code;
  fail(&err, "standard output cannot be written: %s", errno ? strerror(errno) : "output was lost");
  program_error(p->name, err.text);
  return code == EXIT_DONE ? EXIT_FAILED : code;
}

int program_words(int *argc, char **argv, char **words) {
  int count = 0, kept = 1;
  for (int i = 1; i < *argc; i++) {
    if (argv[i][0] != '-' && argv[i][0] != '@') {
      words[count++] = argv[i];
      continue;
    }
    int value_follows = strncmp(argv[i], "--", 2) == 0 && !strchr(argv[i], '=');
    argv[kept++] = argv[i];
    if (value_follows && i + 1 < *argc) argv[kept++] = argv[++i];
  }
  *argc = kept;
  return count;
}

int program_options(const OptionSet *sets, int argc, char **argv, Err *err) {
  Settings settings = {0};
  int status = settings_read(&settings, argc, argv, err) ||
               options_apply(sets, NULL, &settings, err) ? -1 : 0;
  settings_free(&settings);
  return status;
}

int program_check_free(const char *path, int overwrite, Err *err) {
  if (overwrite || !file_taken(path)) return 0;
  return fail(err, "%s: already exists; choose another name or use --overwrite on", path);
}

/* Whether the file begins with these bytes. */
static int begins_with(const char *path, const void *bytes, size_t size) {
  char start[256];
  FILE *file = size > 0 && size <= sizeof start ? fopen(path, "rb") : NULL;
  int same = file && fread(start, 1, size, file) == size && memcmp(start, bytes, size) == 0;
  if (file) fclose(file);
  return same;
}

int program_replace(const char *path, const void *data, size_t size, size_t sign, int overwrite,
                    Err *err) {
  int own = sign <= size && begins_with(path, data, sign);
  if (!own && program_check_free(path, overwrite, err)) return -1;
  return file_write(path, data, size, err);
}
