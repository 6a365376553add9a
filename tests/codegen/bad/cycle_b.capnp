@0xa6d0fc7464a04c1a;
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("bad_b");
using A = import "cycle_a.capnp";
struct InB { a @0 :A.Plain; }
