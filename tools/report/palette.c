#include "tools/report/palette.h"

#include <string.h>

#include "core/option.h"
#include "optim/parts/polynomials.h"
#include "optim/registry.h"

enum {
  BLACK = 0x000000,
  ORANGE = 0xE69F00,
  SKY = 0x56B4E9,
  GREEN = 0x009E73,
  BLUE = 0x0072B2,
  VERMILLION = 0xD55E00,
  PURPLE = 0xCC79A7,
  BROWN = 0x7A5C3E, /* in place of the palette's yellow, which is hard to see on white */
  LIGHT = 0xB9B9B9, /* background */
  STRONG = 0xE6007E, /* own methods */
};

enum { SOLID = 1, DASHED, DOTTED };
enum { BACKGROUND, CIRCLE = 7, SQUARE = 5, TRIANGLE = 9, DIAMOND = 13, INVERTED = 11, RING = 6 };

/* Methods that are often drawn together differ in colour; related methods share one. */
static const struct {
  const char *optimizer;
  Look look;
} table[] = {
    {"adamw", {BLACK, SOLID, CIRCLE}},
    {"muon", {BLUE, SOLID, SQUARE}},
    {"low-rank-muon", {SKY, SOLID, TRIANGLE}},
    {"sumo", {GREEN, SOLID, DIAMOND}},
    {"adago", {VERMILLION, SOLID, INVERTED}},
    {"sgd", {BROWN, SOLID, RING}},
    {"trust-region", {PURPLE, SOLID, CIRCLE}},
    {"soap", {ORANGE, SOLID, SQUARE}},
    {"normuon", {BLUE, DASHED, RING}},
    {"muonh", {GREEN, DOTTED, SQUARE}},
    {"muoneq", {BLUE, DASHED, SQUARE}},
    {"muon2", {ORANGE, DOTTED, TRIANGLE}},
    {"aurora", {BLUE, DOTTED, TRIANGLE}},
    {"adamuon", {VERMILLION, DOTTED, SQUARE}},
    {"contra-muon", {BLUE, DASHED, INVERTED}},
    {"demuon", {BLUE, DOTTED, DIAMOND}},
    {"dion", {SKY, DASHED, CIRCLE}},
    {"dion2", {SKY, DOTTED, SQUARE}},
    {"adadiag", {BLACK, DASHED, SQUARE}},
    {"lion", {BLACK, DOTTED, TRIANGLE}},
    {"polargrad", {BLUE, DASHED, TRIANGLE}},
    {"soap-muon", {ORANGE, DOTTED, DIAMOND}},
    {"ademamix", {BLACK, DASHED, DIAMOND}},
    {"mars", {BLACK, DOTTED, INVERTED}},
    {"schedule-free", {BLACK, DASHED, TRIANGLE}},
    {"galore", {GREEN, DASHED, CIRCLE}},
    {"root", {VERMILLION, DASHED, CIRCLE}},
    {"scion", {PURPLE, DASHED, SQUARE}},
    {"clipped-scion", {PURPLE, DOTTED, DIAMOND}},
    {"orthogonal-sgdm", {ORANGE, DASHED, CIRCLE}},
    {"msgd", {BROWN, DASHED, SQUARE}},
    {"low-rank-msgd", {BROWN, DOTTED, TRIANGLE}},
};

static const Look *find(const char *optimizer) {
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(table[i].optimizer, optimizer) == 0) return &table[i].look;
  return NULL;
}

int palette_is_own(const char *optimizer) { return !find(optimizer); }

Look palette_look(const char *optimizer) {
  int before = 0; /* own methods before this one */
  if (find(optimizer)) return *find(optimizer);
  for (int i = 0; optimizers[i] && strcmp(optimizers[i]->name, optimizer) != 0; i++)
    before += palette_is_own(optimizers[i]->name);
  return palette_shade((Look){STRONG, SOLID, DIAMOND}, before);
}

Look palette_schedule(const char *schedule) {
  return palette_nth(word_index(NS_SCHEDULE_NAMES, schedule));
}

Look palette_nth(int n) {
  static const unsigned colours[] = {BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, BLACK, BROWN};
  static const int points[] = {SQUARE, CIRCLE, DIAMOND, TRIANGLE, INVERTED, RING};
  return (Look){colours[n % 8], n / 8 % 3 + 1, points[n % 6]};
}

Look palette_background(void) { return (Look){LIGHT, SOLID, BACKGROUND}; }

unsigned palette_lighter(unsigned colour, double white) {
  unsigned out = 0;
  for (int shift = 16; shift >= 0; shift -= 8) {
    double part = (double)(colour >> shift & 255);
    out |= (unsigned)(part + (255 - part) * white + 0.5) << shift;
  }
  return out;
}

Look palette_shade(Look look, int n) {
  static const int points[] = {CIRCLE, SQUARE, TRIANGLE, DIAMOND, INVERTED, RING};
  static const double white[] = {0, 0.4, 0.2, 0.55, 0.3, 0.5};
  enum { SHADES = sizeof white / sizeof *white };
  if (n == 0) return look;
  return (Look){palette_lighter(look.colour, white[n % SHADES]), look.dash,
                points[((unsigned)n + (unsigned)look.point) % SHADES]};
}
