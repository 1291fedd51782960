/* One writer at a time in a folder. */
#ifndef RUN_LOCK_H
#define RUN_LOCK_H

#include "core/error.h"

/* Locks the folder, until lock_release or until the process ends in whatever way: the system holds
   the lock, on the file FOLDER/.lock, which names process and host and stays. Locks of this kind
   (fcntl) are also known to NFS servers. Where the file system has no locks, nothing is locked.
   Error: another process holds it; the sentence names it. Returns a descriptor, or -1. */
int lock_take(const char *folder, Err *err);
void lock_release(int lock);

#endif
