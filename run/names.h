/* The names of the files in a run's folder, and of a key that is printed too. */
#ifndef RUN_NAMES_H
#define RUN_NAMES_H

#define LOG_FILE "log.csv"
#define CONFIG_FILE "config.txt"
#define INFO_FILE "info.txt"
#define SPECTRUM_FILE "spectrum.csv"
#define EVENTS_FILE "events.out.tfevents." /* the beginning of the names */
#define LATEST_LINK "latest" /* to the newest checkpoint */
#define BEST_LINK "best"     /* to that with the lowest validation loss, with --keep-best */

#define EXTENDED "extended" /* info.txt: of a run resumed with more steps */

#endif
