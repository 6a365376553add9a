// The main function of a peer: a program of its own, so that what it links disturbs nobody else.
//
//   int main(int argc, char** argv) {
//     Thrift threaded(...), nonblocking(...);
//     return drover::bench::PeerMain(argc, argv, {&threaded, &nonblocking});
//   }
//
//   peer about                          for each contender: a line "name NAME", a line "how HOW",
//                                       then a line "WORK PLACEMENT" for all it does
//   peer serve NAME SOCKET              prints "ready" once clients can connect; serves until
//   killed peer run NAME WORK SOCKET SECONDS   prints "CALLS SECONDS P50_US P99_US WORST_US" peer
//   hold NAME SOCKET CONNECTIONS   opens them, prints "ready", keeps them until killed
//
// A peer in another language does the same (peers/drb, peers/pyro4). What contender.h says of
// Serve, Run and Hold holds for serve, run and hold.
#ifndef DROVER_BENCHMARKS_COMMON_PEER_MAIN_H_
#define DROVER_BENCHMARKS_COMMON_PEER_MAIN_H_

#include <vector>

#include "common/contender.h"

namespace drover::bench {

// The exit code: 2 for words that it does not know, 1 for an error, which it prints.
int PeerMain(int argc, char** argv, const std::vector<Contender*>& contenders);

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_COMMON_PEER_MAIN_H_
