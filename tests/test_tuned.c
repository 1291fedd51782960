/* Where the tuned settings of a method come from. */
#include <string.h>

#include "run/config.h"
#include "tests/check.h"

typedef struct {
  double momentum;
} Options;

static const Option table[] = {
    {.name = "momentum", .help = "Momentum", .type = OPTION_REAL, .fallback = "0.9",
     .max = 1},
    {0}};

static void expect(const char *name, const char *like, const char *model, const char *from,
                   const char *settings) {
  Optimizer o = {.name = name, .like = like, .options = table, .options_size = sizeof(Options)};
  char got[TUNED_TEXT] = "";
  const char *of = config_tuned(&o, model, got);
  check((!of && !from) || (of && from && strcmp(of, from) == 0), "%s like %s: tuned as %s, not %s",
        name, like ? like : "none", of ? of : "none", from ? from : "none");
  check(strcmp(got, settings) == 0, "%s like %s: \"%s\", not \"%s\"", name, like ? like : "none",
        got, settings);
}

int main(void) {
  expect("muon", NULL, "nano", "muon", "lr=0.02 aux-lr=0.016");
  expect("mine", NULL, "nano", NULL, "");
  expect("mine", "muon", "nano", "muon", "lr=0.02 aux-lr=0.016");
  expect("mine", "muon", "gpt2", NULL, "");
  expect("muon", "sgd", "nano", "muon", "lr=0.02 aux-lr=0.016"); /* its own row has priority */
  expect("mine", "sumo", "nano", "sumo", "lr=0.008 aux-lr=0.016"); /* it has no rank */
  return check_report("tuned");
}
