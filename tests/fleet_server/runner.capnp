@0xd04cb1a3e8ba4f27;
# A worker whose calls last as long as the test wants.

using Drover = import "/drover/annotations.capnp";
$Drover.namespace("track");

interface Runner {
  run @0 () -> (lane :UInt32);
  # Begins, and ends when the test lets the lane go.
  identify @1 () -> (pid :Int32, lane :UInt32) $Drover.concurrent;
  stop @2 () $Drover.concurrent;
}
