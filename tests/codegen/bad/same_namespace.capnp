@0x8df05e6dad8deab8;
using Drover = import "/drover/annotations.capnp";
using Cxx = import "/capnp/c++.capnp";
$Drover.namespace("both");
$Cxx.namespace("both");
