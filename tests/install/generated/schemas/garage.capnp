@0xd59cb78b7d3472c8;
using Drover = import "/drover/annotations.capnp";
using Wheel = import "/parts/wheel.capnp".Wheel;
$Drover.namespace("garage");

interface Garage {
  mount @0 (wheels :List(Wheel)) -> (inches :UInt32);
}
