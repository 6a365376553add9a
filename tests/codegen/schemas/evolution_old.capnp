@0xe2569fbd246e6567;
using Drover = import "/drover/annotations.capnp";
using Cxx = import "/capnp/c++.capnp";
$Drover.namespace("evolution_old");
$Cxx.namespace("capnp_evolution_old");

enum Color { red @0; green @1; }

struct Point { x @0 :Int32; }

struct Order {
  id @0 :UInt32;
  color @1 :Color;
  names @2 :List(Text);
  counts @3 :List(UInt32);
  points @4 :List(Point);
  point @5 :Point;
  union {
    cash @6 :UInt32;
    card @7 :Text;
  }
}
