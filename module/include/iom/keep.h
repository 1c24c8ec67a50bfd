/*
 * keep.h - the host's extension "iom.keep/1": the host remembers, in memory only, what an instance was told
 * by actions (is it to be connected, with which token), so that the next object of the same instance goes on
 * with it when the module failed and was made anew. What is kept ends with the instance's place in the
 * project, or with the host's process; it is never shown or written anywhere, as it may be a secret. Before
 * the first keep of an instance's first object nothing is kept.
 */
#ifndef IOM_KEEP_H
#define IOM_KEEP_H

#include "iom/iom.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IOM_KEEP_EXTENSION "iom.keep/1"

typedef struct iom_keep_host {
    /* Replaces what is kept, with a copy. IOM_OK; IOM_ARGUMENT where `what` is longer than 65536 bytes, and
       nothing is kept then, so that nobody goes on with what no longer holds; IOM_FAILED where the host has
       no memory for it or the call breaks the contract, and what was kept before stays. [control] */
    uint32_t (*keep)(const iom_host *self, iom_bytes what);

    /* What was kept last, by this object or by the one before it; size 0 where nothing was. The bytes stay
       valid until the next keep, and without one until this object's destroy. [control] */
    iom_bytes (*kept)(const iom_host *self);
} iom_keep_host;

#ifdef __cplusplus
}
#endif

#endif
