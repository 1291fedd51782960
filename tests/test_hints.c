/* Hints for options of other programs. */
#include "run/hints.h"

#include <string.h>

#include "run/config.h"
#include "tests/check.h"

static void expect(const char *name, const char *here) {
  const char *hint = hint_for(name);
  check(hint && strncmp(hint, here, strlen(here)) == 0, "%s: the hint is %s, not %s", name,
        hint ? hint : "missing", here);
}

/* The names are not options here and occur once; a hint names an option or is a sentence. */
static void test_table(void) {
  char name[64], option[64];
  for (int i = 0; hint_names(i); i++)
    for (int j = 0; j < word_count(hint_names(i)); j++) {
      word_at(hint_names(i), j, name, sizeof name);
      const char *here = hint_for(name);
      /* An option of aurora; with other methods the hint is printed. */
      check(!config_option(name) || strcmp(name, "iterations") == 0, "%s is an option of ./train",
            name);
      for (int k = 0; k < i; k++)
        check(word_index(hint_names(k), name) < 0, "%s has two hints", name);
      if (strncmp(here, "use --", 6) != 0) continue;
      word_at(here + 6, 0, option, sizeof option);
      option[strcspn(option, ", ")] = 0;
      check(config_option(option) != NULL, "%s: there is no --%s", name, option);
    }
}

int main(void) {
  test_table();
  expect("learning_rate", "use --lr");
  expect("Batch-Size", "use --batch");
  expect("n_layer", "use --layers");
  expect("block_size", "use --context");
  expect("max_iters", "use --steps");
  expect("config", "use @FILE");
  expect("device", "training uses the CPU");
  check(!hint_for("lr") && !hint_for("") && !hint_for("nothing"), "a hint for an option of ours");
  return check_report("hints");
}
