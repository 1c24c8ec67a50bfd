/*
 * text.h - the host's extension "iom.text/1": the host puts in what ${...} stands for, in the settings that
 * the manifest marks with expand="use". Such a setting reaches the module as it was written; the module
 * expands it each time it is used, so that secrets are read anew, and session captures are current.
 */
#ifndef IOM_TEXT_H
#define IOM_TEXT_H

#include "iom/iom.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IOM_TEXT_EXTENSION "iom.text/1"

typedef struct iom_text_host {
    /* Expands `written` into `*expanded`, which stays valid until the next call of this function for this
       instance. IOM_OK, or IOM_FAILED with a sentence in `*expanded` (a secret that is gone). [control] */
    uint32_t (*expand)(const iom_host *self, iom_text written, iom_text *expanded);

    /* A new session begins: ${session/NAME} are forgotten and ${seq} starts at 1 again. [control] */
    void (*begin_session)(const iom_host *self);
} iom_text_host;

#ifdef __cplusplus
}
#endif

#endif
