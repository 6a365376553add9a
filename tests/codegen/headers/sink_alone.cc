#include "sink.drover.h"

#ifdef CAPNP_VERSION
#error "a generated header includes Cap'n Proto"
#endif
