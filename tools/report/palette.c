#include "tools/report/palette.h"

#include <string.h>

#include "optim/registry.h"

enum {
  BLACK = 0x000000,
  ORANGE = 0xE69F00,
  SKY = 0x56B4E9,
  GREEN = 0x009E73,
  BLUE = 0x0072B2,
  VERMILLION = 0xD55E00,
  PURPLE = 0xCC79A7,
  GREY = 0x8C8C8C, /* in place of the palette's yellow, which white paper swallows */
};

enum { SOLID = 1, DASHED, DOTTED };
enum { CIRCLE = 7, SQUARE = 5, TRIANGLE = 9, DIAMOND = 13, INVERTED = 11, RING = 6 };

/* Methods that are often drawn together differ in colour; relatives share one. */
static const struct {
  const char *optimizer;
  Look look;
} table[] = {
    {"adamw", {BLACK, SOLID, CIRCLE}},
    {"muon", {BLUE, SOLID, SQUARE}},
    {"low-rank-muon", {SKY, SOLID, TRIANGLE}},
    {"sumo", {GREEN, SOLID, DIAMOND}},
    {"adago", {VERMILLION, SOLID, INVERTED}},
    {"sgd", {GREY, SOLID, RING}},
    {"trust-region", {PURPLE, SOLID, CIRCLE}},
    {"soap", {ORANGE, SOLID, SQUARE}},
    {"normuon", {BLUE, DASHED, RING}},
    {"dion", {SKY, DASHED, CIRCLE}},
    {"dion2", {SKY, DOTTED, SQUARE}},
    {"adadiag", {BLACK, DASHED, SQUARE}},
    {"lion", {BLACK, DOTTED, TRIANGLE}},
    {"galore", {GREEN, DASHED, CIRCLE}},
    {"root", {VERMILLION, DASHED, CIRCLE}},
    {"scion", {PURPLE, DASHED, SQUARE}},
    {"orthogonal-sgdm", {ORANGE, DASHED, CIRCLE}},
    {"msgd", {GREY, DASHED, SQUARE}},
    {"low-rank-msgd", {GREY, DOTTED, TRIANGLE}},
};

/* An optimizer that the table does not know yet: by its place in the list of all. */
static Look by_place(const char *optimizer) {
  static const unsigned colours[] = {ORANGE, PURPLE, VERMILLION, GREEN, BLUE, SKY, GREY};
  unsigned place = 0;
  while (optimizers[place] && strcmp(optimizers[place]->name, optimizer) != 0) place++;
  if (!optimizers[place]) {
    place = 5381; /* not in the list either: a hash of the name */
    for (const char *c = optimizer; *c; c++) place = place * 33 + (unsigned char)*c;
  }
  return (Look){colours[place % (sizeof colours / sizeof *colours)], DOTTED, DIAMOND};
}

Look palette_look(const char *optimizer) {
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(table[i].optimizer, optimizer) == 0) return table[i].look;
  return by_place(optimizer);
}

/* Newton-Schulz schedules: what is mostly used in plain colours, relatives dashed. */
static const struct {
  const char *schedule;
  Look look;
} schedule_table[] = {
    {"jordan", {BLUE, SOLID, SQUARE}},        {"polar-express", {VERMILLION, SOLID, CIRCLE}},
    {"cans", {GREEN, SOLID, DIAMOND}},        {"you", {ORANGE, SOLID, TRIANGLE}},
    {"cesista", {PURPLE, SOLID, INVERTED}},   {"classical", {GREY, SOLID, RING}},
    {"cubic", {GREY, DASHED, TRIANGLE}},      {"dion", {VERMILLION, DASHED, RING}},
    {"track3", {SKY, SOLID, SQUARE}},         {"converged", {BLACK, SOLID, CIRCLE}},
};

Look palette_schedule(const char *schedule) {
  for (size_t i = 0; i < sizeof schedule_table / sizeof *schedule_table; i++)
    if (strcmp(schedule_table[i].schedule, schedule) == 0) return schedule_table[i].look;
  return by_place(schedule);
}

Look palette_nth(int n) {
  static const unsigned colours[] = {BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, BLACK, GREY};
  static const int points[] = {SQUARE, CIRCLE, DIAMOND, TRIANGLE, INVERTED, RING};
  return (Look){colours[n % 8], n / 8 % 3 + 1, points[n % 6]};
}

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
