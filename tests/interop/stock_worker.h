// The Worker that the stock programs serve.
#ifndef DROVER_TESTS_INTEROP_STOCK_WORKER_H_
#define DROVER_TESTS_INTEROP_STOCK_WORKER_H_

#include <cstdint>

#include "interop.capnp.h"

namespace interop::stock {

// `neighbour` may be null.
Worker::Client NewWorker(Worker::Client neighbour = nullptr);

// Of this process: the workers that get returned and that exist, and the calls of wait.
uint32_t LivingWorkers();
uint32_t WaitingCalls();

}  // namespace interop::stock

#endif  // DROVER_TESTS_INTEROP_STOCK_WORKER_H_
