@0xd6c0d478415f6d6a;
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("a.b");
