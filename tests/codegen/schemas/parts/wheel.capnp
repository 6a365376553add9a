@0xa342dde30cdd6994;
# What cars stand on.

using Drover = import "/drover/annotations.capnp";
using Cxx = import "/capnp/c++.capnp";
$Drover.namespace("acme::parts");
$Cxx.namespace("capnp_parts");

enum Tread { summer @0; winter @1; }

struct Wheel {
  inches @0 :UInt8 = 17;
  tread @1 :Tread;
}

interface Inspector {
  inspect @0 (wheel :Wheel) -> (fit :Bool);
}

const spare :Wheel = (inches = 15, tread = winter);
