#include "core/param.h"

const char *role_name(Role role) {
  static const char *names[] = {"embedding", "position", "matrix", "vector", "head",
                                "input"};
  return names[role];
}
