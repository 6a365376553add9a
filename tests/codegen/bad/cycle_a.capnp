@0xc950a2bcaa871680;
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("bad_a");
using B = import "cycle_b.capnp";
struct InA { b @0 :List(B.InB); }
struct Plain {}
