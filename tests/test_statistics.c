/* The arithmetic of comparisons on cases that can be checked by hand. Tests: core/quantile run/log
   run/runlog */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/quantile.h"
#include "tests/check.h"
#include "tools/report/comparison.h"
#include "tools/report/statistics.h"

static void test_summaries(void) {
  const double four[] = {1, 2, 3, 6}, one[] = {7}, gaps[] = {NAN, 4, NAN, 8}, tied[] = {5, 5, 5};
  Summary s = summarize(four, 4); /* mean 3; squares 4 + 1 + 0 + 9 = 14; sd = sqrt(14/3) */
  check(s.n == 4, "four values are %d", s.n);
  check_near(s.mean, 3, 1e-15, "mean of 1 2 3 6");
  check_near(s.sd, 2.160246899469287, 1e-14, "sd of 1 2 3 6");
  check_near(s.half, 3.182446305284263 * 2.160246899469287 / 2, 1e-9, "t-interval of 1 2 3 6");
  s = summarize(one, 1);
  check(s.n == 1 && s.mean == 7 && isnan(s.sd) && isnan(s.half), "one value has no spread");
  s = summarize(one, 0);
  check(s.n == 0 && isnan(s.mean) && isnan(s.sd), "no value has no mean");
  s = summarize(gaps, 4);
  check(s.n == 2 && s.mean == 6, "missing values are left out: n %d, mean %g", s.n, s.mean);
  check_near(s.sd, sqrt(8), 1e-15, "sd of 4 8");
  check_near(s.half, 12.706204736174694 * 2, 1e-9, "t-interval of 4 8: 12.7062 sqrt(8)/sqrt(2)");
  s = summarize(tied, 3);
  check(s.mean == 5 && s.sd == 0 && s.half == 0, "ties have no spread");
}

static void test_pairs(void) {
  const double a[] = {3.1, 3.3, NAN, 3.0}, b[] = {3.0, 3.1, 3.0, NAN};
  Summary s = summarize_paired(a, b, 4); /* differences 0.1 and 0.2 */
  check(s.n == 2, "two pairs are whole, not %d", s.n);
  check_near(s.mean, 0.15, 1e-12, "mean difference");
  check_near(s.sd, 0.07071067811865475, 1e-12, "sd of the differences");
  check_near(s.half, 12.706204736174694 * 0.05, 1e-9, "its interval");
  s = summarize_paired(a, b + 2, 1);
  check(s.n == 1 && isnan(s.half), "one pair has no interval");
}

