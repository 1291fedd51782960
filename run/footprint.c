#include "run/footprint.h"

#include "core/ranks.h"
#include "run/spectrum_log.h"

int footprint_plan(Footprint *f, const Config *c, int64_t rows, const Data *data, Err *err) {
  GPT2 *m;
  if (gpt2_plan(&m, &c->model, rows, 1, err)) return -1;
  OptimizerState *o = optimizer_plan(c->method, c->method_options, &c->optimizer, m->params,
                                     m->param_count, (uint64_t)c->run.seed);
  int own = c->method->decentralized, first = rank_number() == 0, several = ranks_count() > 1;
  double copies = own ? (double)c->nodes.count / ranks_count() : 1;
  double saved = own && several
                     ? first * ((double)c->nodes.count * (double)optimizer_state_bytes(o) +
                                (double)nodes_gathered_bytes(&c->nodes, m->params, m->param_count))
                     : several ? (double)optimizer_state_bytes(o) : 0;
  *f = (Footprint){.weights = (double)m->weight_bytes, .gradients = (double)m->weight_bytes,
                   .activations = (double)m->activation_bytes,
                   .state = optimizer_share(o, own ? 0 : rank_number()).state_bytes * copies,
                   .work = (double)optimizer_scratch_bytes(o),
                   .gathered = saved,
                   .nodes = own ? (double)nodes_bytes(&c->nodes, m->params, m->param_count) : 0,
                   .spectrum = (double)spectrum_log_bytes(c, o, m->params, m->param_count),
                   .data = data ? (double)data_bytes(data) : 0};
  optimizer_close(o);
  gpt2_close(m);
  return 0;
}

double footprint_total(const Footprint *f) {
  return f->weights + f->gradients + f->activations + f->state + f->work + f->gathered +
         f->nodes + f->spectrum + f->data;
}

/* The largest number of sequences per pass, a power of two below `rows`, that fits; 0 if none. */
static int64_t fitting_rows(const Config *c, int64_t rows, double available) {
  int64_t most = 1;
  Footprint f;
  Err ignored;
  while (2 * most < rows) most *= 2;
  for (; most > 0; most /= 2)
    if (most < rows && footprint_plan(&f, c, most, NULL, &ignored) == 0 &&
        footprint_total(&f) <= available)
      return most;
  return 0;
}

int footprint_check(const Config *c, int64_t rows, double available, const char *limit, Err *err) {
  Footprint f, least;
  if (footprint_plan(&f, c, rows, NULL, err)) return -1;
  if (footprint_total(&f) <= available) return 0;
  int64_t fits = fitting_rows(c, rows, available);
  char advice[160];
  if (fits) {
    snprintf(advice, sizeof advice, "use --micro-batch %lld", (long long)fits);
  } else {
    footprint_plan(&least, c, 1, NULL, err);
    snprintf(advice, sizeof advice,
             "--micro-batch 1 needs %.2f GB: use a smaller model, --context or --vocab",
             footprint_total(&least) / 1e9);
  }
  return fail(err,
              "not enough memory: the run needs %.2f GB (weights and gradients %.2f, activations "
              "%.2f, optimizer %.2f), but only %.2f GB are free (%s); %s",
              footprint_total(&f) / 1e9, (f.weights + f.gradients) / 1e9, f.activations / 1e9,
              (f.state + f.work + f.gathered) / 1e9, available / 1e9, limit, advice);
}

void footprint_print(FILE *out, const Footprint *f) {
  fprintf(out,
          "memory in MB: weights %.1f, gradients %.1f, activations %.1f, optimizer state %.1f, "
          "workspace %.1f, ",
          f->weights / 1e6, f->gradients / 1e6, f->activations / 1e6, f->state / 1e6,
          f->work / 1e6);
  if (f->gathered > 0) fprintf(out, "state of all ranks (to save) %.1f, ", f->gathered / 1e6);
  if (f->nodes > 0) fprintf(out, "nodes %.1f, ", f->nodes / 1e6);
  if (f->spectrum > 0) fprintf(out, "spectrum.csv %.1f, ", f->spectrum / 1e6);
  fprintf(out, "data %.1f, total %.1f\n", f->data / 1e6, footprint_total(f) / 1e6);
}

void footprint_list_models(FILE *out) {
  fprintf(out, "\nModels (--model), and the memory that they need with adamw:\n");
  for (const ModelPreset *p = model_presets; p->name; p++) {
    char program[] = "train", option[] = "--model", name[64], *argv[] = {program, option, name};
    Config c;
    Footprint f;
    Err ignored;
    snprintf(name, sizeof name, "%s", p->name);
    help_text(out, p->about, fprintf(out, "  %s", p->name), 19);
    help_text(out, p->settings, 0, 21);
    if (config_read(&c, 3, argv, &ignored)) continue;
    if (footprint_plan(&f, &c, c.run.batch, NULL, &ignored) == 0) {
      double all = footprint_total(&f) / 1e9;
      fprintf(out, "%21smemory %.2g GB", "", all);
      if (footprint_plan(&f, &c, 1, NULL, &ignored) == 0)
        fprintf(out, ", with --micro-batch 1 %.2g GB", footprint_total(&f) / 1e9);
      fputc('\n', out);
    }
    config_free(&c);
  }
}
