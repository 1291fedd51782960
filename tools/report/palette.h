/* The one place that says how a thing looks: the same in every figure. */
#ifndef TOOLS_REPORT_PALETTE_H
#define TOOLS_REPORT_PALETTE_H

typedef struct {
  unsigned colour; /* 0xRRGGBB */
  int dash;        /* 1 solid, 2 dashed, 3 dotted */
  int point;       /* gnuplot's number of the symbol */
} Look;

/* Colours of Okabe and Ito (Color Universal Design, 2008), which colour-blind people can tell
   apart; where there are more methods than colours, dashes and symbols differ too. */
Look palette_look(const char *optimizer);

/* The look of the n-th of several curves of one optimizer: lighter and lighter. */
Look palette_shade(Look look, int n);

/* The same for other things: coefficient schedules by their name in NS_SCHEDULE_NAMES, and
   the n-th of other things that are drawn together. */
Look palette_schedule(const char *schedule);
Look palette_nth(int n);

/* Mixed with white: 0 is the colour, 1 white. */
unsigned palette_lighter(unsigned colour, double white);

#endif
