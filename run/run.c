#include "run/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "core/available.h"
#include "core/blas.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/int64.h"
#include "core/precision.h"
#include "core/quote.h"
#include "core/random.h"
#include "core/ranks.h"
#include "core/terminal.h"
#include "core/threads.h"
#include "optim/gradient.h"
#include "run/folder.h"
#include "run/info.h"
#include "run/lock.h"
#include "run/resume.h"
#include "run/sample.h"
#include "run/stop.h"

static const SampleOptions SAMPLE = {.tokens = 96, .temperature = 0.8, .top_p = 1};

/* Sets the weights of a new run. */
static int set_weights(Run *r, Err *err) {
  const Config *c = &r->config;
  Weights w;
  Err passed = {""};
  if (!*c->run.init) {
    gpt2_init(r->model, (uint64_t)c->run.seed);
    return 0;
  }
  if (checkpoint_weights(&w, c->run.init, &passed, err)) return -1;
  if (*passed.text)
    progress_say(&r->progress, "a newer checkpoint cannot be used: %s", passed.text);
  int status = weights_load(&w, r->model, err);
  weights_close(&w);
  return status;
}

/* Restores weights, state and position of a resumed run. */
static int restore(Run *r, Err *err) {
  const Checkpoint *from = r->config.from;
  r->step = from->step;
  r->seconds = from->seconds;
  if (resume_check_data(from, &r->config.data, r->fingerprint, err)) return -1;
  if (optimizer_gather(r->optimizer, 1, err)) return -1;
  int status = checkpoint_restore(from, r->model, r->optimizer, err);
  optimizer_scatter(r->optimizer, 1);
  if (status == 0) optimizer_weights(r->optimizer, 0); /* the file has the evaluated ones */
  return status;
}

/* Each rank, or each node of it, takes its own rows of the same batch. */
static int divide_batch(Run *r, Err *err) {
  const RunOptions *o = &r->config.run;
  int decentralized = r->config.method->decentralized;
  int64_t ranks = ranks_count(), parts = decentralized ? r->config.nodes.count : ranks;
  int64_t less = o->batch / parts * parts;
  if (parts % ranks)
    return fail(err, "--nodes %lld cannot be divided among %lld ranks: use as many ranks as nodes, "
                     "or a number that divides that of the nodes",
                (long long)parts, (long long)ranks);
  r->nodes_here = (int)(parts / ranks);
  if (o->batch % parts)
    return fail(err, "--batch %lld cannot be divided among %lld %s: use %lld or %lld",
                (long long)o->batch, (long long)parts, decentralized ? "nodes" : "ranks",
                (long long)(less ? less : parts), (long long)(less + parts));
  if (ranks > 1 && o->log_spectrum)
    return fail(err, "--log-spectrum needs the state of all matrices in one process: use one rank");
  if (decentralized && o->log_spectrum)
    return fail(err, "--log-spectrum measures one set of weights, but every node of %s has its own",
                r->config.method->name);
  r->rows = o->batch / parts;
  r->mean_rows = decentralized ? r->rows : o->batch;
  r->pass_rows = o->micro_batch ? i64_min(o->micro_batch, r->rows) : r->rows;
  return 0;
}

/* CRC-32 of the options that have an effect. */
static uint32_t options_sum(const Config *c) {
  char *text;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  options_write(out, c->sets);
  fclose(out);
  uint32_t sum = (uint32_t)crc32(0, (const Bytef *)text, (uInt)size);
  free(text);
  return sum;
}

static uint32_t weights_sum(const GPT2 *m) {
  uLong sum = 0;
  for (int i = 0; i < m->param_count; i++)
    if (m->params[i].w)
      sum = crc32_z(sum, (const Bytef *)m->params[i].w,
                    (size_t)param_size(&m->params[i]) * sizeof *m->params[i].w);
  return (uint32_t)sum;
}

