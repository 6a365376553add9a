#include "garage.drover.h"

#ifdef CAPNP_VERSION
#error "a generated header includes Cap'n Proto"
#endif
