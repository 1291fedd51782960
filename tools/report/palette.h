/* The look of each method, the same in every figure. */
#ifndef TOOLS_REPORT_PALETTE_H
#define TOOLS_REPORT_PALETTE_H

typedef struct {
  unsigned colour; /* 0xRRGGBB */
  int dash;        /* 1 solid, 2 dashed, 3 dotted */
  int point;       /* gnuplot's number of the symbol; 0: in the background, without symbols */
} Look;

/* Of an optimizer: colours of Okabe and Ito (Color Universal Design, 2008), which colour-blind
   people can tell apart; since there are more methods than colours, dashes and symbols differ too.
   Methods that the table does not have are the user's own: they get a strong colour. */
Look palette_look(const char *optimizer);
int palette_is_own(const char *optimizer);

/* The look of the n-th of several curves of one optimizer: lighter and lighter. */
Look palette_shade(Look look, int n);

/* The look of a coefficient schedule of NS_SCHEDULE_NAMES, and of the n-th of other things. */
Look palette_schedule(const char *schedule);
Look palette_nth(int n);

/* The look of curves that are not highlighted. */
Look palette_background(void);

/* Mixed with white: 0 is the colour, 1 white. */
unsigned palette_lighter(unsigned colour, double white);

#endif