/* Ranks with different options would wait for each other without end, and those with different data
   or weights would train another model. Called by all ranks. */
static int check_same_start(const Run *r, Err *err) {
  static const char *const kinds[] = {"with other options", "with other data", "at another step",
                                      "with other weights"};
  enum { KINDS = sizeof kinds / sizeof *kinds };
  if (ranks_count() == 1) return 0;
  const uint32_t own[KINDS] = {options_sum(&r->config), r->fingerprint, (uint32_t)r->step,
                               weights_sum(r->model)};
  uint32_t first[KINDS];
  memcpy(first, own, sizeof first);
  ranks_copy(first, sizeof first, 0);
  for (int i = 0; i < KINDS; i++) {
    int other = ranks_most(own[i] != first[i] ? rank_number() : 0);
    if (other)
      return fail(err, "rank %d starts %s than rank 0; give all ranks the same options and files",
                  other, kinds[i]);
  }
  return 0;
}

static int open_parts(Run *r, Err *err) {
  Config *c = &r->config;
  const char *limit;
  if (data_open(&r->data, &c->data, c->model.V, c->run.batch, c->model.context, err))
    return -1;
  c->model.V = data_vocab(r->data); /* only the data determines the number of characters */
  double available = memory_available("", &limit) / ranks_on_this_node();
  if (footprint_check(c, r->pass_rows, available, limit, err) ||
      footprint_plan(&r->memory, c, r->pass_rows, r->data, err) ||
      gpt2_open(&r->model, &c->model, r->pass_rows, 1, err))
    return -1;
  r->model->dropout_seed = (uint64_t)c->run.seed;
  r->fingerprint = data_fingerprint(r->data);
  if (!c->from && set_weights(r, err)) return -1;
  const Param *params = r->model->params;
  int count = r->model->param_count;
  if (c->method->decentralized) {
    if (nodes_open(&r->nodes, &c->nodes, params, count, err)) return -1;
    nodes_spread(r->nodes);
    params = r->nodes->params;
    count = r->nodes->param_count;
  }
  if (optimizer_open(&r->optimizer, c->method, c->method_options, &c->optimizer, params, count,
                     (uint64_t)c->run.seed, err))
    return -1;
  optimizer_add_nodes(r->optimizer, r->nodes);
  return (c->from && restore(r, err)) || check_same_start(r, err) ? -1 : 0;
}

/* A failure to set the link `latest` is reported once and is not an error. */
static void tell_latest(Run *r, const Err *note) {
  if (*note->text && !r->latest_told++) progress_say(&r->progress, "%s", note->text);
}

static int open_events(Run *r, Err *err) {
  int64_t first = r->step > 0 ? r->step + 1 : 0;
  if (!r->config.run.tensorboard) return 0;
  return events_open(&r->log.events, r->config.run.out, first, (double)time(NULL) - r->seconds,
                     err);
}

static int open_folder(Run *r, Err *err) {
  Config *c = &r->config;
  Err note = {""};
  if (folder_open(c, &r->lock, err)) return -1;
  if (!c->from)
    return checkpoint_remove_all(c->run.out, err) || spectrum_log_remove(c->run.out, err) ||
           events_remove(c->run.out, err) || folder_write_config(c, err) ||
           info_write(c, r->model, r->optimizer, r->data, &r->memory, err) ||
           log_open(&r->log, c->run.out, c->method->decentralized, err) || open_events(r, err);
  int status = log_resume(&r->log, c->run.out, c->from->log_bytes, c->from->step, err) ||
               checkpoint_make_newest(c->from, &note, err) ||
               log_cut(&r->log, c->from->log_bytes, err) || folder_write_config(c, err) ||
               info_write_resumed(c, err) || open_events(r, err);
  tell_latest(r, &note);
  return status;
}

