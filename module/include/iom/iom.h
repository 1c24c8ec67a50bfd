/*
 * iom.h - the contract between a host (a controller's runtime) and an IO module.
 *
 * A module is a shared object with one exported symbol, the constant `iom_entry`, and an XML manifest
 * that names its settings, status variables, triggers and actions. The host loads the object, asks the
 * entry to create instances, gives each its settings, starts it, invokes its actions and is told of its
 * triggers and statuses. This header stands alone: plain C99, also clean as C11, C++17 and C++20.
 *
 * THREADS
 *   [control]   the host's one thread that loads, configures, services and ends modules.
 *   [any]       any thread, at any time between create and the return of destroy.
 *   Every function's comment ends in its tag. Exactly three host functions are [any]: extension, log
 *   and wake. A module may own threads; what they find out they put into a bounded queue of the
 *   module's, and call wake. The host then calls service on [control], and only inside service does
 *   the module fire triggers, post statuses and end calls. No function of either side blocks.
 *
 * STATES of an instance, as the words behind the & of a tag name them
 *   created     after create, and again after it has stopped
 *   running     from a start that returned IOM_OK until service reported IOM_STOPPED
 *   servicing   inside the module's service
 *
 * MEMORY
 *   Whatever a pointer in an argument leads to is borrowed for the call: who wants to keep it copies
 *   it. No allocation crosses the border. Texts are UTF-8 with a length, and need no NUL at their end.
 *
 * IDS
 *   Settings, statuses, triggers, their variables, actions and their arguments are integers, given by
 *   the manifest, never reused. A list is its id repeated, in order. The interface token is a hash of
 *   all ids, names and types in the manifest: each side refuses the other's wrong one.
 *
 * GROWTH
 *   Both function tables are frozen. What comes later comes as an extension: a constant table found by
 *   name ("iom.match/1"). A name that ends in ".draft/N" may change; all others never do.
 */
#ifndef IOM_IOM_H
#define IOM_IOM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The number of this contract. A host loads only modules with its own number. */
#define IOM_ABI 1u

/* The one symbol that a module exports, of type `const struct iom_entry`. */
#define IOM_ENTRY_SYMBOL "iom_entry"

/* What a function answers. Anything but IOM_OK and IOM_RESTART is a refusal and comes with a sentence. */
typedef enum iom_result {
    IOM_OK = 0,       /* done, or for invoke: accepted */
    IOM_RESTART = 1,  /* set: these settings need a stop, a set and a start; nothing was changed */
    IOM_BUSY = 2,     /* a queue is full: try again later */
    IOM_OFFLINE = 3,  /* the line is not there */
    IOM_STATE = 4,    /* not now, in this state */
    IOM_SETTING = 5,  /* a setting is missing or wrong */
    IOM_ARGUMENT = 6, /* an argument is missing or wrong */
    IOM_TOKEN = 7,    /* create: made for another interface token */
    IOM_FAILED = 8    /* anything else: memory, threads, the module's own fault */
} iom_result;

/* How an accepted call ended. */
typedef enum iom_outcome {
    IOM_DONE = 0,     /* it has happened */
    IOM_GIVEN_UP = 1, /* it has not, and will not; the sentence says why */
    IOM_TIMED_OUT = 2 /* its time is over; it may or may not have happened */
} iom_outcome;

typedef enum iom_level {
    IOM_LOG_ERROR = 1,
    IOM_LOG_WARNING = 2,
    IOM_LOG_INFO = 3,
    IOM_LOG_DEBUG = 4,
    IOM_LOG_FRAME = 5 /* one frame on the line; only while a setting asks for them */
} iom_level;

typedef enum iom_kind {
    IOM_BOOL = 1,
    IOM_INT = 2,
    IOM_REAL = 3,
    IOM_TEXT = 4, /* UTF-8 */
    IOM_BYTES = 5,
    IOM_MATCH = 6 /* a handle of the host's, for the extension iom.match/1 */
} iom_kind;

/* A text: `size` bytes of UTF-8 at `data`; data may be null where size is 0. */
typedef struct iom_text {
    const char *data;
    size_t size;
} iom_text;

