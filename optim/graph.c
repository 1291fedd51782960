#include "optim/graph.h"

int graph_neighbours(int graph, int nodes, int i, int from[NODES_MAX]) {
  char taken[NODES_MAX] = {0};
  int count = 0;
  taken[i] = 1;
  for (int distance = 1; distance < nodes; distance++) {
    int beside = distance == 1 || distance == nodes - 1, power = (distance & (distance - 1)) == 0;
    if (graph == GRAPH_COMPLETE || (graph == GRAPH_RING ? beside : power))
      taken[(i - distance + nodes) % nodes] = 1;
  }
  for (int j = 0; j < nodes; j++)
    if (taken[j]) from[count++] = j;
  return count;
}