/* Only rank 0 writes to the folder, after all have read their checkpoint. */
static int open_folder_once(Run *r, Err *err) {
  int failed = ranks_most(0);
  if (rank_number() == 0) failed = open_folder(r, err) != 0;
  failed = ranks_most(failed);
  ranks_copy(&r->log.step, sizeof r->log.step, 0);
  ranks_copy(&r->log.validated, sizeof r->log.validated, 0);
  if (rank_number() > 0 && !failed) failed = (r->log.file = fopen("/dev/null", "w")) == NULL;
  return failed ? -1 : 0;
}

/* Whether the row has the lowest validation loss of the run after a step. */
static int note_best(Run *r, const LogRow *row) {
  if (row->step == 0 || !(row->val_loss < r->best_loss)) return 0; /* also if it is NaN */
  r->best_loss = row->val_loss;
  r->best = row->step;
  return 1;
}

/* Lines for what is unusual. */
static void announce_remarks(Run *r, FILE *out) {
  const Config *c = &r->config;
  char line[3 * OPTION_TEXT];
  data_remark(r->data, line, sizeof line);
  if (*line) {
    fprintf(out, "remark: ");
    quote_terminal(out, line);
    fputc('\n', out);
  }
  if (*threads_note()) fprintf(out, "threads: %s\n", threads_note());
  if (!c->from) return;
  if (*c->from->damaged) {
    fprintf(out, "a newer checkpoint cannot be used: ");
    quote_terminal(out, c->from->damaged);
    fputc('\n', out);
  }
  fprintf(out, "continues after step %lld%s", (long long)r->step, *c->changes ? "; changed: " : "");
  quote_terminal(out, c->changes);
  fputc('\n', out);
  if (*c->extension) fprintf(out, "%s\n", c->extension);
}

/* Four lines; --verbose and info.txt have the rest. */
static void announce(Run *r) {
  const Config *c = &r->config;
  FILE *out = progress_text(&r->progress);
  char line[3 * OPTION_TEXT], weights[24], tokens[24];
  double epochs = (double)(c->run.steps * c->run.batch) / (double)data_epoch_rows(r->data);
  quote_terminal(out, c->run.out);
  info_precision(line, sizeof line, c);
  fprintf(out, ": %d thread%s, %s, %s\ndata: ", threads_count(), threads_count() == 1 ? "" : "s",
          blas_name(), line);
  data_summary(r->data, line, sizeof line);
  quote_terminal(out, line);
  word_at(MODEL_NAMES, c->model.model, line, sizeof line);
  fprintf(out,
          "\nmodel: %s, %lld layers, %lld heads, %lld channels, context %lld: %s weights, "
          "memory %.2g GB\n",
          line, (long long)c->model.L, (long long)c->model.NH, (long long)c->model.C,
          (long long)c->model.context, terminal_count((double)gpt2_weights(r->model), weights),
          footprint_total(&r->memory) / 1e9);
  fprintf(out, "%lld step%s of %s tokens: ", (long long)c->run.steps, c->run.steps == 1 ? "" : "s",
          terminal_count((double)(c->run.batch * c->model.context), tokens));
  fprintf(out, epochs < 10 ? "%.2g" : "%.0f", epochs);
  fprintf(out, " epochs; %s, %s\n", c->method->name, c->tuned);
  if (c->run.verbose) info_print_tables(out, c, r->model, r->optimizer, &r->memory);
  announce_remarks(r, out);
  progress_flush();
}

/* A resumed run knows its best validation loss from its log. */
static void find_best(Run *r) {
  LogRows rows;
  Err ignored;
  r->best = -1;
  r->best_loss = INFINITY;
  if (r->step > 0 && rank_number() == 0 && log_read(&rows, r->log.path, &ignored) == 0) {
    for (int i = 0; i < rows.count; i++) note_best(r, &rows.rows[i]);
    free(rows.rows);
  }
  ranks_copy(&r->best_loss, sizeof r->best_loss, 0); /* only rank 0 has the log */
}

