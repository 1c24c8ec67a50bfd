/*
 * match.h - the host's extension "iom.match/1": the host tests messages against the matches that stand in
 * settings and arguments, so that a module's matches and those of the rules are the very same.
 */
#ifndef IOM_MATCH_H
#define IOM_MATCH_H

#include "iom/iom.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IOM_MATCH_EXTENSION "iom.match/1"

typedef struct iom_match_host {
    /* 1 if the message holds the match, else 0. `message` is an IOM_TEXT or IOM_BYTES value, its id is
       not looked at. [control] */
    uint32_t (*test)(const iom_host *self, uint32_t match, const iom_value *message);

    /* Like test; where it holds, the match's captures become ${session/NAME} until the session ends
       (see iom.text/1). [control] */
    uint32_t (*capture)(const iom_host *self, uint32_t match, const iom_value *message);
} iom_match_host;

#ifdef __cplusplus
}
#endif

#endif
