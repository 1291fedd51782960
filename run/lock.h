/* Allows one writer at a time in a folder. */
#ifndef RUN_LOCK_H
#define RUN_LOCK_H

#include "core/error.h"

/* Locks the folder until lock_release or the end of the process. The lock is an fcntl lock, which
   also works on NFS, on the file FOLDER/.lock; this file contains the process and host, and is not
   removed. On a file system without locks, nothing is locked. Returns a descriptor, or -1. Error:
   another process holds the lock (the message names it). */
int lock_take(const char *folder, Err *err);

/* The same with the file FOLDER/NAME. *held is 1 if the error is that another process holds the
   lock. */
int lock_name(const char *folder, const char *name, int *held, Err *err);
void lock_release(int lock);

/* Whether another process holds the lock of the folder. */
int lock_is_held(const char *folder);

#endif