int run_open(Run *r, Err *err) {
  Config *c = &r->config;
  char line[256];
  r->opened = clock_seconds();
  progress_open(&r->progress, (ProgressMode)c->run.progress);
  threads_start((int)c->run.threads);
  if (precision_start(err)) return -1;
  precision_set((Precision)c->run.precision);
  if (divide_batch(r, err) || folder_claim(c, &r->lock, err) || open_parts(r, err)) return -1;
  if (ranks_count() == 1) r->model->cancelled = stop_pending; /* ranks stop together */
  stop_catch(); /* before this a signal ends the program; nothing is lost */
  if (open_folder_once(r, err)) return -1;
  find_best(r);
  announce(r);
  checkpoint_close(c->from); /* its files are not needed any more */
  c->from = NULL;
  if (spectrum_log_open(&r->spectrum, c, r->optimizer, r->model->params, r->model->param_count,
                        r->step, r->log.events, err))
    return -1;
  if (r->spectrum) {
    spectrum_log_describe(r->spectrum, line, sizeof line);
    progress_say(&r->progress, "%s", line);
  }
  r->saved = clock_seconds();
  progress_start(&r->progress, r->step, c->run.steps, gpt2_train_flops(r->model, c->model.context));
  return 0;
}

void run_close(Run *r) {
  Err ignored;
  log_close(&r->log, &ignored);
  spectrum_log_close(r->spectrum, &ignored);
  optimizer_close(r->optimizer);
  nodes_close(r->nodes);
  gpt2_close(r->model);
  data_close(r->data);
  config_free(&r->config);
  lock_release(r->lock);
}

/* ---- a step ---- */

LogRow run_row(Run *r, int64_t t) {
  LogRow row = log_row(t, t * r->config.run.batch * r->config.model.context);
  threads_follow_load();
  r->model->times = (PassTimes){0};
  r->lap = clock_seconds();
  row.train_loss = 0;
  return row;
}

/* The gradients of parameters are one after another in memory; absent biases have none. */
static void sum_gradient(const Param *first, int count) {
  const Param *last = first + count - 1;
  while (count > 1 && !first->g) first++, count--;
  while (last > first && !last->g) last--;
  if (first->g) ranks_start_sum(first->g, last->g + param_size(last) - first->g);
}

int run_batch(Run *r, int64_t t, int node, int64_t first, Batch *batch, Err *err) {
  int64_t left = r->rows - first, rows = i64_min(r->pass_rows, left);
  int64_t before = (rank_number() * r->nodes_here + node) * r->rows; /* of ranks and their nodes */
  r->model->gradient_done = !r->nodes && rows == left && ranks_count() > 1 ? sum_gradient : NULL;
  if (r->nodes && first == 0) {
    if (node > 0) nodes_leave(r->nodes, node - 1);
    nodes_enter(r->nodes, node);
  }
  return data_batch(r->data, t - 1, before + first, rows, batch, err);
}

void run_gradient_done(Run *r, LogRow *row) {
  double waits = clock_seconds();
  ranks_wait();
  waits = clock_seconds() - waits;
  ranks_sum(&row->train_loss, 1);
  clock_lap(&r->lap, &r->seconds);
  row->forward_ms = 1e3 * pass_seconds(r->model->times.forward);
  row->backward_ms = 1e3 * (pass_seconds(r->model->times.backward) + waits);
  if (r->nodes) {
    nodes_leave(r->nodes, r->nodes_here - 1);
    row->grad_norm = nodes_track(r->nodes);
    return;
  }
  row->grad_norm = gradient_norm(r->model->params, r->model->param_count);
  ranks_copy(&row->grad_norm, sizeof row->grad_norm, 0); /* sums may be rounded differently */
}

void run_clip(Run *r, const LogRow *row) {
  double limit = r->config.run.clip;
  if (r->nodes) nodes_clip(r->nodes, limit);
  else gradient_clip(r->model->params, r->model->param_count, row->grad_norm, limit);
}

