@0xd3a1f07c46be9215;
# What calls meet that arrive while a slow one runs: benchmarks/open_loop.h.

using Cxx = import "/capnp/c++.capnp";
using Drover = import "/drover/annotations.capnp";
$Cxx.namespace("bench::stock");
$Drover.namespace("bench");

interface Clerk {
  # Each method sleeps for so many microseconds if that is not 0. They may run at the same time:
  # calls that wait for their turn on an object would wait behind the slow one by contract.

  work @0 (sleep :UInt32) -> () $Drover.concurrent;
  # Sleeps where Drover cannot see it, in a system call.

  wait @1 (sleep :UInt32) -> () $Drover.concurrent;
  # Sleeps in drover::SleepFor.

  search @2 (sleep :UInt32) -> () $Drover.concurrent;
  # As work does, but another method.
}
