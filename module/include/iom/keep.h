/*
 * keep.h - the host's extension "iom.keep/1": the host remembers, in memory only, what an instance was told
 * by actions (is it to be connected, with which token), so that the next object of the same instance goes on
 * with it when the module failed and was made anew. What is kept ends with the instance's place in the
 * project, or with the host's process; it is never shown or written anywhere, as it may be a secret.
 */
#ifndef IOM_KEEP_H
#define IOM_KEEP_H

#include "iom/iom.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IOM_KEEP_EXTENSION "iom.keep/1"

typedef struct iom_keep_host {
    /* Replaces what is kept; more than 64 KiB is not taken, and nothing is kept then. [control] */
    void (*keep)(const iom_host *self, iom_bytes what);

    /* What was kept last, by this object or by the one before it, valid until the next keep; size 0 where
       nothing was. [control] */
    iom_bytes (*kept)(const iom_host *self);
} iom_keep_host;

#ifdef __cplusplus
}
#endif

#endif
