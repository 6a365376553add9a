@0xc6abdc763698210f;
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("bad");
using Schema = import "/capnp/schema.capnp";
struct Holder { node @0 :Schema.Node; }
