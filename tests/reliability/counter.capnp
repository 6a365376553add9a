@0xd2a7c5b1f0e94c37;
# An interface for tests of calls that are lost.

using Cxx = import "/capnp/c++.capnp";
using Drover = import "/drover/annotations.capnp";
$Cxx.namespace("counter::wire");
$Drover.namespace("counter");

interface Counter {
  bump @0 (by :UInt32, padding :Data) -> (count :UInt32);
  # Counts.
  get @1 (padding :Data) -> (count :UInt32) $Drover.idempotent;
  # What has been counted; counts nothing, but how often it ran.
}