void run_step_done(Run *r, LogRow *row) {
  double seconds = 0;
  if (r->nodes) {
    nodes_mix(r->nodes);
    if (ranks_count() == 1) row->consensus_error = nodes_spacing(r->nodes);
  }
  clock_lap(&r->lap, &seconds);
  r->seconds += seconds;
  r->step = row->step;
  row->optimizer_ms = 1e3 * seconds;
  row->seconds = r->seconds;
  double step_seconds = (row->forward_ms + row->backward_ms + row->optimizer_ms) / 1e3;
  double tokens = (double)(r->config.run.batch * r->config.model.context);
  row->tokens_per_s = tokens / step_seconds;
}

static const Param *weights_not_finite(const Param *params, int count) {
  for (int i = 0; i < count; i++)
    for (int64_t j = 0; j < param_size(&params[i]); j++)
      if (!isfinite(params[i].w[j])) return &params[i];
  return NULL;
}

/* The message names the step and the first tensor that is not finite. Called by all ranks. */
static int diverged(const Run *r, const LogRow *row, Err *err) {
  const Param *params = r->nodes ? r->nodes->own : r->model->params;
  int count = r->model->param_count * r->nodes_here;
  const Param *w = weights_not_finite(params, count), *g = gradient_not_finite(params, count);
  char bad[80] = "loss only";
  if (w || g)
    snprintf(bad, sizeof bad, "%s of %s", w ? "weights" : "gradient", w ? w->name : g->name);
  int finder = ranks_most(w || g ? ranks_count() - rank_number() : 0); /* the lowest rank */
  if (finder) ranks_copy(bad, sizeof bad, ranks_count() - finder);
  return fail(err,
              "step %lld: diverged: train loss %g, %sgradient norm %g; first bad tensor: %s; "
              "try a smaller --lr, or --warmup",
              (long long)row->step, row->train_loss,
              isinf(row->val_loss) ? "validation loss not finite, " : "", row->grad_norm, bad);
}

/* A uniform guess has the loss ln V, and an untrained model is close to it. A large learning rate
   may raise the loss above 2 ln V for some steps. The run has diverged if the loss stays there for
   a tenth of the run without falling, or at the end of the run. */
static double lost(const Run *r) { return 2 * log((double)r->model->size.V); }

static int is_lost(Run *r, const LogRow *row) {
  const int64_t steps = r->config.run.steps;
  if (!(row->train_loss > lost(r))) {
    r->lost_since = 0;
    return 0;
  }
  if (r->lost_since == 0 || row->train_loss < r->lost_loss) {
    r->lost_since = row->step;
    r->lost_loss = row->train_loss;
  }
  int64_t patience = steps / 10 > 20 ? steps / 10 : 20;
  return row->step - r->lost_since >= patience;
}

static int exploded(const Run *r, const LogRow *row, const char *which, double loss, Err *err) {
  return fail(err,
              "step %lld: diverged: %s loss %g, above %.4g = 2 ln V (V = %lld tokens), where a "
              "uniform guess has ln V; try a smaller --lr, or --warmup",
              (long long)row->step, which, loss, lost(r), (long long)r->model->size.V);
}

int run_check_gradient(Run *r, const LogRow *row, Err *err) {
  if (!isfinite(row->train_loss) || !isfinite(row->grad_norm)) return diverged(r, row, err);
  int ends = row->step == r->config.run.steps && row->train_loss > lost(r);
  return ends || is_lost(r, row) ? exploded(r, row, "train", row->train_loss, err) : 0;
}

int run_check(Run *r, const LogRow *row, Err *err) {
  const GPT2 *m = r->model;
  if (r->nodes) nodes_mean(r->nodes);
  if (isinf(row->val_loss) || weights_not_finite(m->params, m->param_count))
    return diverged(r, row, err);
  int ends = row->step == r->config.run.steps && row->val_loss > lost(r);
  return ends ? exploded(r, row, "validation", row->val_loss, err) : 0;
}

