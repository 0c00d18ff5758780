/* What plugin.c asks its rules about. */
#ifndef REQUEST_RULES_H
#define REQUEST_RULES_H

struct request {
    unsigned user;
    unsigned bytes;
    char path[16];
};

enum verdict { PASS, REFUSE };

#endif
