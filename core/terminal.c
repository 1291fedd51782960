#include "core/terminal.h"

#include <math.h>
#include <stdio.h>
#include <sys/ioctl.h>

int terminal_size(int file, int *width, int *height) {
  struct winsize size;
  if (file < 0 || ioctl(file, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 0;
  if (width) *width = size.ws_col;
  if (height && size.ws_row > 0) *height = size.ws_row;
  return 1;
}

void terminal_duration(double seconds, char *out, size_t size) {
  long long s = isfinite(seconds) ? (long long)(seconds + 0.5) : 0;
  if (!isfinite(seconds)) snprintf(out, size, "?");
  else if (s < 100) snprintf(out, size, "%llds", s);
  else if (s < 6000) snprintf(out, size, "%lldm%02llds", s / 60, s % 60);
  else snprintf(out, size, "%lldh%02lldm", s / 3600, s / 60 % 60);
}

const char *terminal_count(double n, char out[24]) {
  static const char units[] = " kMGT";
  int unit = 0;
  for (; n >= 999.5 && units[unit + 1]; unit++) n /= 1000;
  if (unit == 0) snprintf(out, 24, "%.0f", n);
  else snprintf(out, 24, "%.3g %c", n, units[unit]);
  return out;
}
