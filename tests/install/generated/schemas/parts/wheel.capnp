@0xeb65611acf51effc;
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("parts");

struct Wheel {
  inches @0 :UInt32 = 17;
}
