@0xd5d045fdeb5a321c;
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("bad");
interface Derived extends(Base) {}
interface Base {}