static int validation_loss(Run *r, double *loss, Err *err) {
  const Config *c = &r->config;
  int64_t T = c->model.context, count = data_val_rows(r->data);
  int64_t wanted = c->run.val_tokens / T > 0 ? c->run.val_tokens / T : 1;
  if (count > wanted) count = wanted;
  *loss = 0;
  for (int64_t pass = 0; pass * ranks_count() * r->pass_rows < count && !stop_reason(); pass++) {
    int64_t first = (pass * ranks_count() + rank_number()) * r->pass_rows;
    int64_t rows = i64_min(r->pass_rows, count - first);
    Batch batch;
    if (rows <= 0) continue; /* other ranks have the last rows */
    if (data_val_batch(r->data, first, rows, &batch, err)) return -1;
    *loss += gpt2_loss(r->model, &batch) * (double)rows / (double)count;
  }
  ranks_sum(loss, 1);
  if (isnan(*loss)) *loss = INFINITY; /* NaN in a row means "not measured" */
  if (stop_reason()) *loss = NAN;
  return 0;
}

int run_validate(Run *r, LogRow *row, Err *err) {
  if (r->nodes) row->consensus_error = nodes_spacing(r->nodes);
  optimizer_weights(r->optimizer, 1);
  int status = validation_loss(r, &row->val_loss, err);
  optimizer_weights(r->optimizer, 0);
  return status;
}

int run_cut_short(const Run *r) { return r->model->cancelled && r->model->cancelled(); }

int run_is_late(const Run *r) {
  double limit = r->config.run.max_seconds;
  return limit > 0 && ranks_most(clock_seconds() - r->opened >= limit);
}

int run_save(Run *r, Err *err) {
  const RunOptions *o = &r->config.run;
  Snapshot of = {.sets = r->config.sets, .model = r->model, .optimizer = r->optimizer,
                 .tokenizer = data_tokenizer(r->data), .step = r->step, .batch = o->batch,
                 .seconds = r->seconds, .data_fingerprint = r->fingerprint,
                 .best = o->keep_best ? r->best : -1};
  Err note = {""};
  if (o->keep == 0) return 0;
  if (r->nodes) nodes_mean(r->nodes);
  optimizer_weights(r->optimizer, 1);
  if (optimizer_gather(r->optimizer, 0, err)) return -1;
  int failed = rank_number() == 0 && (log_sync(&r->log, &of.log_bytes, err) ||
                                      checkpoint_save(o->out, &of, o->keep, &note, err));
  optimizer_scatter(r->optimizer, 0);
  optimizer_weights(r->optimizer, 0);
  tell_latest(r, &note);
  r->saved = clock_seconds();
  return ranks_most(failed) ? -1 : 0;
}

int run_save_due(Run *r, const LogRow *row) {
  const RunOptions *o = &r->config.run;
  int is_best = note_best(r, row), requested = stop_save_requested();
  int late = o->save_minutes > 0 && clock_seconds() - r->saved >= 60 * o->save_minutes;
  return ranks_most((is_best && o->keep_best) || requested || late);
}

static int print_sample(Run *r, int64_t t, Err *err) {
  Random random = random_stream((uint64_t)r->config.run.seed, RANDOM_SAMPLE, 0, (uint32_t)t);
  FILE *out = progress_text(&r->progress);
  fprintf(out, "--- sample after step %lld ---\n", (long long)t);
  if (sample_text(r->model, data_tokenizer(r->data), &SAMPLE, &random, out, NULL, err)) return -1;
  fprintf(out, "\n---\n");
  progress_flush();
  return 0;
}

int run_sample(Run *r, int64_t t, Err *err) {
  if (r->nodes) nodes_mean(r->nodes);
  optimizer_weights(r->optimizer, 1);
  int status = rank_number() == 0 ? print_sample(r, t, err) : 0;
  optimizer_weights(r->optimizer, 0);
  return status;
}
