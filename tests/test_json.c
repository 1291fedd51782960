/* The JSON reader. */
#include "core/json.h"

#include <string.h>

#include "tests/check.h"

static void test_json(void) {
  static const char *const good[] = {
      "0", "-0.5e+3", "[]", "{}", " [1, 2 ,3 ] ", "{\"a\":{\"b\":[null,true,false]},\"c\":\"\"}",
      "\"\\u00e9\\ud83d\\ude00\\n\\/\"", "[[],[]]",
  };
  static const char *const bad[] = {
      "", " ", "01", "-", "1.", ".5", "1e", "+1", "[1,]", "[,1]", "{\"a\":1,}", "{a:1}", "[1 2]",
      "{\"a\" 1}", "\"", "\"\\x\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\ude00\"", "\"\\u0000\"",
      "\"\n\"", "nul", "truee", "[1]]", "{\"a\":1,\"a\":2}", "{\"a\":1,\"b\":2,\"\\u0061\":3}",
      "NaN", "Infinity", "// x\n1", "'a'", "[", "{", "{\"a\":", ("\xEF\xBB\xBF" "1"),
      "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
  };
  JsonDocument d;
  Err err;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    check(json_read(&d, "text", good[i], strlen(good[i]), &err) == 0, "%s: %s", good[i], err.text);
    json_free(&d);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    check(json_read(&d, "text", bad[i], strlen(bad[i]), &err) != 0, "accepted: %s", bad[i]);
  check(json_read(&d, "text", "[1\0]", 4, &err) != 0, "accepted: a zero byte");
  const char *text = good[6];
  json_read(&d, "text", text, strlen(text), &err);
  check(strcmp(d.root->text, "\xC3\xA9\xF0\x9F\x98\x80\n/") == 0, "unescaped: %s", d.root->text);
  json_free(&d);
  int64_t n = 0;
  text = "{\"a\": 9007199254740993 , \"b\":1e2}";
  json_read(&d, "text", text, strlen(text), &err);
  check(json_int(json_member(d.root, "a"), 0, INT64_MAX, &n) == 0 && n == 9007199254740993,
        "2^53 + 1: %lld", (long long)n);
  check(json_int(json_member(d.root, "b"), 0, INT64_MAX, &n) != 0, "1e2 is read as a whole number");
  check(json_int(json_member(d.root, "a"), 0, 1000, &n) != 0, "a limit does not hold");
  json_free(&d);
}

int main(void) {
  test_json();
  return check_report("json");
}
