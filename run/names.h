/* The names of the files in a run's folder. */
#ifndef RUN_NAMES_H
#define RUN_NAMES_H

#define LOG_FILE "log.csv"
#define CONFIG_FILE "config.txt"
#define INFO_FILE "info.txt"
#define SPECTRUM_FILE "spectrum.csv"
#define EVENTS_FILE "events.out.tfevents." /* the beginning of the names */
#define LATEST_LINK "latest" /* to the newest checkpoint */

#endif
