@0xc97c609a4edefabf;
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("bad");
interface Base { close @0 (); size @1 () -> (size :UInt32); }
interface Other { size @0 () -> (size :UInt64); close @1 (); }
interface Derived extends(Base) { close @0 (); }
interface Both extends(Base, Other) {}
