/* The C source of emitted.py. */
#include <stdint.h>

struct point {
    double x, y;
};

struct row {
    uint32_t id;
    unsigned up : 1, venue : 7;
    char tag[8];
    struct point at[2];
    float m[2][3];
};
