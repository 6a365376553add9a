@0xb16d89d721eb7155;
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("race");

interface Worker {
  calculate @0 () -> (seconds :UInt32);
  stop @1 () $Drover.concurrent;
}
