@0xf418b4cac8b0b0c1;
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("bad");
interface Sink { push @0 (data :Data) -> stream; }
