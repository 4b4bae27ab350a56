/* What every C file here begins with. `EXPORT` marks the functions that Python calls. */
#ifndef FIDELITY_EXPORTED_H
#define FIDELITY_EXPORTED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

#endif