static void test_t(void) {
  /* Tables of Student's t, two-sided 95 %. */
  const struct {
    int freedom;
    double t;
  } rows[] = {{1, 12.706204736}, {2, 4.302652730}, {3, 3.182446305}, {4, 2.776445105},
              {5, 2.570581836},  {9, 2.262157163}, {30, 2.042272456}, {120, 1.979930405}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    check_near(t_quantile(rows[i].freedom, 0.95), rows[i].t, 1e-9, "t of %d degrees",
               rows[i].freedom);
  check_near(t_quantile(100000, 0.95), 1.96, 1e-4, "t of many degrees");
  check_near(t_quantile(1, 0.99), 63.656741162, 1e-8, "t of one degree at 99 %%");
  check_near(t_quantile(10, 0.99), 3.169272673, 1e-8, "t of 10 degrees at 99 %%");
  check_near(t_quantile(7, 0.999), 5.407882521, 1e-8, "t of 7 degrees at 99.9 %%");
}

/* Five intervals at 99 % each hold together with 95 %. */
static void test_widening(void) {
  const double x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  Summary alone = summarize(x, 11), five = alone, one = alone;
  widen(&five, 5);
  widen(&one, 1);
  check_near(five.half / alone.half, 3.169272673 / 2.228138852, 1e-8, "five intervals");
  check_near(one.half, alone.half, 1e-12, "one interval");
}

/* Exact laws, and one with an error that no law follows. */
static void test_power_law(void) {
  const double x[] = {0.5, 1, 2, 4, 8, 16};
  const struct {
    double a, b, c;
  } laws[] = {{2, 0.5, 1.5}, {0.7, 0.08, 3}, {5, 1.7, 0}};
  double y[6];
  for (size_t k = 0; k < sizeof laws / sizeof *laws; k++) {
    for (int i = 0; i < 6; i++) y[i] = laws[k].a * pow(x[i], -laws[k].b) + laws[k].c;
    PowerLaw law = fit_power_law(x, y, 6);
    check_near(law.b, laws[k].b, 1e-4, "exponent %g", laws[k].b);
    check_near(law.c, laws[k].c, 1e-3, "limit %g", laws[k].c);
    check(law.rms < 1e-6, "exact: %g", law.rms);
  }
  y[2] += 0.1;
  check(fit_power_law(x, y, 6).rms > 0.01, "not exact");
}

static void test_quantiles(void) {
  const double x[] = {4, NAN, 1, 3, 2};
  check_near(quantile(x, 5, 0), 1, 0, "least");
  check_near(quantile(x, 5, 1), 4, 0, "greatest");
  check_near(quantile(x, 5, 0.5), 2.5, 1e-15, "median");
  check_near(quantile(x + 2, 1, 0.3), 1, 0, "of one number");
  check(isnan(quantile(x + 1, 1, 0.5)), "of none");
}

static void test_smoothing(void) {
  const double x[] = {1, 2, 3, NAN, 5, 6, INFINITY};
  double out[7];
  smooth_centred(x, 7, 3, out);
  check(out[0] == 1, "the first has no neighbours on one side, so it stays: %g", out[0]);
  check(out[1] == 2, "mean of 1 2 3: %g", out[1]);
  check(out[2] == 2.5, "mean of 2 3, the gap left out: %g", out[2]);
  check(isnan(out[3]) && isnan(out[6]), "gaps stay gaps");
  check(out[5] == 5.5, "infinity is not read as a number: %g", out[5]);
  smooth_centred(x, 3, 1, out);
  check(out[0] == 1 && out[1] == 2 && out[2] == 3, "a window of one changes nothing");
}

static void test_crossings(void) {
  const double x[] = {0, 10, 20, 30}, y[] = {8, 6, 4, 5}, gap[] = {8, NAN, 4, 3};
  check_near(first_crossing(x, y, 4, 5), 15, 1e-15, "halfway between 6 and 4");
  check_near(first_crossing(x, y, 4, 4), 20, 1e-15, "just touched");
  check(isnan(first_crossing(x, y, 4, 3.9)), "never reached");
  check_near(first_crossing(x, y, 4, 9), 0, 0, "reached from the start");
  check_near(first_crossing(x, gap, 4, 6), 10, 1e-15, "a gap is stepped over");
  check(isnan(first_crossing(x, y, 0, 5)), "of nothing");
}

/* ---- whole comparisons, of logs made here ---- */

static char root[64];

/* A run whose validation losses are given for steps 0, 10, 20, ...; `result` as in info.txt. */
static void make_run(const char *name, const char *optimizer, int seed, const char *result,
                     const double *val, int count) {
  char folder[256], path[512], text[8192];
  int used;
  Err err;
  snprintf(folder, sizeof folder, "%s/%s", root, name);
  check(folder_make(folder, &err) == 0, "%s", err.text);
  used = snprintf(text, sizeof text,
                  "step,tokens,seconds,train_loss,val_loss,lr,grad_norm,forward_ms,backward_ms,"
                  "optimizer_ms,tokens_per_s\n");
  for (int i = 0; i < count; i++) {
    if (isnan(val[i]))
      used += snprintf(text + used, sizeof text - (size_t)used, "%d,%d,,nan,,,,1,2,,\n", 10 * i,
                       1000 * i);
    else
      used += snprintf(text + used, sizeof text - (size_t)used,
                       "%d,%d,%d,%.9g,%.9g,0.1,1,1,2,%d,1000\n", 10 * i, 1000 * i, 2 * i, val[i],
                       val[i], i % 2 ? 4 : 6);
  }
  snprintf(path, sizeof path, "%s/log.csv", folder);
  check(file_write(path, text, (size_t)used, &err) == 0, "%s", err.text);
  used = snprintf(text, sizeof text,
                  "optimizer = %s\nseed = %d\nlr = 0.1\nsteps = 30\nvocab = 257\n", optimizer,
                  seed);
  snprintf(path, sizeof path, "%s/config.txt", folder);
  check(file_write(path, text, (size_t)used, &err) == 0, "%s", err.text);
  used = snprintf(text, sizeof text,
                  "data_fingerprint = 12345678\nval_bytes_per_token = 2\nresult = %s\n", result);
  if (!*result) used -= (int)strlen("result = \n");
  snprintf(path, sizeof path, "%s/info.txt", folder);
  check(file_write(path, text, (size_t)used, &err) == 0, "%s", err.text);
}

static const Entry *entry_of(const Comparison *c, const char *name) {
  for (int i = 0; i < c->count; i++)
    if (strcmp(c->entries[i].name, name) == 0) return &c->entries[i];
  check(0, "there is no entry %s", name);
  return &c->entries[0];
}

static void make_runs(void) {
  const double a1[] = {5, 4, 3, 2.0}, a2[] = {5, 4, 3, 2.2}, m1[] = {5, 3, 1.5, 1.4},
               m2[] = {5, 3, 1.7, 1.8}, tie[] = {5, 5, 5, 1.6}, bad[] = {5, NAN},
               slow[] = {5, 4.9, 4.8, 4.7}, part[] = {5, 3};
  make_run("a1", "adamw", 1, "finished", a1, 4);
  make_run("a2", "adamw", 2, "finished", a2, 4);
  make_run("m1", "muon", 1, "finished", m1, 4);
  make_run("m2", "muon", 2, "finished", m2, 4);
  make_run("t1", "tie", 1, "finished", tie, 4);
  make_run("s1", "slow", 1, "finished", slow, 4);
  make_run("b1", "bad", 1, "step 3: diverged: train loss nan", bad, 2);
  make_run("p1", "part", 1, "", part, 2);
}

static void check_adamw_and_muon(const Comparison *c) {
  const Entry *baseline = entry_of(c, "adamw"), *muon = entry_of(c, "muon");
  check(c->seed_count == 2 && &c->entries[c->baseline] == baseline,
        "two seeds, adamw the baseline");
  check_near(baseline->summary.mean, 2.1, 1e-12, "adamw's mean");
  check_near(baseline->summary.sd, 0.2 / sqrt(2), 1e-12, "adamw's sd");
  check_near(muon->difference.mean, -0.5, 1e-12, "muon - adamw: -0.6 and -0.4");
  check_near(muon->difference.half, 12.706204736 * 0.1, 1e-7, "its interval");
  check_near(c->target, 2.1, 1e-12, "the target is where adamw ended");
  check_near(baseline->steps_to, 30, 1e-12, "adamw reaches it at its end");
  /* muon's mean curve: 5, 3, 1.6, 1.6: 2.1 lies (3 - 2.1) / 1.4 of the way from 10 to 20. */
  check_near(muon->steps_to, 10 + 10 * 0.9 / 1.4, 1e-12, "muon's steps to it");
  check_near(muon->tokens_to, 1000 + 1000 * 0.9 / 1.4, 1e-12, "muon's tokens to it");
  check_near(muon->seconds_to, muon->steps_to * (3 + 14 / 3.0) / 1000, 1e-12,
             "muon's seconds: 3 ms of gradient and 14/3 ms of muon per step");
  check_near(muon->bits_per_byte, 1.6 / log(2) / 2, 1e-12, "bits per byte, of 2-byte tokens");
  check_near(muon->gradient_ms, 3, 1e-12, "forward + backward");
  check_near(muon->optimizer_ms, (4 + 6 + 4) / 3.0, 1e-12, "optimizer, without the first row");
}

static void test_comparison(void) {
  ComparisonOptions options = {0};
  char *paths[] = {root};
  Comparison c;
  Err err;
  make_runs();
  if (comparison_read(&c, paths, 1, &options, &err)) {
    check(0, "%s", err.text);
    return;
  }
  check(c.count == 6, "six methods, not %d", c.count);
  check_adamw_and_muon(&c);
  const Entry *bad = entry_of(&c, "bad"), *slow = entry_of(&c, "slow"), *tie = entry_of(&c, "tie");
  const Entry *part = entry_of(&c, "part");
  check(bad->diverged == 1 && bad->finished == 0 && isnan(bad->summary.mean), "bad diverged");
  check(isnan(bad->steps_to) && isnan(slow->steps_to), "neither bad nor slow reach the target");
  check(part->unfinished == 1 && part->summary.n == 0, "part is unfinished and not counted");
  check(tie->difference.n == 1 && isnan(tie->difference.half), "one pair, no interval");
  check(strcmp(c.entries[0].name, "muon") == 0 && strcmp(c.entries[1].name, "tie") == 0,
        "ties in order of their names: %s, %s", c.entries[0].name, c.entries[1].name);
  check(strcmp(c.entries[3].name, "slow") == 0, "unfinished runs are after finished ones");
  comparison_free(&c);
  options.target = 1;
  check(comparison_read(&c, paths, 1, &options, &err) == 0, "%s", err.text);
  check(isnan(entry_of(&c, "muon")->steps_to), "a target that no method reaches");
  comparison_free(&c);
}

static void test_logs(void) {
  char path[160], folder[128];
  const char *head = "step,tokens,seconds,train_loss,val_loss\n";
  const struct {
    const char *text, *says; /* NULL: can be read */
  } cases[] = {
      {"", "empty"},
      {"a,b,c\n1,2,3\n", "not a log of ./train"},
      {"step,tokens,seconds,train_loss\n", "\"val_loss\""},
      {"@", "no step"},
      {"@0,0,0,,5\n1,2,3\n", "line 3: this row has fewer cells"},
      {"@0,0,0,,5\n1,2,3,4,5,6\n", "line 3: this row has more cells"},
      {"@0,0,0,,5\n1,2,3,x,5\n", "line 3: \"x\" in column train_loss is not a number"},
      {"@0,0,0,,5\n1,-2,3,4,5\n", "line 3: tokens must be a whole number"},
      {"@1,2,3,4,5\n0,0,0,,5\n", "step 0 follows step 1"},
      {"@0,0,0,,5\n1,2,3,4,5\n", NULL},
      {"@0,0,0,,5\r\n1,2,3,4,5\r\n", NULL},
      {"@0,0,0,,5\n1,2,3,4", NULL}, /* cut off: the row is left out */
  };
  snprintf(folder, sizeof folder, "%s/broken", root);
  snprintf(path, sizeof path, "%s/log.csv", folder);
  Err err;
  folder_make(folder, &err);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[512];
    const char *rest = cases[i].text;
    RunLog log;
    snprintf(text, sizeof text, "%s%s", *rest == '@' ? head : "", *rest == '@' ? rest + 1 : rest);
    file_write(path, text, strlen(text), &err);
    int status = runlog_read(&log, folder, &err);
    if (cases[i].says)
      check(status != 0 && strstr(err.text, cases[i].says), "case %zu should say \"%s\": %s", i,
            cases[i].says, status ? err.text : "(accepted)");
    else check(status == 0, "case %zu: %s", i, err.text);
    if (status == 0) runlog_free(&log);
  }
}

int main(void) {
  char command[128];
  snprintf(root, sizeof root, "build/test_statistics.tmp");
  snprintf(command, sizeof command, "rm -rf %s", root);
  check(system(command) == 0, "%s", command);
  test_summaries();
  test_pairs();
  test_t();
  test_widening();
  test_power_law();
  test_quantiles();
  test_smoothing();
  test_crossings();
  test_comparison();
  test_logs();
  if (system(command) != 0) perror(command);
  return check_report("statistics");
}
