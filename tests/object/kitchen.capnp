@0xec2c30dda304a9a6;
# Interfaces that the tests of objects use: a bit of everything a method can do.

using Cxx = import "/capnp/c++.capnp";
using Drover = import "/drover/annotations.capnp";
$Cxx.namespace("kitchen::wire");
$Drover.namespace("kitchen");

interface Listener {
  heard @0 (text :Text) -> (reply :Text);
}

interface Cook {
  add @0 (a :UInt32, b :UInt32) -> (sum :UInt32);
  echo @1 (data :Data) -> (data :Data);
  fail @2 (code :UInt16, message :Text);
  tell @3 (listener :Listener, text :Text) -> (reply :Text);
  # Calls the listener and gives its reply.
  keep @4 (listener :Listener);
  kept @5 () -> (listener :Listener);
  makeCook @6 () -> (cook :Cook);
  sleep @7 (millis :UInt32);
  wait @8 () $Drover.concurrent;
  # Returns when release is called.
  release @9 () $Drover.concurrent;
  running @10 () -> (count :UInt32, most :UInt32) $Drover.concurrent;
  stop @11 () $Drover.concurrent;
  pass @12 (listener :Listener) -> (listener :Listener);
  # Gives back what it gets.
  later @13 () -> (listener :Listener);
  # Waits until release is called, then gives what is kept.
  look @14 () -> (shelf :Shelf);
  note @15 (entry :UInt32);
  notes @16 () -> (entries :List(UInt32));
  # What was noted, in order.
}

struct Shelf {
  label @0 :Text;
  listener @1 :Listener;
  # What is kept.
  empty @2 :Listener;
}