typedef struct iom_bytes {
    const uint8_t *data;
    size_t size;
} iom_bytes;

/* A value with the id of what it is the value of. `kind` is an iom_kind and says which member holds. */
typedef struct iom_value {
    uint32_t id;
    uint32_t kind;
    union {
        uint32_t boolean; /* 0 or 1 */
        int64_t integer;
        double real;
        iom_text text;
        iom_bytes bytes;
        uint32_t match; /* valid until the instance is destroyed */
    } as;
} iom_value;

typedef struct iom_host iom_host;
typedef struct iom_instance iom_instance; /* the module's own; the host never looks inside */

/* The host's functions, one table per instance; `self` is always this table. */
struct iom_host {
    void *data; /* the host's own; the module never looks inside */

    /* The host's extension of that name, or null. [any] */
    const void *(*extension)(const iom_host *self, const char *name);

    /* Writes a line to the log; `level` is an iom_level. [any] */
    void (*log)(const iom_host *self, uint32_t level, iom_text line);

    /* Asks for a call of service soon. Many calls before it make one. [any] */
    void (*wake)(const iom_host *self);

    /* The values of status variables have changed; the newest counts. [control & servicing] */
    void (*status)(const iom_host *self, const iom_value *values, size_t count);

    /* Something has happened, once. Variables stand in the manifest's order. [control & servicing] */
    void (*trigger)(const iom_host *self, uint32_t trigger, const iom_value *variables, size_t count);

    /* Ends an accepted call, exactly once; the sentence may be empty where it is done.
       `outcome` is an iom_outcome. [control & servicing] */
    void (*done)(const iom_host *self, uint64_t call, uint32_t outcome, iom_text sentence);
};

/* What service reports, as bits. */
#define IOM_MORE 1u    /* there was more than one batch: call again in the next round */
#define IOM_STOPPED 2u /* after stop: everything has ended and every call is done; state is created */

/*
 * The module's functions. Where a function can refuse it fills `*why` with one sentence (what, where, what
 * next) that stays valid until the next call for this instance. Results are values of iom_result.
 */
typedef struct iom_module {
    /* The module's extension of that name, or null. [control] */
    const void *(*extension)(iom_instance *self, const char *name);

    /* Takes the whole set of settings; one that is absent has its manifest's default. While running, live
       settings apply at once, and IOM_RESTART asks for the rest. [control & created or running] */
    uint32_t (*set)(iom_instance *self, const iom_value *settings, size_t count, iom_text *why);

    /* Starts; needs a set before it. [control & created] */
    uint32_t (*start)(iom_instance *self, iom_text *why);

    /* Begins an action. IOM_OK accepts it: exactly one done with this number follows, at stop too. Any
       other answer refuses it, and nothing follows. [control & running] */
    uint32_t (*invoke)(iom_instance *self, uint64_t call, uint32_t action, const iom_value *arguments,
                       size_t count, iom_text *why);

    /* Does a bounded batch of what has come up, and answers with bits of IOM_MORE and IOM_STOPPED.
       [control & running] */
    uint32_t (*service)(iom_instance *self);

    /* Asks for an orderly end within the bounds of the settings; service reports it. [control & running] */
    void (*stop)(iom_instance *self);

    /* Ends the instance at once, also when it is running; the host's table is not touched after it.
       [control & not servicing] */
    void (*destroy)(iom_instance *self);
} iom_module;

/* No typedef: in C and C++ alike it would take the name that the symbol needs. */
struct iom_entry {
    uint32_t abi;        /* IOM_ABI of the header that it was compiled with; always the first member */
    const char *id;      /* kebab-case, as in the manifest */
    const char *version; /* of the module, major.minor.patch */
    uint64_t token;      /* of the manifest that it was compiled with */
    const iom_module *functions;

    /* Makes an instance, in state created; it may call the [any] functions of `host` until destroy has
       returned. `token` is that of the manifest the host has read; another than the module's own is
       refused with IOM_TOKEN. On a refusal `*why` is a constant text. [control] */
    uint32_t (*create)(const iom_host *host, uint64_t token, iom_instance **instance, iom_text *why);
};

#ifdef __cplusplus
}
#endif

#endif
