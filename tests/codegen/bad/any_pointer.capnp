@0xbcc0dbd9cf93b9c4;
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("bad");
struct Envelope { inner :group { body @0 :AnyPointer; } }
interface Carrier { carry @0 (what :AnyStruct) -> (cap :Capability); }
