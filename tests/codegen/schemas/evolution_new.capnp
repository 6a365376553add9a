@0x939fc2ad58eb02dd;
# The same schema a few versions later.
using Drover = import "/drover/annotations.capnp";
using Cxx = import "/capnp/c++.capnp";
$Drover.namespace("evolution_new");
$Cxx.namespace("capnp_evolution_new");

enum Color { red @0; green @1; blue @2; }

struct Point { x @0 :Int32; y @1 :Int32 = -1; label @2 :Text = "origin"; }

struct Count { number @0 :UInt32; unit @1 :Text = "pieces"; }

struct Order {
  id @0 :UInt32;
  color @1 :Color;
  names @2 :List(Text);
  counts @3 :List(Count);
  points @4 :List(Point);
  point @5 :Point;
  union {
    cash @6 :UInt32;
    card @7 :Text;
    voucher @8 :Text;
  }
  note @9 :Text = "none";
  total @10 :UInt64 = 7;
  tags @11 :List(Text) = ["new"];
  store @12 :Store;
  stores @13 :List(Store);
}

interface Store {}
