@0xfa01adc16d24ec71;
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("bad");
struct Tree { leaves @0 :List(Tree) = [()]; }
