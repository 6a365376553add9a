@0xe7e184bae95454bc;
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("race");

interface Worker {
  # A worker of the race.

  calculate @0 () -> (seconds :UInt32);
  # Takes as long as it says.

  stop @1 () $Drover.concurrent;
}
